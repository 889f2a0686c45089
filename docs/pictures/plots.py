"""A chart as plain SVG: axes, lines, ranges, dots and words, legible on light and on dark pages.

A chart has a panel of its own, whose colours follow the reader's system; nothing is random and nothing is dated, so the
same numbers give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from math import ceil, floor, log10

Point = tuple[float, float]

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 74, 24, 70, 56
_LETTER = 6.4
"""About how wide a letter of a legend is, in pixels."""
_STYLE = """
.panel{fill:#ffffff;stroke:#d5dae1}.grid{stroke:#e6e9ee}.axis{stroke:#8b93a1}
text{font:13px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;fill:#4b5563}
.title{font-size:15px;font-weight:600;fill:#111827}.small{font-size:12px}
line,polyline,path{fill:none}
.ink{stroke:#374151}.fill-ink{fill:#374151}text.ink{fill:#374151;stroke:none}
.blue{stroke:#2563eb}.fill-blue{fill:#2563eb}text.blue{fill:#1d4ed8;stroke:none}
.orange{stroke:#d9480f}.fill-orange{fill:#d9480f}text.orange{fill:#c2410c;stroke:none}
.green{stroke:#0b7a55}.fill-green{fill:#0b7a55}text.green{fill:#0b7a55;stroke:none}
.grey{stroke:#9ca3af}.fill-grey{fill:#9ca3af}text.grey{fill:#6b7280;stroke:none}
.wash{fill:#2563eb;fill-opacity:.13}.barred{fill:#d9480f;fill-opacity:.12}.hollow{fill:#ffffff}
@media (prefers-color-scheme:dark){
.panel{fill:#15181e;stroke:#333a45}.grid{stroke:#262c35}.axis{stroke:#7b8494}
text{fill:#b6bdc9}.title{fill:#f3f4f6}
.ink{stroke:#d5dae1}.fill-ink{fill:#d5dae1}text.ink{fill:#d5dae1}
.blue{stroke:#74a7ff}.fill-blue{fill:#74a7ff}text.blue{fill:#8fb8ff}
.orange{stroke:#ff9a5c}.fill-orange{fill:#ff9a5c}text.orange{fill:#ffab78}
.green{stroke:#45c79a}.fill-green{fill:#45c79a}text.green{fill:#5cd3a9}
.grey{stroke:#6b7484}.fill-grey{fill:#6b7484}text.grey{fill:#98a1b0}
.wash{fill:#74a7ff;fill-opacity:.17}.barred{fill:#ff9a5c;fill-opacity:.16}.hollow{fill:#15181e}
}
"""


@dataclass(frozen=True)
class Axis:
    """One side of a chart: what it measures, from where to where, and the words at its ticks.

    ``log`` spreads it by powers of ten. Ticks without a place of their own on the grid (names) set ``grid`` to False.
    """

    label: str
    least: float
    most: float
    ticks: tuple[tuple[float, str], ...]
    log: bool = False
    grid: bool = True

    def part(self, value: float) -> float:
        """Return where a value stands, 0 at the least and 1 at the most."""
        low, high, at = (log10(x) for x in (self.least, self.most, value)) if self.log else (
            self.least, self.most, value,
        )  # fmt: skip
        return (at - low) / (high - low)


def in_percent(label: str, least: float, most: float, step: float) -> Axis:
    """Return an axis of decimals, written as percents."""
    digits = max(0, -floor(log10(step * 100 * (1 + 1e-9))))
    return Axis(label, least, most, tuple((v, f"{100 * v:.{digits}f}%") for v in _steps(least, most, step)))


def in_numbers(label: str, least: float, most: float, step: float) -> Axis:
    """Return an axis of plain numbers."""
    return Axis(label, least, most, tuple((v, f"{v:g}") for v in _steps(least, most, step)))


def of_names(label: str, names: Sequence[str]) -> Axis:
    """Return an axis with a name at 0, 1, 2 ..."""
    return Axis(label, -0.6, len(names) - 0.4, tuple((float(i), name) for i, name in enumerate(names)), grid=False)


def _steps(least: float, most: float, step: float) -> list[float]:
    first, last = ceil(least / step - 1e-9), floor(most / step + 1e-9)
    return [round(k * step, 12) + 0.0 for k in range(first, last + 1)]


@dataclass
class Chart:
    """A chart that is being drawn; coordinates are those of its axes.

    Parameters
    ----------
    title
        What it shows, in a line.
    words
        The same for who cannot see it, and what to look for.
    """

    title: str
    words: str
    x: Axis
    y: Axis
    _parts: list[str] = field(default_factory=list)

    def place(self, x: float, y: float) -> Point:
        """Return where a point of the axes stands in the picture."""
        across, up = self.x.part(x), self.y.part(y)
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)

    def line(self, points: Iterable[Point], colour: str = "blue", *, dashed: bool = False, width: float = 2.2) -> None:
        """Draw a line through points."""
        dash = ' stroke-dasharray="6 5"' if dashed else ""
        self._parts.append(
            f'<polyline class="{colour}" clip-path="url(#plot)" stroke-width="{width:g}"{dash} '
            f'stroke-linejoin="round" points="{self._along(points)}"/>'
        )

    def area(self, points: Iterable[Point], kind: str = "wash") -> None:
        """Fill what points surround: ``wash`` is allowed, ``barred`` is not."""
        self._parts.append(f'<polygon class="{kind}" clip-path="url(#plot)" points="{self._along(points)}"/>')

    def span(self, first: Point, last: Point, kind: str = "wash") -> None:
        """Fill a rectangle between two corners."""
        (x0, y0), (x1, y1) = first, last
        self.area([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], kind)

    def bar(self, x: float, low: float, high: float, kind: str = "wash", half: float = 0.3) -> None:
        """Fill an upright bar around ``x``."""
        self.span((x - half, low), (x + half, high), kind)

    def mark(self, x: float, y: float, colour: str = "ink", half: float = 0.3) -> None:
        """Draw a level stroke around ``x``."""
        self.line([(x - half, y), (x + half, y)], colour, width=2.6)

    def dot(self, x: float, y: float, colour: str = "blue", *, hollow: bool = False, size: float = 5) -> None:
        """Draw a dot, where it is on the chart; a hollow one is what would be without the limit."""
        if not (0 <= round(self.x.part(x), 6) <= 1 and 0 <= round(self.y.part(y), 6) <= 1):
            return
        (cx, cy), kind = self.place(x, y), f"hollow {colour}" if hollow else f"fill-{colour}"
        self._parts.append(f'<circle class="{kind}" cx="{_n(cx)}" cy="{_n(cy)}" r="{size:g}" stroke-width="2"/>')

    def arrow(self, start: Point, end: Point, colour: str = "ink") -> None:
        """Draw an arrow."""
        (x0, y0), (x1, y1) = self.place(*start), self.place(*end)
        length = max(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5, 1e-9)
        ux, uy = (x1 - x0) / length, (y1 - y0) / length
        wings = [(x1 - 8 * ux + side * 4 * uy, y1 - 8 * uy - side * 4 * ux) for side in (1, -1)]
        head = " ".join(f"{_n(a)},{_n(b)}" for a, b in (wings[0], (x1, y1), wings[1]))
        self._parts.append(
            f'<line class="{colour}" stroke-width="1.6" x1="{_n(x0)}" y1="{_n(y0)}" x2="{_n(x1)}" y2="{_n(y1)}"/>'
            f'<polyline class="{colour}" stroke-width="1.6" points="{head}"/>'
        )

    def say(
        self, x: float, y: float, words: str, colour: str = "ink", anchor: str = "start", dx: float = 0, dy: float = 0
    ) -> None:
        """Write words at a point, moved by so many pixels (down is positive)."""
        cx, cy = self.place(x, y)
        self._parts.append(
            f'<text class="{colour} small" x="{_n(cx + dx)}" y="{_n(cy + dy)}" text-anchor="{anchor}">'
            f"{escape(words)}</text>"
        )

    def legend(self, *entries: tuple[str, str, str]) -> None:
        """Name what is drawn, above the chart on the right: (line, dashed, dot, hollow or fill; colour; words)."""
        at = WIDTH - RIGHT - sum(34 + _LETTER * len(words) for _, _, words in entries) + 12
        for kind, colour, words in entries:
            self._parts.append(_sample(kind, colour, at, TOP - 13))
            self._parts.append(f'<text class="ink small" x="{_n(at + 20)}" y="{TOP - 9}">{escape(words)}</text>')
            at += 34 + _LETTER * len(words)

    def svg(self) -> str:
        """Return the picture."""
        right, low = WIDTH - RIGHT, HEIGHT - BOTTOM
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
                f'height="{HEIGHT}" role="img" aria-labelledby="title words">',
                f'<title id="title">{escape(self.title)}</title>',
                f'<desc id="words">{escape(self.words)}</desc>',
                f"<style>{_STYLE}</style>",
                f'<clipPath id="plot"><rect x="{LEFT}" y="{TOP}" width="{right - LEFT}" height="{low - TOP}"/>'
                "</clipPath>",
                f'<rect class="panel" x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="8"/>',
                f'<text class="title" x="20" y="30">{escape(self.title)}</text>',
                *self._ruled(),
                *self._parts,
                f'<line class="axis" x1="{LEFT}" y1="{low}" x2="{right}" y2="{low}"/>',
                f'<line class="axis" x1="{LEFT}" y1="{TOP}" x2="{LEFT}" y2="{low}"/>',
                "</svg>\n",
            ]
        )

    def _ruled(self) -> list[str]:
        """Return grid, tick words and labels."""
        right, low, ruled = WIDTH - RIGHT, HEIGHT - BOTTOM, []
        for value, words in self.x.ticks:
            at = _n(self.place(value, self.y.least)[0])
            if self.x.grid:
                ruled.append(f'<line class="grid" x1="{at}" y1="{TOP}" x2="{at}" y2="{low}"/>')
            ruled.append(f'<text class="small" x="{at}" y="{low + 19}" text-anchor="middle">{escape(words)}</text>')
        for value, words in self.y.ticks:
            at = self.place(self.x.least, value)[1]
            if self.y.grid:
                ruled.append(f'<line class="grid" x1="{LEFT}" y1="{_n(at)}" x2="{right}" y2="{_n(at)}"/>')
            ruled.append(
                f'<text class="small" x="{LEFT - 9}" y="{_n(at + 4)}" text-anchor="end">{escape(words)}</text>'
            )
        middle = (LEFT + right) / 2
        ruled.append(f'<text x="{middle:g}" y="{HEIGHT - 14}" text-anchor="middle">{escape(self.x.label)}</text>')
        ruled.append(f'<text x="20" y="{TOP - 9}">{escape(self.y.label)}</text>')
        return ruled

    def _along(self, points: Iterable[Point]) -> str:
        return " ".join(f"{_n(cx)},{_n(cy)}" for cx, cy in (self.place(x, y) for x, y in points))


def _sample(kind: str, colour: str, x: float, y: float) -> str:
    """Return a small piece of what a legend names."""
    if kind == "fill":
        return f'<rect class="{colour}" x="{_n(x)}" y="{_n(y - 6)}" width="15" height="12"/>'
    if kind in ("dot", "hollow"):
        look = f"hollow {colour}" if kind == "hollow" else f"fill-{colour}"
        return f'<circle class="{look}" cx="{_n(x + 8)}" cy="{_n(y)}" r="5" stroke-width="2"/>'
    dash = ' stroke-dasharray="6 5"' if kind == "dashed" else ""
    return f'<line class="{colour}" stroke-width="2.4"{dash} x1="{_n(x)}" y1="{_n(y)}" x2="{_n(x + 16)}" y2="{_n(y)}"/>'


def _n(value: float) -> str:
    """Write a coordinate to a tenth of a pixel, and never ``-0``."""
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")


def stairs(points: Sequence[Point]) -> list[Point]:
    """Return points as stairs: a weight stays until the next day it is looked at."""
    found = [points[0]]
    for (_, before), (x, y) in pairwise(points):
        found += [(x, before), (x, y)]
    return found
