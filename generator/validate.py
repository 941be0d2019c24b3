"""All rules applied to all resources: one diagnostic a mistake, all of them in one run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from generator import naming
from generator.diagnostics import Diagnostic
from generator.expressions import Rule, compile_rule, rule_columns
from generator.fields import read_deprecation, read_field
from generator.ir import Field
from generator.records import record
from generator.spec import FieldSpec, ResourceFile
from generator.validation import computed, constraints, links, names, operations, references, warnings
from generator.validation.checked import CheckedResource, Project, stem_of

__all__ = ["CheckedResource", "Project", "ReadFile", "check_file", "validate"]


@record
class ReadFile:
    """A resource with its fields read, and what is wrong with them one by one."""

    resource: CheckedResource
    diagnostics: tuple[Diagnostic, ...]


def validate(files: Sequence[ReadFile], unread: Iterable[str] = ()) -> tuple[Project, tuple[Diagnostic, ...]]:
    """Check all resources together.

    `unread` are the paths of specs that could not be read: what refers to them is not complained about. Gives the resources, and
    everything that is wrong with them.
    """
    diagnostics: list[Diagnostic] = []
    doubtful = {stem_of(path) for path in unread}
    repeated = {file.path: keeper for file, keeper in names.repeated_resources([one.resource.file for one in files])}
    legal: list[CheckedResource] = []
    for one in files:
        resource, file = one.resource, one.resource.file
        keeper = repeated.get(file.path)
        found = [names.repeated_resource(file, keeper)] if keeper else list(names.resource_name(file))
        diagnostics += [*found, *one.diagnostics]
        if keeper or found or "resource" in file.head.broken:
            doubtful.add(stem_of(file.path))
        if not keeper and (not found or found[0].code == "RS208"):
            legal.append(resource)
    resources = tuple(one.resource for one in files)
    project = Project(resources, {resource.name: resource for resource in legal}, frozenset(doubtful))
    named = [resource for resource in legal if "resource" not in resource.file.head.broken]
    diagnostics += names.collisions(sorted(named, key=lambda resource: resource.file.path))
    for resource in resources:
        diagnostics += _across_fields(resource, project)
    diagnostics += references.cycles(project)
    diagnostics += references.inverses(project)
    diagnostics += links.pairs(project)
    diagnostics += references.renames(project)
    return project, tuple(diagnostics)


def check_file(file: ResourceFile, plurals: Mapping[str, str]) -> ReadFile:
    """Read the fields of one resource. `plurals` are default plurals by resource that an earlier run has frozen."""
    head, name = file.head, file.head.resource
    table = head.plural if head.plural is not None else plurals.get(name) or naming.plural_of(name)
    diagnostics = list(names.plural(file, table))
    if diagnostics:
        table = naming.plural_of(name)
    diagnostics += names.field_names(file)
    fields: dict[str, Field] = {}
    specs: dict[str, FieldSpec] = {}
    for named in file.fields:
        if named.spec is None:
            continue
        reading = read_field(name, table, named)
        diagnostics += reading.diagnostics
        if reading.field is not None and names.legal_field(named, soft_delete=head.soft_delete):
            fields[named.name] = reading.field
            specs[named.name] = named.spec
    known = frozenset(named.name for named in file.fields)
    completed = computed.complete(table, fields, specs, known - fields.keys())
    diagnostics += completed.diagnostics
    rules, found = _rules(file, completed.fields, known - completed.fields.keys())
    diagnostics += found
    deprecated = read_deprecation(head.deprecated, f"`{name}`", diagnostics)
    checked = CheckedResource(file, name, table, completed.fields, specs, known, deprecated, rules, completed.ranges)
    return ReadFile(checked, tuple(diagnostics))


def _rules(file: ResourceFile, fields: Mapping[str, Field], failed: frozenset[str]) -> tuple[dict[str, Rule], list[Diagnostic]]:
    """The rules of `checks`, compiled. Those that name a field which failed are left out without a word."""
    rules: dict[str, Rule] = {}
    diagnostics: list[Diagnostic] = []
    if not file.checks or "fields" in file.incomplete | file.head.broken:
        return rules, diagnostics
    columns = rule_columns(field for field in fields.values() if field.computed is None)
    for check in file.checks:
        if check.broken or failed & set(re.findall(r"\w+", check.rule)):
            continue
        rule = compile_rule(check.rule, check.value_span("rule"), columns)
        if isinstance(rule, Rule):
            rules.setdefault(check.name, rule)
        else:
            diagnostics += computed.without_computed(rule, fields.keys() - columns.keys())
    return rules, diagnostics


def _across_fields(resource: CheckedResource, project: Project) -> Iterator[Diagnostic]:
    yield from references.targets(resource, project)
    yield from references.deletions(resource, project)
    yield from links.link(resource)
    yield from constraints.field_lists(resource)
    yield from constraints.unique_defaults(resource)
    yield from constraints.indexes(resource)
    yield from constraints.checks(resource)
    yield from operations.operations(resource)
    yield from operations.page(resource)
    yield from operations.search_language(resource)
    yield from operations.offers(resource, project)
    yield from operations.unwritable(resource)
    yield from warnings.secret_defaults(resource)
