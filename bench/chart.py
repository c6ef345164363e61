"""A line chart on logarithmic axes as SVG text. Knows nothing of what is drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 190, 40, 50
COLOURS = ("#0b62d6", "#c2410c", "#15803d", "#7e22ce", "#be123c", "#0f766e", "#a16207")


@dataclass(frozen=True)
class Line:
    """Points of one colour; `dashed` lines are the lesser ones of a pair."""

    name: str
    points: list[tuple[float, float]]
    colour: str
    dashed: bool = False


def short(value: float) -> str:
    """`10000` → `10k`."""
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


class Axis:
    """A logarithmic axis over whole powers of ten."""

    def __init__(self, values: list[float], start: float, end: float) -> None:
        self.low = math.floor(math.log10(min(values)))
        self.high = max(math.ceil(math.log10(max(values))), self.low + 1)
        self.start, self.end = start, end

    def place(self, value: float) -> float:
        """Where a value is drawn."""
        return self.start + (math.log10(value) - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """The powers of ten."""
        return [10.0**power for power in range(self.low, self.high + 1)]


def chart(title: str, across: str, up: str, lines: list[Line]) -> str:
    """The chart. Values must be above zero."""
    x = Axis([point[0] for line in lines for point in line.points], LEFT, WIDTH - RIGHT)
    y = Axis([point[1] for line in lines for point in line.points], HEIGHT - BOTTOM, TOP)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"',
        '  font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="22" font-size="15">{escape(title)}</text>',
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 12}" text-anchor="middle">{escape(across)}</text>',
        f'<text transform="translate(16 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">{escape(up)}</text>',
    ]
    for tick in x.ticks():
        at = x.place(tick)
        out.append(f'<path d="M{at:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#e5e7eb"/>')
        out.append(f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{short(tick)}</text>')
    for tick in y.ticks():
        at = y.place(tick)
        out.append(f'<path d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}" stroke="#e5e7eb"/>')
        out.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{short(tick)}</text>')
    for number, line in enumerate(lines):
        places = [(x.place(point[0]), y.place(point[1])) for point in line.points]
        path = "L".join(f"{left:.1f} {top:.1f}" for left, top in places)
        dash = ' stroke-dasharray="5 4"' if line.dashed else ""
        out.append(f'<path d="M{path}" fill="none" stroke="{line.colour}" stroke-width="2"{dash}/>')
        for left, top in places:
            out.append(f'<circle cx="{left:.1f}" cy="{top:.1f}" r="3" fill="{line.colour}"/>')
        at = TOP + 12 + 18 * number
        out.append(f'<path d="M{WIDTH - RIGHT + 12} {at - 4}h22" stroke="{line.colour}" stroke-width="2"{dash}/>')
        out.append(f'<text x="{WIDTH - RIGHT + 40}" y="{at}">{escape(line.name)}</text>')
    return "\n".join([*out, "</svg>\n"])
