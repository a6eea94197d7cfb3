"""Draws the rental's states as an SVG, for pages that cannot show Mermaid."""

from collections.abc import Iterable, Mapping
from html import escape
from types import MappingProxyType
from typing import Final

from docs.tables import Arrow
from kiwisms.domain.rental_state import FINAL, State

BOX: Final = (112, 36)
SPOTS: Final[Mapping[State, tuple[int, int]]] = MappingProxyType(
    {
        State.NEW: (30, 110),
        State.REQUESTED: (215, 110),
        State.WAITING: (445, 110),
        State.RECEIVED: (695, 110),
        State.COMPLETED: (955, 110),
        State.FAILED: (215, 230),
        State.CANCELLED: (445, 230),
        State.EXPIRED: (695, 230),
    }
)
"""The centre of each state in the picture; a new state needs a position of its own."""
SIZE: Final = (1040, 270)
ABOVE: Final = "label"
BESIDE: Final = "label beside"
OPENING: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" '
    'width="{0}" height="{1}" role="img">'
)
ARROW_HEAD: Final = (
    '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" '
    'markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z" fill="#334"/></marker></defs>'
)
STYLE: Final = """
svg { background: #fff; font: 12px system-ui, sans-serif; }
rect, path.arrow { fill: none; stroke: #334; stroke-width: 1.3; }
rect { fill: #eef2f7; }
rect.final { fill: #dfeee2; stroke-width: 2.6; }
text { fill: #223; text-anchor: middle; }
text.label { font-size: 11px; }
text.beside { text-anchor: start; }
"""


def svg(drawn: Iterable[Arrow]) -> str:
    """Draw all arrows; those between the same two states share a line."""
    joined: dict[tuple[State, State], list[str]] = {}
    for each in drawn:
        joined.setdefault((each.source, each.target), []).append(each.label)
    return "\n".join(
        [
            OPENING.format(*SIZE),
            "<title>The states of a rental, and what each step does to the money</title>",
            f"<style>{STYLE}</style>",
            ARROW_HEAD,
            *(_line(source, target, labels) for (source, target), labels in joined.items()),
            *map(_box, SPOTS),
            "</svg>\n",
        ]
    )


def _box(state: State) -> str:
    (x, y), (width, height) = SPOTS[state], BOX
    if state is State.NEW:
        return f'<circle cx="{x}" cy="{y}" r="8" fill="#334"/>'
    kind = ' class="final"' if state in FINAL else ""
    return (
        f'<rect{kind} x="{x - width // 2}" y="{y - height // 2}" '
        f'width="{width}" height="{height}" rx="8"/>'
        f'<text x="{x}" y="{y + 4}">{state}</text>'
    )


def _line(source: State, target: State, labels: list[str]) -> str:
    path, kind, x, y = _route(source, target)
    words = "".join(
        f'<text class="{kind}" x="{x}" y="{y - 14 * (len(labels) - 1 - at)}">{escape(label)}</text>'
        for at, label in enumerate(labels)
    )
    return f'<path class="arrow" d="{path}" marker-end="url(#head)"/>{words}'


def _route(source: State, target: State) -> tuple[str, str, int, int]:
    """Return the path of an arrow, and the style and position of its last label."""
    (x, y), (to_x, to_y) = SPOTS[source], SPOTS[target]
    across, up = BOX[0] // 2, BOX[1] // 2
    if source is target:
        return f"M{x - 22} {y - up} c-8 -34 52 -34 44 0", ABOVE, x, y - up - 32
    if y == to_y and to_x - x > 300:
        return f"M{x} {y - up} C{x} 0 {to_x} 0 {to_x} {to_y - up}", ABOVE, (x + to_x) // 2, 16
    if y == to_y:
        start = x + (8 if source is State.NEW else across)
        return f"M{start} {y} H{to_x - across}", ABOVE, (start + to_x - across) // 2, y - 8
    middle = (y + to_y) // 2
    if x == to_x:
        return f"M{x} {y + up} V{to_y - up}", BESIDE, x + 8, middle + 4
    path = f"M{x + across // 2} {y + up} L{to_x - across // 2} {to_y - up}"
    return path, BESIDE, (x + to_x) // 2 + 12, middle - 8
