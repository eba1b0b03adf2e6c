"""E-mails: queued with what causes them, sent once each, and what becomes of those that fail."""

import logging
from collections.abc import Iterator
from datetime import timedelta

import jinja2
import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from placements.access import SYSTEM, Action, Role
from placements.audit.models import AuditEntry
from placements.clock import now_utc, set_clock
from placements.errors import NotAllowed, NotFound, Refused
from placements.mail import queries, rendering, sending, service
from placements.mail.models import Message
from placements.settings import Settings, read_settings
from placements.transaction import transaction
from tests.at_once import at_once
from tests.conftest import NOW_UTC
from tests.factories import NetworkFactory, viewer_as
from tests.services.mail_server import MailServer, mail_server

WORDS = {"department": "CT, Heartlands", "round": "Spring 2027", "by": "Ada Lead", "comment": "Week 3?"}


@pytest.fixture
def server(app: Flask) -> Iterator[MailServer]:
    """A mail server that the application sends through."""
    with mail_server() as found:
        use(app, found)
        yield found


def use(app: Flask, server: MailServer) -> None:
    settings: Settings = app.extensions["settings"]
    sending.bind(
        Settings(
            var=settings.var,
            database_url=settings.database_url,
            secret_key="",
            smtp_url=server.url,
            mail_from="Placements <from@example.nhs.uk>",
            site_url="https://placements.example.nhs.uk",
        )
    )


def queue(key: str, to: str = "sam@example.nhs.uk", network_id: int | None = None) -> bool:
    with transaction(SYSTEM, Action.SEND_MAIL) as tx:
        return service.queue(
            tx.session,
            key=key,
            to=to,
            template="declaration_returned",
            context=WORDS | {"path": "/rounds/1/capacity/2"},
            network_id=network_id,
        )


def messages(session: Session) -> list[Message]:
    return list(
        session.scalars(select(Message).order_by(Message.id).execution_options(populate_existing=True))
    )


def later(minutes: float) -> None:
    set_clock(lambda: NOW_UTC + timedelta(minutes=minutes))


def test_a_message_has_its_words_and_is_sent_once(session: Session, server: MailServer) -> None:
    assert queue("returned:1:2")
    assert not queue("returned:1:2"), "the same thing is told once"
    sending.send_mail()
    sending.send_mail()
    (taken,) = server.taken
    to, email = taken
    assert (to, email["To"], email["From"]) == (
        "sam@example.nhs.uk",
        "sam@example.nhs.uk",
        "Placements <from@example.nhs.uk>",
    )
    assert email["Subject"] == "CT, Heartlands: please change your declaration for Spring 2027"
    body = email.get_content()
    assert "Week 3?" in body
    assert "https://placements.example.nhs.uk/rounds/1/capacity/2" in body
    (message,) = messages(session)
    assert (message.sent_utc, message.attempts, message.error) == (NOW_UTC, 1, "")
    audited = session.scalars(select(AuditEntry.detail).where(AuditEntry.action == "send_mail")).all()
    assert {"sent": 1, "failed": 0} in audited


def test_what_is_rolled_back_is_never_sent(session: Session, server: MailServer) -> None:
    def queue_and_refuse() -> None:
        with transaction(SYSTEM, Action.SEND_MAIL) as tx:
            words = WORDS | {"path": "/"}
            service.queue(
                tx.session,
                key="k",
                to="a@b.uk",
                template="declaration_returned",
                context=words,
                network_id=None,
            )
            raise Refused("No.")

    with pytest.raises(Refused):
        queue_and_refuse()
    sending.send_mail()
    assert server.taken == []


def test_two_workers_at_once_send_each_message_once(app: Flask, session: Session, server: MailServer) -> None:
    for number in range(20):
        queue(f"k{number}", to=f"p{number}@example.nhs.uk")
    session.rollback()
    at_once(app, sending.send_mail, sending.send_mail)
    # One that was claimed while the database was busy may be left for the next minute: never sent twice.
    assert len(server.recipients) == len(set(server.recipients))
    sending.send_mail()
    assert sorted(server.recipients) == sorted(f"p{number}@example.nhs.uk" for number in range(20))
    assert all(message.sent_utc for message in messages(session))


def test_a_message_that_a_dead_worker_had_in_hand_is_shown_and_not_sent_twice(
    session: Session, server: MailServer
) -> None:
    network_id = NetworkFactory().id
    administrator = viewer_as(Role.ADMINISTRATOR, network_id=network_id)
    queue("k", network_id=network_id)
    (message,) = messages(session)
    assert sending._claim(message.id) is not None
    later(1)
    sending.send_mail()
    assert server.taken == []
    with pytest.raises(Refused, match="still being sent"):
        service.send_again(administrator, message.id)
    later(60)
    sending.send_mail()
    assert server.taken == []
    found, total = queries.messages(session, administrator, now=now_utc(), show="attention")
    assert (total, [queries.state_of(row, now_utc()) for row in found]) == (1, ["in question"])
    service.send_again(administrator, message.id)
    sending.send_mail()
    assert len(server.taken) == 1
    with pytest.raises(Refused, match="has been sent"):
        service.send_again(administrator, message.id)


def test_a_failure_is_tried_again_later_each_time_and_given_up_in_the_end(
    session: Session, server: MailServer
) -> None:
    server.refusals["sam@example.nhs.uk"] = "451 mailbox is full, try later"
    queue("k")
    sending.send_mail()
    (message,) = messages(session)
    assert "451 mailbox is full" in message.error
    assert message.claimed_utc is None
    waits = []
    for _ in range(sending.MOST_ATTEMPTS - 1):
        assert message.due_utc is not None
        waits.append(message.due_utc - now_utc())
        sending.send_mail()
        assert messages(session)[0].attempts == len(waits), "not before it is due"
        due = message.due_utc
        set_clock(lambda due=due: due)
        sending.send_mail()
        (message,) = messages(session)
    assert waits == sorted(waits)
    assert waits[0] == timedelta(minutes=1)
    assert (message.attempts, message.due_utc) == (sending.MOST_ATTEMPTS, None)
    assert queries.state_of(message, now_utc()) == "given up"


def test_an_address_that_nobody_has_is_given_up_at_once_and_the_others_are_sent(
    session: Session, server: MailServer
) -> None:
    server.refusals["wrong@example.nhs.uk"] = "550 no such user"
    queue("k1", to="wrong@example.nhs.uk")
    queue("k2")
    sending.send_mail()
    wrong, right = messages(session)
    assert (wrong.attempts, wrong.due_utc) == (1, None)
    assert "550 no such user" in wrong.error
    assert right.sent_utc is not None


def test_a_connection_that_breaks_while_sending_leaves_the_message_in_question(
    session: Session, server: MailServer
) -> None:
    server.hangs_up_on.add("sam@example.nhs.uk")
    queue("k1")
    queue("k2", to="other@example.nhs.uk")
    sending.send_mail()
    later(500)
    sending.send_mail()
    assert server.recipients == ["sam@example.nhs.uk", "other@example.nhs.uk"]
    assert [queries.state_of(row, now_utc()) for row in messages(session)] == ["in question", "sent"]


def test_a_mail_server_that_does_not_answer_costs_no_message(app: Flask, session: Session) -> None:
    with mail_server() as gone:
        pass
    use(app, gone)
    queue("k")
    sending.send_mail()
    (message,) = messages(session)
    assert message.error.startswith("The mail server could not be used")
    assert queries.state_of(message, now_utc()) == "failed"
    with mail_server() as back:
        use(app, back)
        later(1)
        sending.send_mail()
        assert back.recipients == ["sam@example.nhs.uk"]


def test_a_secret_is_forgotten_once_it_has_left(session: Session, server: MailServer) -> None:
    secret = "a" * 43
    with transaction(SYSTEM, Action.SEND_MAIL) as tx:
        service.queue(
            tx.session,
            key="k",
            to="sam@example.nhs.uk",
            template="declaration_returned",
            context=WORDS | {"path": f"/declare/{secret}"},
            network_id=None,
        )
    sending.send_mail()
    assert f"/declare/{secret}" in server.taken[0][1].get_content()
    assert secret not in messages(session)[0].body


def test_without_a_mail_server_a_line_is_logged(
    app: Flask, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    queue("k")
    with caplog.at_level(logging.INFO, "placements.mail"):
        sending.send_mail()
    assert "e-mail to sam@example.nhs.uk: CT, Heartlands" in caplog.text
    assert messages(session)[0].sent_utc is not None


def test_mail_is_for_the_networks_own_administrators(session: Session) -> None:
    network_id = NetworkFactory().id
    queue("k", network_id=network_id)
    other = viewer_as(Role.ADMINISTRATOR, network_id=NetworkFactory(name="Another").id)
    lead = viewer_as(Role.ACADEMY_LEAD, network_id=network_id)
    assert queries.messages(session, other, now=now_utc())[1] == 0
    assert queries.messages(session, lead, now=now_utc())[1] == 0
    (message,) = messages(session)
    with pytest.raises(NotFound):
        service.send_again(other, message.id)
    with pytest.raises(NotAllowed):
        service.send_again(lead, message.id)


def test_a_template_that_lacks_a_value_is_an_error_where_it_is_queued(app: Flask) -> None:
    with pytest.raises(jinja2.UndefinedError):
        rendering.render("declaration_returned", {})
    words = rendering.render("declaration_returned", WORDS | {"round": "A\r\nBcc: x", "path": "/"})
    assert "\n" not in words.subject


def test_mail_settings_are_read_and_checked(tmp_path: object) -> None:
    environ = {"PLACEMENTS_VAR": str(tmp_path)}
    assert read_settings(environ).smtp_url == ""
    told = read_settings(
        environ
        | {
            "PLACEMENTS_SMTP_URL": "smtp://me:secret@mail.nhs.uk:587",
            "PLACEMENTS_SITE_URL": "https://placements.nhs.uk/",
        }
    )
    assert told.site_url == "https://placements.nhs.uk"
    with pytest.raises(ValueError, match="PLACEMENTS_SMTP_URL") as error:
        read_settings(environ | {"PLACEMENTS_SMTP_URL": "mail.nhs.uk:secret"})
    assert "secret" not in str(error.value)
    with pytest.raises(ValueError, match="PLACEMENTS_SITE_URL"):
        read_settings(environ | {"PLACEMENTS_SITE_URL": "placements.nhs.uk"})
