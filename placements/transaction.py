"""The only place that commits. A service function is one whole action inside one transaction."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from placements.access import Action, Viewer, require
from placements.audit.models import AuditEntry
from placements.clock import now_utc
from placements.errors import Stale
from placements.extensions import db

CHANGED_MEANWHILE = "Somebody else changed this while you were working on it. Nothing of yours was saved yet."


class Transaction:
    """What a service has in hand while it acts: the session, the audit record, what follows the commit."""

    def __init__(self, viewer: Viewer, action: Action) -> None:
        self.viewer = viewer
        self.action = action
        self.session: Session = db.session
        self._subject: tuple[str, int] | None = None
        self._detail: dict[str, Any] = {}
        self._afterwards: list[Callable[[], object]] = []

    def note(self, subject: Any = None, **detail: Any) -> None:
        """Say what was acted on (a row with an `id`) and the plain facts to be audited with it."""
        if subject is not None:
            self.session.flush()
            self._subject = (subject.__tablename__, subject.id)
        self._detail |= detail

    def afterwards(self, call: Callable[[], object]) -> None:
        """Do this once the commit has succeeded: queue a job, never write."""
        self._afterwards.append(call)

    def _audit(self) -> None:
        subject, subject_id = self._subject or (None, None)
        self.session.add(
            AuditEntry(
                at_utc=now_utc(),
                person_id=self.viewer.person_id,
                person_name=self.viewer.name,
                action=self.action.value,
                subject=subject,
                subject_id=subject_id,
                detail=self._detail,
            )
        )


@contextmanager
def transaction(viewer: Viewer, action: Action, *, audited: bool = True) -> Iterator[Transaction]:
    """Ask access, let the service act, audit, commit, then queue what follows; all or nothing.

    `audited=False` is for what happens every second and tells nobody anything, such as a run's progress.

    What was read before is read again, so that the service judges what stands now. Raises NotAllowed before
    anything is read, and Stale where another person's change came first: the version column of a row differs,
    or the database was too long in other hands. Other IntegrityErrors pass through for the service to put
    into words.
    """
    require(viewer, action)
    tx = Transaction(viewer, action)
    try:
        _take_turn(tx.session)
        yield tx
        if audited:
            tx._audit()
        tx.session.commit()
    except StaleDataError:
        tx.session.rollback()
        raise Stale(CHANGED_MEANWHILE) from None
    except OperationalError as error:
        tx.session.rollback()
        if "database is locked" in str(error):
            raise Stale("The database was busy with somebody else's work. Please try again.") from None
        raise
    except BaseException:
        tx.session.rollback()
        raise
    for call in tx._afterwards:
        call()


def _take_turn(session: Session) -> None:
    """SQLite has one writer at a time and no locks of rows: whoever acts waits here for the turn to write,
    before reading what to judge by, and not at the first write, when it would be too late to judge again."""
    session.flush()
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        sqlite = connection.connection.driver_connection
        if sqlite is not None and not sqlite.in_transaction:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
    session.expire_all()


def violates(error: IntegrityError, constraint: str, columns: str = "") -> bool:
    """Whether the error is this constraint's: PostgreSQL says its name, SQLite the `table.column` list."""
    text = str(error.orig)
    return constraint in text or bool(columns and columns in text)
