"""The outbox."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from placements.database import Base, UtcDateTime


class Message(Base):
    """One e-mail to one address. `key` says what it is about, so that the same thing is never told twice.

    `claimed_utc` is set by the worker that is about to send it: a worker that dies in between leaves it
    claimed, and it is looked at by a person rather than sent a second time. `due_utc` is when it may next be
    tried, later after each failure; nothing once it has been given up. `network_id` is whose it is.
    """

    __tablename__ = "message"
    __table_args__ = (
        sa.CheckConstraint("sent_utc IS NULL OR claimed_utc IS NOT NULL", name="sent_was_claimed"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(200), unique=True)
    to: Mapped[str] = mapped_column(sa.String(254))
    subject: Mapped[str] = mapped_column(sa.String(200))
    body: Mapped[str] = mapped_column(sa.Text)
    network_id: Mapped[int | None] = mapped_column(sa.ForeignKey("network.id"), index=True)
    queued_utc: Mapped[datetime] = mapped_column(UtcDateTime)
    due_utc: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    claimed_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sent_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(sa.String(500), default="")
