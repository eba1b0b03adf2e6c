"""Work on several threads at once, while the one that asked for it listens for a stop."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, wait
from typing import TypeVar

from matching.stop import Stop

# How often the stop is asked meanwhile.
SECONDS_BETWEEN = 0.2

T = TypeVar("T")


def results(work: Sequence[Future[T]], stop: Stop) -> list[T]:
    """Of each its result, in order. `stop` is asked on this thread until all are done: it may use what
    belongs to its caller's thread, such as a database's session."""
    while wait(work, timeout=SECONDS_BETWEEN).not_done:
        stop()
    return [each.result() for each in work]
