"""Where the boxes of a diagram stand, and which way its lines run.

Columns of boxes, what is referred to on the left of what refers to it. Lines are horizontal and vertical. All lines to one place of a box
share a trunk: in each gap between two columns a vertical piece of their own, and a way of their own through each column that they cross.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from generator.graph.layers import connected, order, ranks
from generator.records import record

BETWEEN = 28
"""Between two boxes of a column, and between two parts of the diagram."""
CROSSING = 14
"""Between a line that crosses a column and what is above and below it."""
TRACK = 12
"""Between two trunks."""
PARENT_END = 30
CHILD_END = 92
"""Between a box and the first trunk: room for the marks at the end of a line, and at a child's for a word."""

SETTLING = 12
"""How often the columns are moved towards their neighbours."""
SWAPS = 12
"""How often trunks change places with their neighbours."""


@record
class Box:
    """The size of a box."""

    width: int
    height: int


@record
class Wire:
    """A line from a box to the one it refers to, with the heights at which it meets them."""

    child: int
    child_y: int
    parent: int
    parent_y: int


type Point = tuple[int, int]


@record
class Layout:
    """The left upper corner of each box, the corners of each wire from the child to the parent, and the size of all."""

    places: tuple[Point, ...]
    paths: tuple[tuple[Point, ...], ...]
    width: int
    height: int


@dataclass(slots=True, eq=False)
class _Item:
    """What stands in a column: a box, or a line on its way through."""

    width: int
    height: int
    gap: int
    x: int = 0
    y: float = 0.0


@record
class _End:
    """Where a trunk meets an item, to the left or to the right of the trunk."""

    item: _Item
    offset: int
    on_the_left: bool
    is_child: bool

    @property
    def y(self) -> int:
        return round(self.item.y) + self.offset

    @property
    def x(self) -> int:
        return self.item.x + (self.item.width if self.on_the_left else 0)


@dataclass(slots=True, eq=False)
class _Trunk:
    """The lines to one place of a box, in the gap to the right of column `gap`."""

    gap: int
    ends: dict[_End, None] = field(default_factory=dict[_End, None])  # each one once, in order
    x: int = 0


@record
class _Part:
    """A connected part of the diagram; `nodes` and `wires` are the numbers of its boxes and lines."""

    nodes: list[int]
    wires: list[int]
    layout: Layout


def arrange(boxes: Sequence[Box], wires: Sequence[Wire]) -> Layout:
    """Place the boxes and lead the wires. The same input gives the same layout."""
    groups = connected(len(boxes), ((wire.child, wire.parent) for wire in wires))
    group_of = {node: number for number, nodes in enumerate(groups) for node in nodes}
    wires_of: list[list[int]] = [[] for _ in groups]
    for number, wire in enumerate(wires):
        wires_of[group_of[wire.child]].append(number)
    parts = [_Part(nodes, own, _part(nodes, boxes, [wires[one] for one in own])) for nodes, own in zip(groups, wires_of, strict=True)]
    return _packed(parts, len(boxes), len(wires))


def _packed(parts: list[_Part], boxes: int, wires: int) -> Layout:
    """The parts in rows, the largest first."""
    parts = sorted(parts, key=lambda part: (-len(part.nodes), -part.layout.height, part.nodes))
    area = sum((part.layout.width + BETWEEN) * (part.layout.height + BETWEEN) for part in parts)
    limit = max([int((area * 1.6) ** 0.5), *(part.layout.width for part in parts)], default=0)
    places: list[Point] = [(0, 0)] * boxes
    paths: list[tuple[Point, ...]] = [()] * wires
    x = y = row = width = 0
    for part in parts:
        if x and x + part.layout.width > limit:
            x, y, row = 0, y + row + BETWEEN, 0
        for node, (left, top) in zip(part.nodes, part.layout.places, strict=True):
            places[node] = (x + left, y + top)
        for wire, path in zip(part.wires, part.layout.paths, strict=True):
            paths[wire] = tuple((x + left, y + top) for left, top in path)
        width, row = max(width, x + part.layout.width), max(row, part.layout.height)
        x += part.layout.width + BETWEEN
    return Layout(tuple(places), tuple(paths), width, y + row)


def _part(nodes: list[int], boxes: Sequence[Box], wires: list[Wire]) -> Layout:
    parents: dict[int, list[int]] = {node: [] for node in nodes}
    for wire in wires:
        if wire.parent != wire.child:
            parents[wire.child].append(wire.parent)
    rank = ranks(nodes, parents)
    first = min(rank.values())
    rank = {node: number - first for node, number in rank.items()}
    items = {node: _Item(boxes[node].width, boxes[node].height, BETWEEN) for node in nodes}
    columns: list[list[_Item]] = [[] for _ in range(max(rank.values()) + 1)]
    for node in nodes:
        columns[rank[node]].append(items[node])
    routes = _routes(wires, rank, items, columns)
    trunks = list(dict.fromkeys(trunk for route in routes for trunk, _, _ in route))
    columns = _ordered(columns, trunks)
    _settle(columns, trunks)
    _spread(columns, trunks)
    return _drawn([items[node] for node in nodes], routes, trunks)


type _Route = list[tuple[_Trunk, _End, _End]]
"""The trunks that a wire takes, each with the ends where it comes in and goes out."""


def _routes(wires: list[Wire], rank: dict[int, int], items: dict[int, _Item], columns: list[list[_Item]]) -> list[_Route]:
    """The way of each wire; lines on their way through a column become items of it."""
    trunks: dict[tuple[int, int, int], _Trunk] = {}
    passing: dict[tuple[int, int, int], _Item] = {}

    def item_in(column: int, wire: Wire) -> _Item:
        key = (wire.parent, wire.parent_y, column)
        if key not in passing:
            passing[key] = _Item(0, 0, CROSSING)
            columns[column].append(passing[key])
        return passing[key]

    routes: list[_Route] = []
    for wire in wires:
        start, goal = rank[wire.child], rank[wire.parent]
        to_the_left = start > goal
        gaps = [start] if start == goal else range(start - 1, goal - 1, -1) if to_the_left else range(start, goal)
        route: _Route = []
        for gap in gaps:
            trunk = trunks.setdefault((wire.parent, wire.parent_y, gap), _Trunk(gap))
            here, there = (gap + 1, gap) if to_the_left else (gap, gap + 1)
            is_last = goal in {there, start}
            first = (items[wire.child], wire.child_y) if here == start else (item_in(here, wire), 0)
            last = (items[wire.parent], wire.parent_y) if is_last else (item_in(there, wire), 0)
            came = _End(*first, on_the_left=not to_the_left, is_child=here == start)
            went = _End(*last, on_the_left=to_the_left or start == goal, is_child=False)
            trunk.ends |= {came: None, went: None}
            route.append((trunk, came, went))
        routes.append(route)
    return routes


def _ordered(columns: list[list[_Item]], trunks: list[_Trunk]) -> list[list[_Item]]:
    items = [item for column in columns for item in column]
    number = {id(item): place for place, item in enumerate(items)}
    edges = [
        (number[id(one.item)], number[id(other.item)])
        for trunk in trunks
        for one in trunk.ends
        for other in trunk.ends
        if one.on_the_left and not other.on_the_left
    ]
    return [[items[place] for place in column] for column in order([[number[id(item)] for item in column] for column in columns], edges)]


def _settle(columns: list[list[_Item]], trunks: list[_Trunk]) -> None:
    """Give every item its height: as near to what it is connected with as the items above and below it allow."""
    wishes: dict[int, list[tuple[_End, _End]]] = {id(item): [] for column in columns for item in column}
    for trunk in trunks:
        for one in trunk.ends:
            wishes[id(one.item)] += [(one, other) for other in trunk.ends if other.on_the_left != one.on_the_left]
    for column in columns:
        _stack(column, lambda _: None)
    for turn in range(SETTLING):
        is_last = turn == SETTLING - 1
        for column in columns if turn % 2 == 0 else reversed(columns):
            _stack(column, lambda item, right=turn % 2 == 0 or is_last, left=turn % 2 == 1 or is_last: _wish(wishes[id(item)], left, right))
    top = min(item.y for column in columns for item in column)
    for column in columns:
        for item in column:
            item.y -= top


def _wish(pairs: list[tuple[_End, _End]], left: bool, right: bool) -> float | None:
    """The height at which an item is level with its neighbours, those that it is to the `left` or to the `right` of."""
    wanted = [
        other.item.y + other.offset - one.offset for one, other in pairs if (one.on_the_left and left) or (not one.on_the_left and right)
    ]
    return sum(wanted) / len(wanted) if wanted else None


def _stack(column: list[_Item], wish: Callable[[_Item], float | None]) -> None:
    """Move the items of a column as near to their wishes as their order and their gaps allow: least squares, by pooling neighbours."""
    shifts: list[float] = []
    shift = 0.0
    for number, item in enumerate(column):
        if number:
            shift += column[number - 1].height + max(column[number - 1].gap, item.gap)
        shifts.append(shift)
    pools: list[tuple[float, int]] = []  # the mean and the number of items that move together
    for item, shift in zip(column, shifts, strict=True):
        wanted = wish(item)
        mean, count = (item.y if wanted is None else wanted) - shift, 1
        while pools and pools[-1][0] > mean:
            before, others = pools.pop()
            mean, count = (mean * count + before * others) / (count + others), count + others
        pools.append((mean, count))
    means = [mean for mean, count in pools for _ in range(count)]
    for item, mean, shift in zip(column, means, shifts, strict=True):
        item.y = mean + shift


def _spread(columns: list[list[_Item]], trunks: list[_Trunk]) -> None:
    """Give the columns and the trunks between them their places."""
    in_gap: list[list[_Trunk]] = [[] for _ in columns]
    for trunk in trunks:
        in_gap[trunk.gap].append(trunk)
    x = 0
    for column, own in zip(columns, in_gap, strict=True):
        width = max((item.width for item in column), default=0)
        for item in column:
            item.x = x
            if not item.width:
                item.width = width  # a line crosses the whole column
        x += width
        tracks = _tracks(own)
        ends = [end for trunk in tracks for end in trunk.ends]
        x += _room(end for end in ends if end.on_the_left)
        for trunk in tracks:
            trunk.x = x
            x += TRACK
        x += _room(end for end in ends if not end.on_the_left) - (TRACK if tracks else 0)


def _room(ends: Iterable[_End]) -> int:
    """How far the first trunk is from a column."""
    return max((CHILD_END if end.is_child else PARENT_END for end in ends), default=0)


def _tracks(trunks: list[_Trunk]) -> list[_Trunk]:
    """The trunks of a gap from left to right, so that lines cross seldom and never lie on each other."""
    tracks = sorted(trunks, key=lambda trunk: sum(end.y for end in trunk.ends) / len(trunk.ends))
    for _ in range(SWAPS):
        changed = False
        for place in range(len(tracks) - 1):
            one, other = tracks[place : place + 2]
            if _conflicts(other, one) < _conflicts(one, other):
                tracks[place : place + 2] = other, one
                changed = True
        if not changed:
            break
    return tracks


def _conflicts(left: _Trunk, right: _Trunk) -> int:
    """How bad it is to have one trunk to the left of another: their crossings, and more where they would lie on each other."""
    ends = [(end.y, True) for end in left.ends if not end.on_the_left] + [(end.y, False) for end in right.ends if end.on_the_left]
    spans = {True: _span(right), False: _span(left)}
    crossings = sum(spans[of_left][0] < y < spans[of_left][1] for y, of_left in ends)
    together = {y for y, of_left in ends if of_left} & {y for y, of_left in ends if not of_left}
    return crossings + 10 * len(together)


def _span(trunk: _Trunk) -> Point:
    heights = [end.y for end in trunk.ends]
    return min(heights), max(heights)


def _drawn(items: list[_Item], routes: list[_Route], trunks: list[_Trunk]) -> Layout:
    places = tuple((item.x, round(item.y)) for item in items)
    paths = tuple(tuple(_corners(route)) for route in routes)
    right = [item.x + item.width for item in items] + [trunk.x + 1 for trunk in trunks]
    bottom = [round(item.y) + item.height for item in items] + [end.y + 1 for trunk in trunks for end in trunk.ends]
    return Layout(places, paths, max(right), max(bottom))


def _corners(route: _Route) -> list[Point]:
    found: list[Point] = []
    for trunk, came, went in route:
        found += [(came.x, came.y), (trunk.x, came.y), (trunk.x, went.y), (went.x, went.y)]
    return [point for number, point in enumerate(found) if number == 0 or point != found[number - 1]]
