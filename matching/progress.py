"""What a caller is told while a solve runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """The stage, the requirements unplaced in the best answer so far and the fewest that may be (None: not
    yet known), and the seconds since the start."""

    stage: str
    incumbent: int | None
    bound: int | None
    seconds: float


Listener = Callable[[Progress], None]
