"""The curves of a run as an SVG picture: losses, distance to real images, coverage and density over the epochs."""

from collections.abc import Callable
from html import escape
from math import log10
from typing import NamedTuple

from app.jobs.views import CurvePoint, Curves

WIDTH, HEIGHT, GAP = 640, 150, 46
LEFT, RIGHT = 64, 16
LEAST_KID = 1e-4  # which chance may bring below 0
COLOURS = ("#1f6feb", "#d1242f")


class _Panel(NamedTuple):
    title: str
    values: dict[str, Callable[[CurvePoint], float | None]]
    logarithmic: bool = False


LOSSES = _Panel("losses", {"loss_d": lambda p: p.losses["loss_d"], "loss_g": lambda p: p.losses["loss_g"]})
FRECHET = _Panel(
    "frechet over its floor, logarithmic: lower is better",
    {"": lambda p: p.scores.frechet_over_floor if p.scores else None},
    logarithmic=True,
)
KID = _Panel(
    "kid, logarithmic: lower is better",
    {"": lambda p: max(p.scores.compared, LEAST_KID) if p.scores else None},
    logarithmic=True,
)
VARIETY = _Panel(
    "variety and realism: higher is better",
    {
        "coverage": lambda p: p.scores.coverage if p.scores else None,
        "density": lambda p: p.scores.density if p.scores else None,
    },
)


def to_svg(curves: Curves) -> str:
    """A picture of 640 pixels' width, one panel above the other; a run without epochs gives empty panels."""
    by_kid = any(point.scores.compared_by == "kid" for point in curves.data if point.scores)
    shown = (LOSSES, KID if by_kid else FRECHET, VARIETY)
    height = len(shown) * (HEIGHT + GAP) + GAP
    panels = "".join(_panel(panel, curves.data, GAP + i * (HEIGHT + GAP)) for i, panel in enumerate(shown))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>{panels}</svg>'
    )


def _panel(panel: _Panel, points: list[CurvePoint], top: int) -> str:
    bottom, right = top + HEIGHT, WIDTH - RIGHT
    drawn = [
        f'<text x="{LEFT}" y="{top - 10}" font-weight="bold">{escape(panel.title)}</text>',
        f'<rect x="{LEFT}" y="{top}" width="{right - LEFT}" height="{HEIGHT}" fill="#f6f8fa"/>',
    ]
    lines = {name: _line(points, value) for name, value in panel.values.items()}
    measured = [value for line in lines.values() for _, value in line]
    if not measured:
        return "".join(drawn)

    scale = log10 if panel.logarithmic else float
    lowest, highest, last = min(measured), max(measured), points[-1].epoch

    def x_of(epoch: int) -> float:
        return _between(epoch, 1, last, LEFT, right)

    def y_of(value: float) -> float:
        return _between(scale(value), scale(lowest), scale(highest), bottom, top)

    drawn += [
        f'<text x="{LEFT - 6}" y="{y_of(value) + 4:.1f}" text-anchor="end">{value:.3g}</text>'
        for value in sorted({lowest, highest})
    ]
    drawn += [
        f'<text x="{x_of(epoch):.1f}" y="{bottom + 15}" text-anchor="middle">{epoch}</text>'
        for epoch in sorted({1, last})
    ]
    for place, (name, line) in enumerate(lines.items()):
        colour = COLOURS[place]
        marks = [(f"{x_of(epoch):.1f}", f"{y_of(value):.1f}") for epoch, value in line]
        path = " ".join(f"{x},{y}" for x, y in marks)
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        drawn += [f'<circle cx="{x}" cy="{y}" r="2" fill="{colour}"/>' for x, y in marks]
        at = right - 70 * place
        drawn.append(f'<text x="{at}" y="{top - 10}" text-anchor="end" fill="{colour}">{escape(name)}</text>')
    return "".join(drawn)


def _line(points: list[CurvePoint], value: Callable[[CurvePoint], float | None]) -> list[tuple[int, float]]:
    """The epochs in which a value was measured, with it."""
    measured = [(point.epoch, value(point)) for point in points]
    return [(epoch, found) for epoch, found in measured if found is not None]


def _between(value: float, low: float, high: float, start: float, end: float) -> float:
    """Where a value of low..high lies between two coordinates; in the middle when there is nothing between."""
    share = (value - low) / (high - low) if high > low else 0.5
    return start + share * (end - start)
