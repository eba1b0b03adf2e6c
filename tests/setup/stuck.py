"""A worker whose every match never ends: `python -m tests.setup.stuck`. It is there to be killed."""

import threading

import matching
from placements.cli import main


def never(*_arguments: object, **_named: object) -> None:
    """Solve for ever."""
    threading.Event().wait()


matching.solve = never  # type: ignore[assignment]
matching.repair = never  # type: ignore[assignment]
main(["worker"])
