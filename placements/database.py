"""What every table shares: names of constraints, UTC times, words as a column, SQLite told to be strict."""

from datetime import UTC, datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import DeclarativeBase, Session


class Base(DeclarativeBase):
    """All tables; each constraint has a name that a migration can say."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


Row = TypeVar("Row", bound=Base)


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """A moment, always with its time zone (UTC) in Python, on either database."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


def words(name: str, *values: str) -> sa.Enum:
    """A column that holds one of a few words, checked by the database."""
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def page_of(session: Session, rows: sa.Select[Row], *, page: int, size: int) -> tuple[list[Row], int]:
    """One page of a query's rows (1 is the first page) and how many rows there are in all."""
    total = session.scalar(sa.select(sa.func.count()).select_from(rows.order_by(None).subquery())) or 0
    return list(session.scalars(rows.limit(size).offset((page - 1) * size)).unique()), total


@event.listens_for(Engine, "connect")
def _be_strict(connection: Any, _record: Any) -> None:
    """Foreign keys on, readers beside one writer, and a patient wait for the writer's lock."""
    if type(connection).__module__.startswith("sqlite3"):
        cursor = connection.cursor()
        for pragma in ("foreign_keys=ON", "journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=15000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
