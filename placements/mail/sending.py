"""The worker's chore: each minute, send what waits in the outbox, every e-mail once.

A message is claimed by an UPDATE that only one worker's can match, then sent, then marked. A failure that
surely came before the mail server took it is tried again, later each time; where nobody can know (the worker
died, or the connection broke while the words were on their way) it stays claimed and a person decides. See
docs/decisions/mail-once.md.
"""

from __future__ import annotations

import logging
import re
import smtplib
import ssl
from contextlib import AbstractContextManager
from datetime import timedelta
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from typing import Protocol
from urllib.parse import unquote, urlsplit

from sqlalchemy import CursorResult, select, update

from placements.access import SYSTEM, Action
from placements.clock import now_utc
from placements.errors import Stale
from placements.extensions import db
from placements.mail import rendering
from placements.mail.models import Message
from placements.settings import Settings
from placements.tasks import chore
from placements.transaction import transaction

MOST_ATTEMPTS = 8
# Between tries: 1, 2, 4 ... minutes, up to this.
LONGEST_WAIT = timedelta(hours=2)
MOST_AT_ONCE = 500
SMTP_SECONDS = 30
# A private link's secret is needed until it has left, and no longer.
SECRET = re.compile(r"(https?://\S*/)[\w-]{40,}")

log = logging.getLogger(__name__)


class NotSent(Exception):
    """The message surely was not sent; `is_final` where trying again is no use."""

    def __init__(self, words: str, *, is_final: bool = False) -> None:
        super().__init__(words)
        self.is_final = is_final


class InQuestion(Exception):
    """Nobody can know whether the message was sent."""


class Post(Protocol):
    """A way out for e-mails, open while they are sent."""

    def send(self, message: Message) -> None:
        """Send it; raises NotSent or InQuestion."""


class Console:
    """Writes a line to the log instead of sending; for trying the site out."""

    def __enter__(self) -> Console:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def send(self, message: Message) -> None:
        log.info("e-mail to %s: %s", message.to, message.subject)


class Smtp:
    """A mail server, connected to when the first message leaves and used for all that follow."""

    def __init__(self, settings: Settings) -> None:
        self._url = urlsplit(settings.smtp_url)
        self._from = settings.mail_from
        self._client: smtplib.SMTP | None = None

    def __enter__(self) -> Smtp:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def send(self, message: Message) -> None:
        client = self._connected()
        try:
            client.send_message(self._email(message), parseaddr(self._from)[1], [message.to])
        except smtplib.SMTPRecipientsRefused as error:
            code, words = error.recipients[message.to]
            raise NotSent(_said(code, words), is_final=code >= 500) from None
        except smtplib.SMTPResponseException as error:
            self._close()
            raise NotSent(_said(error.smtp_code, error.smtp_error)) from None
        except (OSError, smtplib.SMTPException) as error:
            self._close()
            raise InQuestion(f"The connection broke while it was being sent: {error}") from None

    def _connected(self) -> smtplib.SMTP:
        if self._client is not None:
            return self._client
        host, port = self._url.hostname or "localhost", self._url.port
        try:
            context = ssl.create_default_context()
            if self._url.scheme == "smtps":
                client: smtplib.SMTP = smtplib.SMTP_SSL(
                    host, port or 465, timeout=SMTP_SECONDS, context=context
                )
            else:
                client = smtplib.SMTP(host, port or 25, timeout=SMTP_SECONDS)
                client.ehlo()
                if client.has_extn("starttls"):
                    client.starttls(context=context)
            if self._url.username:
                client.login(unquote(self._url.username), unquote(self._url.password or ""))
        except (OSError, smtplib.SMTPException) as error:
            raise NotSent(f"The mail server could not be used: {error}") from None
        self._client = client
        return client

    def _email(self, message: Message) -> EmailMessage:
        email = EmailMessage()
        email["From"], email["To"], email["Subject"] = self._from, message.to, message.subject
        email["Date"] = formatdate(localtime=False)
        email["Message-ID"] = make_msgid(f"placements-{message.id}")
        # Out-of-office answers are not wanted by anybody.
        email["Auto-Submitted"] = "auto-generated"
        email.set_content(message.body)
        return email

    def _close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            try:
                client.quit()
            except (OSError, smtplib.SMTPException):
                client.close()


def _said(code: int, words: bytes | str) -> str:
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    return f"The mail server refused it: {code} {text}"


_settings: Settings | None = None


def bind(settings: Settings) -> None:
    """Send by these settings, with links to their site."""
    global _settings
    _settings = settings
    rendering.bind(settings)


def way_out() -> AbstractContextManager[Post]:
    """The mail server of the settings, or the log where there is none."""
    return Smtp(_settings) if _settings is not None and _settings.smtp_url else Console()


@chore
def send_mail() -> None:
    """Send every e-mail that is due and that no other worker has in hand, each tried once."""
    sent = failed = 0
    due = _due()
    if not due:
        return
    with way_out() as post:
        for message_id in due:
            message = _claim(message_id)
            if message is None:
                continue
            try:
                post.send(message)
            except NotSent as error:
                failed += 1
                _try_later(message, str(error), is_final=error.is_final)
            except InQuestion as error:
                failed += 1
                _leave(message, str(error))
            else:
                sent += 1
                _mark_sent(message)
    if sent or failed:
        with transaction(SYSTEM, Action.SEND_MAIL) as tx:
            tx.note(sent=sent, failed=failed)


def _due() -> list[int]:
    found = db.session.scalars(
        select(Message.id)
        .where(Message.claimed_utc.is_(None), Message.due_utc <= now_utc())
        .order_by(Message.due_utc, Message.id)
        .limit(MOST_AT_ONCE)
    )
    ids = list(found)
    db.session.rollback()
    return ids


def _claim(message_id: int) -> Message | None:
    """The message, if this worker is the one to send it."""
    try:
        with transaction(SYSTEM, Action.SEND_MAIL, audited=False) as tx:
            claimed: CursorResult[object] = tx.session.execute(  # type: ignore[assignment]
                update(Message)
                .where(Message.id == message_id, Message.claimed_utc.is_(None), Message.due_utc <= now_utc())
                .values(claimed_utc=now_utc(), attempts=Message.attempts + 1)
                .execution_options(synchronize_session=False)
            )
    except Stale:
        return None
    if claimed.rowcount != 1:
        return None
    message = db.session.get(Message, message_id, populate_existing=True)
    if message is not None:
        db.session.expunge(message)
    # Nothing is held while the mail server is spoken to.
    db.session.rollback()
    return message


def _mark_sent(message: Message) -> None:
    _write(message, sent_utc=now_utc(), due_utc=None, error="", body=SECRET.sub(r"\1...", message.body))


def _try_later(message: Message, words: str, *, is_final: bool) -> None:
    log.warning("e-mail %s to %s was not sent: %s", message.id, message.to, words)
    gives_up = is_final or message.attempts >= MOST_ATTEMPTS
    wait = min(LONGEST_WAIT, timedelta(minutes=2 ** (message.attempts - 1)))
    _write(message, claimed_utc=None, due_utc=None if gives_up else now_utc() + wait, error=words[:500])


def _leave(message: Message, words: str) -> None:
    log.error("nobody knows whether e-mail %s to %s was sent: %s", message.id, message.to, words)
    _write(message, error=words[:500])


def _write(message: Message, **values: object) -> None:
    with transaction(SYSTEM, Action.SEND_MAIL, audited=False) as tx:
        tx.session.execute(
            update(Message)
            .where(Message.id == message.id)
            .values(**values)
            .execution_options(synchronize_session=False)
        )
