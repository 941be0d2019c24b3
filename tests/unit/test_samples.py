"""Sample values: bounds may leave little room, and samples stay within them and within the type."""

from __future__ import annotations

import pytest

from generator.pipeline import compile_specs
from generator.samples import sample_value


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("integer", [1, 2, 3]),
        ("{type: bigint, ge: 5}", [5, 6, 7]),
        ("{type: integer, ge: 2147483647}", [2147483647] * 3),
        ("{type: integer, ge: 2147483640, multiple_of: 5}", [2147483640, 2147483645, 2147483645]),
        ("{type: integer, lt: -2147483646}", [-2147483647, -2147483648, -2147483648]),
    ],
)
def test_numbers_stay_within_their_bounds_and_their_type(field: str, expected: list[int]) -> None:
    schema, found = compile_specs({"resources/task.yaml": f"resource: Task\nfields:\n  n: {field}\n".encode()})
    assert schema is not None, found
    assert [sample_value(schema.resources[0].fields[0], number) for number in (1, 2, 3)] == expected
