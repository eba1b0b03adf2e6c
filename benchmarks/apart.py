"""Each contender in a process of its own: the same cores, its own memory, an end that it cannot put off."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any


class Failed(RuntimeError):
    """A contender that ended without an answer; the words say how."""


def apart(function: Callable[..., Any], *arguments: Any, cores: int = 2, most_seconds: float = 900.0) -> Any:
    """What a function of a module returns, called in a fresh process that may use so many cores.

    Raises `Failed` where it raised, died, or took more than `most_seconds`, after which it is ended.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_called, args=(there, cores, function, arguments))
    child.start()
    there.close()
    try:
        if not here.poll(most_seconds):
            raise Failed(f"no answer after {most_seconds:.0f} s")
        fine, found = here.recv()
    except EOFError:
        child.join()
        late = child.exitcode == -signal.SIGALRM
        why = "did not stop in its time" if late else f"its process ended with code {child.exitcode}"
        raise Failed(why) from None
    finally:
        if child.is_alive():
            child.terminate()
        child.join()
        here.close()
    if not fine:
        raise Failed(found)
    return found


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Ends this process, whatever it is doing, where what is inside takes longer: a solver that looks at its
    clock too seldom gets half as long again and no more."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, 1.5 * seconds + 10)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)


def peak_mb() -> float:
    """The most memory that this process has held so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _called(out: Connection, cores: int, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, allowed[:cores])
    try:
        found = (True, function(*arguments))
    except Exception:
        found = (False, traceback.format_exc(limit=-2).strip())
    out.send(found)
    out.close()
