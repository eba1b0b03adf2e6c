"""What can be done with e-mails: queue one with what causes it, and let a person send one again."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from placements.access import Action, Viewer
from placements.clock import now_utc
from placements.errors import NotFound, Refused
from placements.mail.models import Message
from placements.mail.queries import is_in_question, visible_messages
from placements.mail.rendering import render
from placements.transaction import transaction

LONGEST_ADDRESS = 254


def queue(
    session: Session,
    *,
    key: str,
    to: str,
    template: str,
    context: Mapping[str, Any],
    network_id: int | None,
) -> bool:
    """Write an e-mail into the outbox, within the caller's transaction: it leaves only if that commits.

    `key` says what it is about. Where one of this key is there already, even one that somebody else queues
    at this moment, nothing is added and the answer is False.
    """
    if len(to) > LONGEST_ADDRESS or any(mark in to for mark in "\r\n"):
        raise ValueError("this is no address")
    words = render(template, context)
    values = {
        "key": key,
        "to": to,
        "subject": words.subject,
        "body": words.body,
        "network_id": network_id,
        "queued_utc": now_utc(),
        "due_utc": now_utc(),
        "attempts": 0,
        "error": "",
    }
    # An insert that gives way to an equal key is the same in both databases, and no part of SQL's standard.
    if session.get_bind().dialect.name == "sqlite":
        of_sqlite = sqlite.insert(Message).values(values).on_conflict_do_nothing(index_elements=["key"])
        return session.scalar(of_sqlite.returning(Message.id)) is not None
    of_postgresql = postgresql.insert(Message).values(values).on_conflict_do_nothing(index_elements=["key"])
    return session.scalar(of_postgresql.returning(Message.id)) is not None


def send_again(viewer: Viewer, message_id: int) -> Message:
    """Put an e-mail back into the queue that was given up, or of which nobody knows whether it was sent.

    Raises NotFound where there is none that the person may see, and Refused where it needs nobody.
    """
    with transaction(viewer, Action.SEND_MAIL) as tx:
        message = tx.session.scalar(
            visible_messages(viewer).where(Message.id == message_id).with_for_update()
        )
        if message is None:
            raise NotFound("There is no such e-mail.")
        if message.sent_utc is not None:
            raise Refused("This e-mail has been sent.")
        if message.due_utc is not None and not is_in_question(message, now_utc()):
            raise Refused("This e-mail is still being sent. Nothing needs to be done.")
        message.claimed_utc, message.due_utc, message.attempts = None, now_utc(), 0
        tx.note(message, to=message.to)
    return message


def is_told(session: Session, prefix: str) -> bool:
    """Whether any e-mail has a key that begins so."""
    return (
        session.scalar(select(Message.id).where(Message.key.startswith(prefix, autoescape=True)).limit(1))
        is not None
    )
