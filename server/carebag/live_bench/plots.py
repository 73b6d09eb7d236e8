"""Small plots as inline SVG: pure text, no script, nothing fetched."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 14, 40

Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """One curve: its name, its points from left to right, and the class that colours it (`one`, `two`, `three`)."""

    name: str
    points: Sequence[Point]
    colour: str = "one"
    steps: bool = False


@dataclass(frozen=True)
class Axis:
    """From `low` to `high`; `log` for a logarithmic one."""

    label: str
    low: float
    high: float
    log: bool = False

    def place(self, value: float, start: float, end: float) -> float:
        """Where on the picture, between start and end; what lies outside is put at the edge."""
        clipped = min(max(value, self.low), self.high)
        if self.log:
            share = math.log(clipped / self.low) / math.log(self.high / self.low)
        else:
            share = (clipped - self.low) / (self.high - self.low)
        return start + share * (end - start)

    def ticks(self) -> list[float]:
        if self.log:
            return [tick for power in range(6) for tick in (10**power, 2 * 10**power, 5 * 10**power) if self.has(tick)]
        step = nice_step((self.high - self.low) / 5)
        first = math.ceil(self.low / step)
        return [round(number * step, 10) for number in range(first, int(self.high / step + 1e-9) + 1)]

    def has(self, value: float) -> bool:
        return self.low <= value <= self.high


def nice_step(rough: float) -> float:
    """1, 2 or 5 times a power of ten, not below `rough`."""
    power: float = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= rough * (1 - 1e-9))


def plot(
    title: str, lines: Sequence[Line], x: Axis, y: Axis, bands: Sequence[Point] = (), marks: Sequence[float] = ()
) -> str:
    """Curves over each other; `bands` (from, to) are shaded, `marks` are upright lines."""

    def at_x(value: float) -> float:
        return round(x.place(value, LEFT, WIDTH - RIGHT), 1)

    def at_y(value: float) -> float:
        return round(y.place(value, HEIGHT - BOTTOM, TOP), 1)

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">']
    for begin, end in bands:
        parts.append(
            f'<rect class="band" x="{at_x(begin)}" y="{TOP}" width="{max(1.0, at_x(end) - at_x(begin)):.1f}"'
            f' height="{HEIGHT - BOTTOM - TOP}"/>'
        )
    parts += _grid(x, y, at_x, at_y)
    parts += [f'<path class="mark" d="M{at_x(mark)} {TOP}V{HEIGHT - BOTTOM}"/>' for mark in marks]
    parts += [_curve(line, at_x, at_y) for line in lines]
    parts.append("</svg>")
    keys = "".join(f'<span class="key {line.colour}">{escape(line.name)}</span>' for line in lines)
    return f"<figure><figcaption><b>{escape(title)}</b> {keys}</figcaption>{''.join(parts)}</figure>"


def _grid(x: Axis, y: Axis, at_x: Callable[[float], float], at_y: Callable[[float], float]) -> list[str]:
    bottom, middle = HEIGHT - BOTTOM, (TOP + HEIGHT - BOTTOM) / 2
    parts = [f'<path class="grid" d="M{LEFT} {at_y(tick)}H{WIDTH - RIGHT}"/>' for tick in y.ticks()]
    parts += [f'<text x="{LEFT - 6}" y="{at_y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>' for tick in y.ticks()]
    parts += [f'<text x="{at_x(tick)}" y="{bottom + 15}" text-anchor="middle">{tick:g}</text>' for tick in x.ticks()]
    parts.append(f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{WIDTH - RIGHT}"/>')
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" text-anchor="end">{escape(x.label)}</text>')
    parts.append(f'<text transform="translate(12 {middle}) rotate(-90)" text-anchor="middle">{escape(y.label)}</text>')
    return parts


def _curve(line: Line, at_x: Callable[[float], float], at_y: Callable[[float], float]) -> str:
    if not line.points:
        return ""
    first, *rest = [(at_x(a), at_y(b)) for a, b in line.points]
    path = [f"M{first[0]} {first[1]}"]
    path += [f"H{a}V{b}" if line.steps else f"L{a} {b}" for a, b in rest]
    return f'<path class="curve {line.colour}" d="{"".join(path)}"/>'


def cumulative(durations_s: Sequence[float], most: int = 400) -> list[Point]:
    """(ms, share 0-1 of durations up to it), thinned to about `most` points; the tail keeps all of its own."""
    ordered = sorted(durations_s)
    n = len(ordered)
    step = max(1, n // most)
    kept = [index for index in range(n) if index % step == 0 or index >= n - 50]
    return [(ordered[index] * 1000, (index + 1) / n) for index in kept]


def per_second(times: Sequence[float], began: float, ended: float) -> list[Point]:
    """(second, how many of the times fell into it), of whole seconds."""
    seconds = max(1, int(ended - began))
    counts = [0] * seconds
    for at in times:
        if began <= at < began + seconds:
            counts[int(at - began)] += 1
    return [(float(second), float(count)) for second, count in enumerate(counts)]
