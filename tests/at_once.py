"""People who act at the same moment, each over a connection of their own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from flask import Flask

from placements.extensions import db

T = TypeVar("T")


def at_once(app: Flask, *calls: Callable[[], T]) -> list[T]:
    """What these calls return, begun together, each in a thread and a session of its own. The first error of
    any is raised here."""
    start = Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        with app.app_context():
            start.wait()
            try:
                return call()
            finally:
                db.session.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
