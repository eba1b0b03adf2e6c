"""When to stop early. A stop is any callable that returns True once it is time; the best answer so far,
checked, comes back with status "cancelled" or "gap"."""

from __future__ import annotations

import time
from typing import Protocol


class Stop(Protocol):
    """Asked often between the steps of a solve."""

    def __call__(self) -> bool: ...


class Never:
    """Runs to the proof."""

    def __call__(self) -> bool:
        return False


class MaxSeconds:
    """True once so many seconds have passed since it was made; the integer search also plans by
    `remaining`."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left, not below zero."""
        return max(0.0, self._end - time.monotonic())

    def __call__(self) -> bool:
        return time.monotonic() >= self._end
