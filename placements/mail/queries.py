"""Reads about e-mails."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, false, or_, select
from sqlalchemy.orm import Session

from placements.access import Action, Viewer
from placements.database import page_of
from placements.mail.models import Message

# A worker needs seconds between claiming an e-mail and saying that it is sent. Later than this it has died.
IN_QUESTION_AFTER = timedelta(minutes=10)


def visible_messages(viewer: Viewer) -> Select[Message]:
    """An administrator sees the network's e-mails, the newest first."""
    messages = select(Message).order_by(Message.id.desc())
    if not viewer.may(Action.SEE_MAIL):
        return messages.where(false())
    return messages.where(Message.network_id == viewer.network_id)


def is_in_question(message: Message, now: datetime) -> bool:
    """Whether nobody knows if it was sent: a worker had it in hand and never said more."""
    return (
        message.sent_utc is None
        and message.claimed_utc is not None
        and message.claimed_utc < now - IN_QUESTION_AFTER
    )


def state_of(message: Message, now: datetime) -> str:
    """`sent`, `in question`, `being sent`, `given up`, `failed` (and to be tried again) or `waiting`."""
    if message.sent_utc is not None:
        return "sent"
    if message.claimed_utc is not None:
        return "in question" if is_in_question(message, now) else "being sent"
    if message.due_utc is None:
        return "given up"
    return "failed" if message.attempts else "waiting"


def messages(
    session: Session, viewer: Viewer, *, now: datetime, show: str = "", page: int = 1, size: int = 50
) -> tuple[list[Message], int]:
    """One page of e-mails and how many there are; `show="attention"`: those that need a person."""
    found = visible_messages(viewer)
    if show == "attention":
        found = found.where(_needs_a_person(now))
    return page_of(session, found, page=page, size=size)


def _needs_a_person(now: datetime) -> ColumnElement[bool]:
    return and_(
        Message.sent_utc.is_(None),
        or_(
            Message.claimed_utc < now - IN_QUESTION_AFTER,
            and_(Message.claimed_utc.is_(None), Message.due_utc.is_(None)),
        ),
    )
