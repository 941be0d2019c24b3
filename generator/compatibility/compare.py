"""Compares two versions of an API: what changed, how grave it is for clients, and where in the specs it was caused."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from generator.compatibility.rules import RULES, Rule, Severity
from generator.compatibility.surface import Input, Place, RowRule, Section, Shape
from generator.ir import Span
from generator.records import record


@record
class Finding:
    """One change that a client can see.

    `subject` is what changed and `detail` how; `span` its place in the new specs, or in the old ones when it is `gone` from the new.
    """

    rule: Rule
    subject: str
    detail: str
    span: Span
    gone: bool = False

    @property
    def fingerprint(self) -> str:
        """Names this very change in a waiver: the same for the same change, another when it changes further."""
        return hashlib.sha256(f"{self.rule.id}\0{self.subject}\0{self.detail}".encode()).hexdigest()[:12]


def compare(old: Mapping[str, Section], new: Mapping[str, Section]) -> tuple[Finding, ...]:
    """Every change from `old` to `new` (see `surface`): the gravest first, then by their place."""
    found: list[Finding] = []
    for segment, section in old.items():
        if segment not in new:
            found.append(_finding("resource-removed", section.place, f"/{segment}", gone=True))
    for segment, section in new.items():
        if segment in old:
            found += _section(old[segment], section)
        else:
            found.append(_finding("resource-added", section.place, f"/{segment}"))
    order = list(Severity)
    unique = dict.fromkeys(found)
    return tuple(
        sorted(unique, key=lambda one: (order.index(one.rule.severity), one.span.path, one.span.line, one.subject, one.rule.id, one.detail))
    )


def _finding(rule: str, place: Place, detail: str = "", *, gone: bool = False) -> Finding:
    return Finding(RULES[rule], place.name, detail, place.span, gone)


def _section(old: Section, new: Section) -> Iterator[Finding]:
    yield from _routes(old, new)
    yield from _inputs(old, new)
    yield from _outputs(old, new)
    yield from _lists(old, new)
    yield from _rows(old, new)
    if old.if_match_required is not new.if_match_required:
        yield _finding("if-match-required" if new.if_match_required else "if-match-optional", new.place)
    kept = {"", *new.outputs, *(column for column, _ in new.inputs)}
    for name in new.deprecated.keys() - old.deprecated.keys():
        yield _finding("deprecated", new.deprecated[name])
    for name in (old.deprecated.keys() - new.deprecated.keys()) & kept:
        yield _finding("deprecation-ended", old.deprecated[name])


def _routes(old: Section, new: Section) -> Iterator[Finding]:
    for path, route in old.routes.items():
        if path not in new.routes:
            yield _finding("operation-removed", route.place, gone=True)
        elif route.operation_id != new.routes[path].operation_id:
            yield _finding("operation-renamed", new.routes[path].place, f"was {route.operation_id}")
    for path, route in new.routes.items():
        if path not in old.routes:
            yield _finding("operation-added", route.place)


def _inputs(old: Section, new: Section) -> Iterator[Finding]:
    """The fields of bodies; a change that several bodies share is one finding that names their methods."""
    methods: dict[tuple[str, Place, str, bool], list[str]] = {}
    shared = {method for _, method in old.inputs} & {method for _, method in new.inputs}
    for column, method in dict.fromkeys((*old.inputs, *new.inputs)):
        if method not in shared:
            continue  # the operation itself is new or gone
        before, after = old.inputs.get((column, method)), new.inputs.get((column, method))
        for rule, place, detail, gone in _input(before, after):
            methods.setdefault((rule, place, detail, gone), []).append(method)
    for (rule, place, detail, gone), several in methods.items():
        where = f"in {', '.join(several)}"
        yield _finding(rule, place, f"{detail} {where}".strip(), gone=gone)


type _Change = tuple[str, Place, str, bool]


def _input(before: Input | None, after: Input | None) -> Iterator[_Change]:
    if after is None:
        if before is not None:
            yield "body-field-removed", before.place, "", True
        return
    place = after.place
    if before is None:
        yield ("body-field-added-required" if after.required else "body-field-added"), place, "", False
        return
    if before.required is not after.required:
        yield ("body-field-required" if after.required else "body-field-optional"), place, "", False
    elif before.default != after.default:
        yield "default-changed", place, f"{before.default} → {after.default}", False
    if before.shape.type != after.shape.type:
        yield "body-type-changed", place, f"{before.shape.type} → {after.shape.type}", False
        return
    if before.shape.nullable is not after.shape.nullable:
        yield ("body-nullable" if after.shape.nullable else "body-not-nullable"), place, "", False
    for rule, detail in (*_values(before.shape, after.shape, "body"), *_limits(before.shape, after.shape)):
        yield rule, place, detail, False


def _values(old: Shape, new: Shape, where: str) -> Iterator[tuple[str, str]]:
    if old.values is None or new.values is None:
        if old.values is not new.values:
            opened = new.values is None
            loose = where == "body"
            yield (
                ("constraint-loosened" if opened else "constraint-tightened") if loose else "answer-type-changed",
                "enum → text" if opened else "text → enum",
            )
        return
    yield from ((f"{where}-value-removed", value) for value in sorted(old.values - new.values))
    yield from ((f"{where}-value-added", value) for value in sorted(new.values - old.values))


def _limits(old: Shape, new: Shape) -> Iterator[tuple[str, str]]:
    """Constraints; a limit that one side lacks is tightened or loosened by its coming or going."""
    for sign, before, after in ((1, old.lower, new.lower), (-1, old.upper, new.upper)):
        for name in sorted(before.keys() | after.keys()):
            was, now = before.get(name), after.get(name)
            if was == now:
                continue
            tighter = was is None or (now is not None and (now > was) is (sign > 0))  # pyright: ignore[reportOperatorIssue]  # of one type: both belong to one
            yield ("constraint-tightened" if tighter else "constraint-loosened"), f"{name} {_said(was)} → {_said(now)}"
    for name in sorted(old.others.keys() | new.others.keys()):
        was, now = old.others.get(name), new.others.get(name)
        if was != now:
            yield ("constraint-loosened" if now is None else "constraint-tightened"), f"{name} {_said(was)} → {_said(now)}"


def _said(value: object) -> str:
    return "none" if value is None else str(value)


def _outputs(old: Section, new: Section) -> Iterator[Finding]:
    for column, before in old.outputs.items():
        after = new.outputs.get(column)
        if after is None:
            yield _finding("answer-field-removed", before.place, gone=True)
            continue
        one, other = before.shape, after.shape
        if one.type != other.type:
            yield _finding("answer-type-changed", after.place, f"{one.type} → {other.type}")
            continue
        if one.width != other.width:
            rule = "answer-type-narrowed" if other.width == "integer" else "answer-type-changed"
            yield _finding(rule, after.place, f"{one.width} → {other.width}")
        if one.nullable is not other.nullable:
            yield _finding("answer-nullable" if other.nullable else "answer-not-nullable", after.place)
        for rule, detail in _values(one, other, "answer"):
            yield _finding(rule, after.place, detail)
    for column, after in new.outputs.items():
        if column not in old.outputs:
            yield _finding("answer-field-added", after.place)


def _lists(old: Section, new: Section) -> Iterator[Finding]:
    yield from _filters(old, new)
    yield from _row_rules("search", old.searches, new.searches)
    for what, before, after in (("sort", old.sorts, new.sorts), ("expand", old.expansions, new.expansions)):
        for name in before.keys() - after.keys():
            yield _finding(f"{what}-removed", before[name], name, gone=name not in new.outputs)
        for name in after.keys() - before.keys():
            yield _finding(f"{what}-added", after[name], name)
    for name in old.ranks.keys() & new.ranks.keys():
        was, now = (tuple(value for value in one.ranks[name] if value in set(other.ranks[name])) for one, other in ((old, new), (new, old)))
        if was != now:
            yield _finding("order-changed", new.sorts[name], f"{', '.join(was)} → {', '.join(now)}")
    if old.page_max != new.page_max:
        yield _finding(
            "page-max-lowered" if new.page_max < old.page_max else "page-max-raised", new.place, f"{old.page_max} → {new.page_max}"
        )
    if old.page_default != new.page_default:
        yield _finding("page-default-changed", new.place, f"{old.page_default} → {new.page_default}")


def _filters(old: Section, new: Section) -> Iterator[Finding]:
    """The parameters that filter; those of one field that come or go together are one finding."""
    removed: dict[Place, list[str]] = {}
    added: dict[Place, list[str]] = {}
    for name, before in old.filters.items():
        after = new.filters.get(name)
        if after is None:
            removed.setdefault(before.place, []).append(name)
        elif before.shape.type != after.shape.type:
            yield _finding("filter-type-changed", after.place, f"{name}: {before.shape.type} → {after.shape.type}")
    for name, after in new.filters.items():
        if name not in old.filters:
            added.setdefault(after.place, []).append(name)
    for place, names in removed.items():
        yield _finding("filter-removed", place, ", ".join(names), gone=place.name not in {one.place.name for one in new.outputs.values()})
    for place, names in added.items():
        yield _finding("filter-added", place, ", ".join(names))


def _rows(old: Section, new: Section) -> Iterator[Finding]:
    """Constraints of whole rows, what is computed of them, by what they are found, and what deletes do."""
    apart = {key: rule for key, rule in new.uniques.items() if key not in old.uniques and _holds_for_old_clients(key, rule, old, new)}
    yield from (_finding("unique-added-new", rule.place) for rule in apart.values())
    yield from _row_rules("unique", old.uniques, {key: rule for key, rule in new.uniques.items() if key not in apart})
    lenient = {key: rule for key, rule in new.checks.items() if key not in old.checks and _holds_without(rule.empty, old, new)}
    yield from (_finding("check-added-new", rule.place) for rule in lenient.values())
    yield from _row_rules("check", old.checks, {key: rule for key, rule in new.checks.items() if key not in lenient})
    for what, before, after in (
        ("on-delete", old.deletes, new.deletes),
        ("upsert-key", old.upserts, new.upserts),
        ("computed", old.computed, new.computed),
    ):
        for key, was in before.items():
            now = after.get(key)
            if now is not None and was.meaning != now.meaning:
                yield _finding(f"{what}-changed", now.place, f"{was.meaning} → {now.meaning}")


def _holds_for_old_clients(columns: tuple[str, ...], unique: RowRule, old: Section, new: Section) -> bool:
    """Whether it has a field that they know nothing of, which is null in their rows, and nulls are no equals."""
    known = {*old.outputs, *(column for column, _ in old.inputs)}
    unknown = [new.inputs.get((column, "POST")) for column in columns if column not in known]
    return unique.meaning == "nulls distinct" and any(one is not None and one.default == "null" for one in unknown)


def _holds_without(empty: tuple[str, ...], old: Section, new: Section) -> bool:
    """Whether a check is about fields alone that old clients know nothing of, and holds where all of them are null, as in their rows."""
    known = {*old.outputs, *(column for column, _ in old.inputs)}
    unknown = [new.inputs.get((column, "POST")) for column in empty]
    return bool(empty) and known.isdisjoint(empty) and all(one is not None and one.default == "null" for one in unknown)


def _row_rules[K](what: str, old: Mapping[K, RowRule], new: Mapping[K, RowRule]) -> Iterator[Finding]:
    for key, was in old.items():
        now = new.get(key)
        if now is None:
            yield _finding(f"{what}-removed", was.place, gone=True)
        elif was.meaning != now.meaning:
            yield _finding(f"{what}-changed", now.place, f"{was.meaning} → {now.meaning}")
    for key, now in new.items():
        if key not in old:
            yield _finding(f"{what}-added", now.place)
