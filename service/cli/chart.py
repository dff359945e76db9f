"""Draws two curves on a terminal, in characters that every terminal has."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

STAY, GO, BOTH = "o", "x", "*"


def two_curves(
    stay: Sequence[Decimal],
    go: Sequence[Decimal],
    *,
    labels: tuple[str, str],
    width: int = 64,
    height: int = 16,
) -> str:
    """Draw two series of one length, point 0 at the left; both start at or above 0."""
    top = max(*stay, *go, Decimal(1))
    grid = [[" "] * width for _ in range(height)]
    for column in range(width):
        place = round(column * (len(stay) - 1) / (width - 1))
        rows = [_row(series[place], top, height) for series in (stay, go)]
        grid[rows[0]][column] = STAY
        grid[rows[1]][column] = BOTH if rows[0] == rows[1] else GO
    margin = len(f"{top:,.0f}")
    lines = [
        f"{_scale(row, top, height):>{margin}} |{''.join(cells).rstrip()}"
        for row, cells in enumerate(grid)
    ]
    last = str(len(stay) - 1)
    axis = f"{'':>{margin}} +{'-' * width}"
    months = f"{'':>{margin}}  0{last:>{width - 1}} months"
    return "\n".join([*lines, axis, months, f"{STAY} {labels[0]}   {GO} {labels[1]}"])


def _row(value: Decimal, top: Decimal, height: int) -> int:
    share = max(Decimal(0), value) / top
    return height - 1 - round(share * (height - 1))


def _scale(row: int, top: Decimal, height: int) -> str:
    if row not in {0, height // 2, height - 1}:
        return ""
    return f"{top * (height - 1 - row) / (height - 1):,.0f}"
