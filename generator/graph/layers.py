"""The first half of a layered layout (K. Sugiyama, 1981): which column each box stands in, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise

SWEEPS = 8
"""How often the columns are ordered anew, by their neighbours on the left and on the right in turn."""


def connected(nodes: int, edges: Iterable[tuple[int, int]]) -> list[list[int]]:
    """The connected parts of a graph, each in order, by their first node."""
    part = list(range(nodes))

    def root(node: int) -> int:
        while part[node] != node:
            part[node] = part[part[node]]
            node = part[node]
        return node

    for one, other in edges:
        low, high = sorted((root(one), root(other)))
        part[high] = low
    parts: dict[int, list[int]] = {}
    for node in range(nodes):
        parts.setdefault(root(node), []).append(node)
    return list(parts.values())


def ranks(nodes: Sequence[int], parents: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """The column of each node: to the right of its parents, but for references that would close a circle.

    A node without parents stands just left of its first child.
    """
    forward = _without_circles(nodes, parents)
    children: dict[int, list[int]] = {node: [] for node in nodes}
    rank: dict[int, int] = {}
    for node in forward:  # parents come first
        rank[node] = max((rank[parent] + 1 for parent in forward[node]), default=0)
        for parent in forward[node]:
            children[parent].append(node)
    for node in nodes:
        if not forward[node] and children[node]:
            rank[node] = min(rank[child] for child in children[node]) - 1
    return rank


def _without_circles(nodes: Sequence[int], parents: Mapping[int, Sequence[int]]) -> dict[int, list[int]]:
    """Each node with its parents, parents first; a reference to a node whose own parents are being followed is left out."""
    found: dict[int, list[int]] = {}
    open_: set[int] = set()
    for start in nodes:
        stack = [start]
        while stack:
            node = stack[-1]
            if node in found:
                stack.pop()
                continue
            open_.add(node)
            ahead = next((parent for parent in parents[node] if parent not in found and parent not in open_), None)
            if ahead is not None:
                stack.append(ahead)
                continue
            found[node] = [parent for parent in parents[node] if parent in found]
            open_.discard(node)
            stack.pop()
    return found


def order(columns: list[list[int]], edges: Sequence[tuple[int, int]]) -> list[list[int]]:
    """The columns with their nodes in an order in which few edges cross. Each edge leads from a column to the next one."""
    left: dict[int, list[int]] = {node: [] for column in columns for node in column}
    right: dict[int, list[int]] = {node: [] for column in columns for node in column}
    for one, other in edges:
        right[one].append(other)
        left[other].append(one)
    best, fewest = columns, _crossings(columns, right)
    place = {node: number for column in columns for number, node in enumerate(column)}
    for sweep in range(SWEEPS):
        if fewest == 0:
            break
        sides, steps = (left, range(1, len(columns))) if sweep % 2 == 0 else (right, range(len(columns) - 2, -1, -1))
        columns = [list(column) for column in columns]
        for step in steps:
            columns[step].sort(key=_by_neighbours(sides, place))
            place.update((node, number) for number, node in enumerate(columns[step]))
        if (crossings := _crossings(columns, right)) < fewest:
            best, fewest = columns, crossings
    return best


def _by_neighbours(sides: Mapping[int, Sequence[int]], place: Mapping[int, int]) -> Callable[[int], float]:
    def mean(node: int) -> float:
        neighbours = sides[node]
        return sum(place[one] for one in neighbours) / len(neighbours) if neighbours else place[node]

    return mean


def _crossings(columns: Sequence[Sequence[int]], right: Mapping[int, Sequence[int]]) -> int:
    """How many pairs of edges cross."""
    total = 0
    for column, following in pairwise(columns):
        place = {node: number for number, node in enumerate(following)}
        tree = [0] * (len(following) + 1)  # a Fenwick tree: how many edges so far end at a place or above it
        seen = 0
        for node in column:
            ends = [place[other] for other in right[node]]
            for end in ends:
                total += seen - _sum(tree, end + 1)
            for end in ends:
                _add(tree, end + 1)
            seen += len(ends)
    return total


def _sum(tree: list[int], place: int) -> int:
    total = 0
    while place > 0:
        total += tree[place]
        place -= place & -place
    return total


def _add(tree: list[int], place: int) -> None:
    while place < len(tree):
        tree[place] += 1
        place += place & -place
