"""Work for the worker: one named job at a time, queued in the same database that holds the data.

Huey keeps the queue. A job is a plain function registered with `@job`; services queue it by name, after
their commit, and the worker runs it inside an application context.
"""

from collections.abc import Callable
from typing import Any

from huey import Huey, PostgresHuey, SqliteHuey, crontab
from sqlalchemy.engine import make_url

from placements.settings import Settings

_jobs: dict[str, Callable[..., None]] = {}
_chores: list[Callable[[], None]] = []
_queue: Callable[[str, dict[str, Any]], object] | None = None


def job(function: Callable[..., None]) -> Callable[..., None]:
    """Register a function that the worker may run under its own name; its arguments must be plain values."""
    _jobs[function.__name__] = function
    return function


def chore(function: Callable[[], None]) -> Callable[[], None]:
    """Register a function that every worker does when it starts and then each minute."""
    _chores.append(function)
    return function


def do_chores() -> None:
    """Do every chore once, in registration order; the caller has entered the application's context."""
    for function in _chores:
        function()


def queue(name: str, **arguments: Any) -> None:
    """Queue a registered job; call it after the commit that it depends on."""
    if name not in _jobs:
        raise LookupError(f"no job is called {name}")
    if _queue is None:
        raise RuntimeError("the queue is not set up: create_app does that")
    _queue(name, arguments)


def make_huey(settings: Settings) -> Huey:
    """The queue beside the data: a file for SQLite, two tables of its own for PostgreSQL."""
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite":
        return SqliteHuey("placements", filename=str(settings.var / "queue.sqlite"))
    dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return PostgresHuey("placements", dsn=dsn)


def bind(huey: Huey, context: Callable[[], Any]) -> None:
    """Let `queue` put jobs into this Huey, and let its worker run them within `context()`."""
    global _queue

    def perform(name: str, arguments: dict[str, Any]) -> None:
        with context():
            _jobs[name](**arguments)

    def tidy() -> None:
        with context():
            do_chores()

    _queue = huey.task(name="placements_job")(perform)
    huey.periodic_task(crontab(minute="*"), name="placements_chores")(tidy)
