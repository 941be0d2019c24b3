"""A diagram as a picture: SVG without scripts or fonts of its own, in light and dark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from generator.diagnostics import columns
from generator.graph.diagram import EVERYWHERE, Attribute, Diagram, Entity, Relation
from generator.graph.layout import Box, Point, Wire, arrange

ROW = 22
HEAD = 32
REMARK = 15
PAD = 10
KEY = 22
"""The width of a key; an attribute may have two."""
MARGIN = 24
RADIUS = 6
SMALL = 6.7
LETTER = 7.3
LARGE = 8.5
"""The width of a letter, of notes, attributes and names of entities. A little more than that of usual fonts, of which none is for sure."""
APART = 5
"""Half of what is between the lines to those who have a row for sure and to those who may have one."""

_STYLE = """
text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#1f2a27}
.page{fill:#fff}.box{fill:#fff;stroke:#9fb3ac}.link{stroke-dasharray:5 3}.head{fill:#0b6e4f}.row{stroke:#e4ebe8}
.name{font-size:14px;font-weight:700;fill:#fff}.remark{font-size:11px;fill:#cfe9de}
.type{fill:#6b7b75}.key{font-size:10px;fill:#0b6e4f;font-weight:700}
.wire{fill:none;stroke:#5c7a70;stroke-width:1.4}.mark{fill:#fff;stroke:#5c7a70;stroke-width:1.4}
.word,.foot{font-size:11px;fill:#6b7b75}
@media (prefers-color-scheme:dark){
text{fill:#dfe8e4}.page{fill:#101614}.box{fill:#18211e;stroke:#4d625a}.head{fill:#0b6e4f}.row{stroke:#26322d}
.type,.word,.foot{fill:#93a69e}.key{fill:#5cc9a0}.wire{stroke:#7fa394}.mark{fill:#101614;stroke:#7fa394}
}
"""

_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document may have."""


def as_svg(diagram: Diagram) -> str:
    """The picture, which ends with a newline."""
    boxes = [_box(entity) for entity in diagram.entities]
    layout = arrange(boxes, list(_wires(diagram)))
    width = max(layout.width, int(columns(EVERYWHERE) * SMALL)) + 2 * MARGIN
    height = layout.height + 3 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">',
        f"<title>Entity-relationship diagram</title><style>{_STYLE}</style>",
        f'<rect class="page" width="{width}" height="{height}"/>',
        f'<g transform="translate({MARGIN} {MARGIN})">',
        *(_path(path) for path in layout.paths),
        *(part for relation, path in zip(diagram.relations, layout.paths, strict=True) for part in _ends(relation, path)),
        *(_entity(entity, box, at) for entity, box, at in zip(diagram.entities, boxes, layout.places, strict=True)),
        "</g>",
        f'<text class="foot" x="{MARGIN}" y="{height - MARGIN + 4}">{_text(EVERYWHERE)}</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


# --- Boxes ---------------------------------------------------------------------------------------------------------------------------


def _box(entity: Entity) -> Box:
    rows = [_keys(entity) + columns(one.name) * LETTER + 24 + columns(_type(one)) * LETTER for one in entity.attributes]
    remarks = [columns(remark) * SMALL for remark in entity.remarks]
    width = max(columns(entity.name) * LARGE, *rows, *remarks) + 2 * PAD
    return Box(round(width), _head(entity) + ROW * len(entity.attributes) + 6)


def _keys(entity: Entity) -> int:
    """The width of the column of keys."""
    return KEY * max(len(attribute.keys) for attribute in entity.attributes)


def _head(entity: Entity) -> int:
    return HEAD + REMARK * len(entity.remarks)


def _row_y(entity: Entity, name: str) -> int:
    """The middle of the row of an attribute."""
    number = next(place for place, attribute in enumerate(entity.attributes) if attribute.name == name)
    return _head(entity) + ROW * number + ROW // 2 + 3


def _type(attribute: Attribute) -> str:
    return f"{attribute.type}{'?' if attribute.nullable else ''}"


def _entity(entity: Entity, box: Box, at: Point) -> str:
    link = " link" if entity.is_link else ""
    head = _head(entity)
    parts = [
        f'<g transform="translate({at[0]} {at[1]})">{_tooltip(entity.description)}',
        f'<rect class="box{link}" width="{box.width}" height="{box.height}" rx="{RADIUS}"/>',
        f'<path class="head" d="M0 {head}V{RADIUS}Q0 0 {RADIUS} 0H{box.width - RADIUS}Q{box.width} 0 {box.width} {RADIUS}V{head}Z"/>',
        f'<text class="name" x="{PAD}" y="21">{_text(entity.name)}</text>',
    ]
    for number, remark in enumerate(entity.remarks):
        parts.append(f'<text class="remark" x="{PAD}" y="{36 + REMARK * number}">{_text(remark)}</text>')
    for number, attribute in enumerate(entity.attributes):
        y = _row_y(entity, attribute.name)
        line = f'<path class="row" d="M1 {y - ROW // 2}H{box.width - 1}"/>' if number else ""
        parts.append(line + _row(attribute, PAD + _keys(entity), box.width - PAD, y))
    return "".join([*parts, "</g>"])


def _row(attribute: Attribute, left: int, right: int, y: int) -> str:
    return (
        f"<g>{_tooltip('\n'.join([*attribute.notes, attribute.description or '']).strip())}"
        f'<text class="key" x="{PAD}" y="{y + 4}">{" ".join(attribute.keys)}</text>'
        f'<text x="{left}" y="{y + 4}">{_text(attribute.name)}</text>'
        f'<text class="type" x="{right}" y="{y + 4}" text-anchor="end">{_text(_type(attribute))}</text></g>'
    )


def _tooltip(text: str | None) -> str:
    return f"<title>{_text(text)}</title>" if text else ""


def _text(text: str) -> str:
    return escape(_NO_XML.sub("\ufffd", text))


# --- Lines ---------------------------------------------------------------------------------------------------------------------------


def _wires(diagram: Diagram) -> Iterator[Wire]:
    place = {entity.name: number for number, entity in enumerate(diagram.entities)}
    kinds = {(relation.parent, relation.is_optional) for relation in diagram.relations}
    for relation in diagram.relations:
        child, parent = place[relation.child], place[relation.parent]
        shift = (APART if relation.is_optional else -APART) if (relation.parent, not relation.is_optional) in kinds else 0
        child_y, parent_y = _row_y(diagram.entities[child], relation.column), _row_y(diagram.entities[parent], "id") + shift
        yield Wire(child, child_y, parent, parent_y)


def _path(points: tuple[Point, ...]) -> str:
    """A line whose corners are round."""
    d = f"M{points[0][0]} {points[0][1]}"
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        near, far = _towards(corner, before), _towards(corner, after)
        d += f"L{near[0]} {near[1]}Q{corner[0]} {corner[1]} {far[0]} {far[1]}"
    return f'<path class="wire" d="{d}L{points[-1][0]} {points[-1][1]}"/>'


def _towards(corner: Point, other: Point) -> Point:
    """The point on the way from a corner to another, as far as the corner is round."""
    across, down = other[0] - corner[0], other[1] - corner[1]
    step = min(RADIUS, (abs(across) + abs(down)) // 2)
    return (corner[0] + _sign(across) * step, corner[1] + _sign(down) * step)


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def _ends(relation: Relation, path: tuple[Point, ...]) -> Iterator[str]:
    """The marks at both ends, as crow's feet, and at the child's what happens to it when the parent is deleted."""
    (x, y), out = path[0], _sign(path[1][0] - path[0][0])
    foot = _bar(x + out * 7, y) if relation.is_single else f'<path class="wire" d="M{x} {y - 6}L{x + out * 11} {y}L{x} {y + 6}"/>'
    yield foot + _ring(x + out * 15, y)
    anchor = "start" if out > 0 else "end"
    yield f'<text class="word" x="{x + out * 23}" y="{y - 4}" text-anchor="{anchor}">{_text(relation.on_delete)}</text>'
    (x, y), out = path[-1], _sign(path[-2][0] - path[-1][0])
    yield _bar(x + out * 7, y) + (_ring(x + out * 15, y) if relation.is_optional else _bar(x + out * 12, y))


def _bar(x: int, y: int) -> str:
    return f'<path class="wire" d="M{x} {y - 4}V{y + 4}"/>'


def _ring(x: int, y: int) -> str:
    return f'<circle class="mark" cx="{x}" cy="{y}" r="3.5"/>'
