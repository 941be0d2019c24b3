"""What a rule says of a row in which each of its fields is null."""

from __future__ import annotations

from functools import reduce

from generator.rules.tree import All, Any, Comparison, Condition, Constant, Field, Membership, Not, NullTest, Range, Typed, children

type _Outcomes = frozenset[bool | None]
"""What a condition can be there; None is unknown."""

_ANYTHING: _Outcomes = frozenset({True, False, None})


def holds_empty(condition: Condition) -> bool:
    """Whether the rule certainly holds there. A part without any field may be anything: such rules are rare, and refused elsewhere."""
    return False not in _outcomes(condition)


def _outcomes(node: Typed) -> _Outcomes:
    match node:
        case Constant(value=bool() as value):
            return frozenset({value})
        case All(parts):
            return reduce(_both, map(_outcomes, parts))
        case Any(parts):
            return _opposite(reduce(_both, (_opposite(_outcomes(part)) for part in parts)))
        case Not(operand):
            return _opposite(_outcomes(operand))
        case NullTest(operand, negated):
            found = _outcomes(operand) if _is_condition(operand) else frozenset({None if _is_null(operand) else True})
            return frozenset((one is None) is not negated for one in found)
        case Comparison(operator, left, right) if _is_condition(left) or _is_condition(right):
            pairs = [(one, other) for one in _outcomes(left) for other in _outcomes(right)]
            return frozenset(None if None in pair else (pair[0] is pair[1]) is (operator == "=") for pair in pairs)
        case Comparison(_, left, right) if _is_null(left) or _is_null(right):
            return frozenset({None})
        case Field() | Membership() | Range() if _is_null(node if isinstance(node, Field) else node.operand):
            return frozenset({None})
        case _:
            return _ANYTHING


def _both(one: _Outcomes, other: _Outcomes) -> _Outcomes:
    """What `and` gives."""
    return frozenset(False if False in (left, right) else None if None in (left, right) else True for left in one for right in other)


def _opposite(found: _Outcomes) -> _Outcomes:
    return frozenset(None if one is None else not one for one in found)


def _is_condition(node: Typed) -> bool:
    return isinstance(node, All | Any | Not | NullTest | Comparison | Membership | Range)


def _is_null(value: Typed) -> bool:
    """Whether a value is null there: a field is, and what is calculated of one."""
    return isinstance(value, Field) or any(map(_is_null, children(value)))
