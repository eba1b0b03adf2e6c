"""Figures as a table of aligned columns, or one JSON object a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Heads and rows, the first column to the left, the others to the right; None is left empty."""
    cells = [list(heads), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(heads))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    )


def seconds(value: float | None) -> str:
    """Seconds with the digits that matter."""
    if value is None:
        return ""
    return f"{value:.4f}" if value < 0.1 else f"{value:.3f}" if value < 1 else f"{value:.1f}"


def ratio(peer: float | None, ours: float | None) -> str:
    """How many times ours the peer's figure is: above 1 ours is the smaller."""
    if peer is None or ours is None:
        return ""
    if not ours:
        return "1.00" if not peer else "inf"
    return f"{peer / ours:.2f}" if abs(peer / ours - 1) > 0.01 else f"{peer / ours:.4f}"


def percent(value: float | None) -> str:
    """A gap in percent."""
    return "" if value is None else f"{100 * value:.3f} %" if value else "0"


def state(row: Mapping[str, Any]) -> object:
    """Whether an answer is proven; why there is none that counts."""
    return row["wrong"][0].splitlines()[-1][:40] if row["wrong"] else row["proven"]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
