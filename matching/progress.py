"""What a caller is told while a solve runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """The stage in words (that of a tier says its value and bound), the requirements of the round that the
    best answer so far leaves over and the fewest that must be by what is proven (None: not yet known), and
    the seconds since the start."""

    stage: str
    incumbent: int | None
    bound: int | None
    seconds: float


Listener = Callable[[Progress], None]
