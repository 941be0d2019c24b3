"""The layout of diagrams: whatever refers to whatever, no box lies on another, and no line runs through a box."""

from __future__ import annotations

from itertools import combinations, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from generator.graph.layout import Box, Layout, Wire, arrange

TOP = 10
ROW = 20
"""A box has a row for its key, and one for each reference."""


@st.composite
def diagrams(draw: st.DrawFn) -> tuple[list[Box], list[Wire]]:
    """Boxes with references to each other and to themselves, circles as well."""
    count = draw(st.integers(1, 9))
    targets = draw(st.lists(st.lists(st.integers(0, count - 1), max_size=4), min_size=count, max_size=count))
    boxes = [Box(draw(st.integers(60, 200)), TOP + ROW * (len(own) + 1)) for own in targets]
    wires = [
        Wire(child, TOP + ROW * (row + 1), parent, TOP + draw(st.sampled_from([-5, 5])))
        for child, own in enumerate(targets)
        for row, parent in enumerate(own)
    ]
    return boxes, wires


def rectangles(boxes: list[Box], layout: Layout) -> list[tuple[int, int, int, int]]:
    return [(x, y, x + box.width, y + box.height) for box, (x, y) in zip(boxes, layout.places, strict=True)]


@settings(max_examples=60, deadline=None)
@given(diagrams())
def test_boxes_and_lines_keep_apart(diagram: tuple[list[Box], list[Wire]]) -> None:
    boxes, wires = diagram
    layout = arrange(boxes, wires)
    placed = rectangles(boxes, layout)
    for (left, top, right, bottom), (other_left, other_top, other_right, other_bottom) in combinations(placed, 2):
        assert right < other_left or other_right < left or bottom < other_top or other_bottom < top
    assert all(left >= 0 and top >= 0 and right <= layout.width and bottom <= layout.height for left, top, right, bottom in placed)
    for wire, path in zip(wires, layout.paths, strict=True):
        for (x, y), (box, height) in ((path[0], (wire.child, wire.child_y)), (path[-1], (wire.parent, wire.parent_y))):
            left, top, right, _ = placed[box]
            assert x in {left, right}
            assert y == top + height
        for (x1, y1), (x2, y2) in pairwise(path):
            assert (x1 == x2) != (y1 == y2)
            assert 0 <= min(x1, x2) <= max(x1, x2) <= layout.width
            for left, top, right, bottom in placed:
                assert max(x1, x2) <= left or min(x1, x2) >= right or max(y1, y2) <= top or min(y1, y2) >= bottom
    assert arrange(boxes, wires) == layout


def test_what_is_referred_to_stands_on_the_left() -> None:
    """A task refers to a project, a comment to a task; the pair of a tag and a task stands beside the comment, the tag beside the task."""
    comment, pair, project, tag, task = range(5)
    boxes = [Box(100, 100)] * 5
    wires = [Wire(task, 50, project, 10), Wire(comment, 50, task, 10), Wire(pair, 50, task, 10), Wire(pair, 70, tag, 10)]
    columns = [x for x, _ in arrange(boxes, wires).places]
    assert columns[project] < columns[task] == columns[tag] < columns[comment] == columns[pair]


def test_a_line_alone_is_straight() -> None:
    assert len({y for _, y in arrange([Box(100, 300), Box(100, 60)], [Wire(0, 250, 1, 20)]).paths[0]}) == 1


def test_nothing_gives_nothing() -> None:
    assert arrange([], []) == Layout((), (), 0, 0)
