"""The one place that commits: all or nothing, audited, jobs only after, and others' changes noticed."""

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from inspect import iscoroutinefunction
from threading import Barrier, BrokenBarrierError

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from placements.access import ROLE_ACTIONS, Action, Role, Viewer
from placements.audit.models import AuditEntry
from placements.errors import NotAllowed, Refused, Stale
from placements.extensions import db
from placements.organisations.models import Network
from placements.rounds.models import Round
from placements.transaction import CHANGED_MEANWHILE, transaction, violates
from tests.at_once import at_once
from tests.conftest import NOW_UTC
from tests.factories import NetworkFactory, RoundFactory, saved, viewer_as


@pytest.fixture
def elsewhere(app: Flask) -> Iterator[sa.Connection]:
    """Another person's connection to the same database."""
    engine = sa.create_engine(db.engine.url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def names(connection: sa.Connection) -> list[str]:
    """The rounds that somebody else can see, which is what was committed."""
    connection.rollback()
    return list(connection.scalars(select(Round.name).order_by(Round.name)))


def new_round(name: str) -> Round:
    return RoundFactory.build(network_id=NetworkFactory().id, name=name)  # type: ignore[no-any-return]


def test_what_is_done_is_committed_and_audited(session: Session, elsewhere: sa.Connection) -> None:
    lead = viewer_as(Role.ACADEMY_LEAD)
    with transaction(lead, Action.CREATE_ROUND) as tx:
        row = new_round("Spring")
        tx.session.add(row)
        tx.note(row, blocks=4)
        tx.note(copied=True)
    assert names(elsewhere) == ["Spring"]
    entry = session.scalars(select(AuditEntry)).one()
    assert (entry.at_utc, entry.person_id, entry.person_name) == (NOW_UTC, lead.person_id, lead.name)
    assert (entry.action, entry.subject, entry.subject_id) == ("create_round", "round", row.id)
    assert entry.detail == {"blocks": 4, "copied": True}


@pytest.mark.parametrize("error", [Refused("no"), ValueError("no"), KeyboardInterrupt()])
def test_an_error_leaves_nothing_behind(
    session: Session, elsewhere: sa.Connection, error: BaseException
) -> None:
    done: list[str] = []
    lead = viewer_as(Role.ACADEMY_LEAD)

    def fail_halfway() -> None:
        with transaction(lead, Action.CREATE_ROUND) as tx:
            tx.session.add(new_round("Spring"))
            tx.session.flush()
            tx.afterwards(lambda: done.append("queued"))
            raise error

    with pytest.raises(type(error)):
        fail_halfway()
    assert names(elsewhere) == []
    assert session.scalar(select(func.count()).select_from(AuditEntry)) == 0
    assert done == []


def test_what_follows_is_done_after_the_commit_and_in_order(
    session: Session, elsewhere: sa.Connection
) -> None:
    seen: list[tuple[str, list[str]]] = []
    with transaction(viewer_as(Role.ACADEMY_LEAD), Action.CREATE_ROUND) as tx:
        tx.afterwards(lambda: seen.append(("first", names(elsewhere))))
        tx.afterwards(lambda: seen.append(("second", names(elsewhere))))
        tx.session.add(new_round("Spring"))
    assert seen == [("first", ["Spring"]), ("second", ["Spring"])]


def test_what_tells_nobody_anything_is_not_audited(session: Session) -> None:
    with transaction(viewer_as(Role.ACADEMY_LEAD), Action.CREATE_ROUND, audited=False) as tx:
        tx.session.add(new_round("Spring"))
    assert session.scalar(select(func.count()).select_from(Round)) == 1
    assert session.scalar(select(func.count()).select_from(AuditEntry)) == 0


def test_who_may_not_does_not_even_begin(session: Session) -> None:
    refused = 0
    for role in set(Role) - {Role.SYSTEM}:
        viewer = viewer_as(role) if role.has_account else Viewer(None, "a site", role)
        for action in set(Action) - ROLE_ACTIONS[role]:
            with pytest.raises(NotAllowed) as error, transaction(viewer, action):
                pytest.fail("began")
            assert role.words in error.value.message
            refused += 1
    assert refused
    assert session.scalar(select(func.count()).select_from(AuditEntry)) == 0


def test_a_row_that_somebody_else_changed_meanwhile_is_stale(
    session: Session, elsewhere: sa.Connection
) -> None:
    """On SQLite nobody else can change it meanwhile: who acts has the database's one turn to write."""
    lead = viewer_as(Role.ACADEMY_LEAD)
    row = RoundFactory(name="Spring")
    saved()
    round_id = row.id
    alone = elsewhere.dialect.name == "sqlite"

    def change_theirs() -> None:
        theirs = update(Round).where(Round.id == round_id, Round.version == 1)
        assert elsewhere.execute(theirs.values(name="Theirs", version=2)).rowcount == 1
        elsewhere.commit()

    def change_after_somebody_else() -> None:
        with transaction(lead, Action.OPEN_ROUND) as tx:
            mine = tx.session.get_one(Round, round_id)
            assert mine.version == 1
            if alone:
                elsewhere.exec_driver_sql("PRAGMA busy_timeout=1")
                with pytest.raises(OperationalError, match="locked"):
                    change_theirs()
            else:
                change_theirs()
            mine.name = "Mine"

    if alone:
        change_after_somebody_else()
        assert names(elsewhere) == ["Mine"]
        return
    with pytest.raises(Stale) as stale:
        change_after_somebody_else()
    assert stale.value.message == CHANGED_MEANWHILE
    assert names(elsewhere) == ["Theirs"]
    assert session.scalar(select(func.count()).select_from(AuditEntry)) == 0


def test_what_was_read_before_is_read_again_by_who_acts(session: Session, elsewhere: sa.Connection) -> None:
    lead = viewer_as(Role.ACADEMY_LEAD)
    row = RoundFactory(name="Spring")
    saved()
    assert row.version == 1
    elsewhere.execute(update(Round).values(name="Theirs", version=2))
    elsewhere.commit()
    with transaction(lead, Action.OPEN_ROUND):
        assert (row.name, row.version) == ("Theirs", 2)
        row.name += " and mine"
    assert names(elsewhere) == ["Theirs and mine"]


def test_the_second_of_two_who_act_at_once_waits_and_sees_what_the_first_did(
    app: Flask, session: Session
) -> None:
    """Both count before either writes, unless they take turns."""
    lead = viewer_as(Role.ACADEMY_LEAD)
    network_id = NetworkFactory().id
    saved()
    both_have_counted = Barrier(2)

    def make_the_next() -> None:
        with transaction(lead, Action.CREATE_ROUND) as tx:
            tx.session.execute(select(Network.id).where(Network.id == network_id).with_for_update())
            number = tx.session.scalar(select(func.count()).select_from(Round))
            with suppress(BrokenBarrierError):
                both_have_counted.wait(timeout=1)
            tx.session.add(RoundFactory.build(network_id=network_id, name=f"Round {number}"))

    at_once(app, make_the_next, make_the_next)
    session.rollback()
    assert list(session.scalars(select(Round.name).order_by(Round.name))) == ["Round 0", "Round 1"]


def test_an_integrity_error_passes_on_for_the_service_to_put_into_words(session: Session) -> None:
    lead = viewer_as(Role.ACADEMY_LEAD)
    RoundFactory(name="Spring")
    saved()
    with pytest.raises(IntegrityError) as error, transaction(lead, Action.CREATE_ROUND) as tx:
        tx.session.add(new_round("Spring"))
    assert violates(error.value, "uq_round_network_id_name", "round.network_id, round.name")
    assert not violates(error.value, "uq_person_email", "person.email")
    assert session.scalar(select(func.count()).select_from(Round)) == 1


def test_a_check_of_the_database_is_told_by_its_name(session: Session) -> None:
    lead = viewer_as(Role.ACADEMY_LEAD)
    row = new_round("Backwards")
    row.first_week, row.last_week = row.last_week, row.first_week
    with pytest.raises(IntegrityError) as error, transaction(lead, Action.CREATE_ROUND) as tx:
        tx.session.add(row)
    assert violates(error.value, "ck_round_weeks_in_order")


def test_a_writer_who_waits_too_long_is_asked_to_try_again(
    session: Session, elsewhere: sa.Connection
) -> None:
    """Two writers at once: on SQLite the second gives up after a while; on PostgreSQL both may write."""
    lead = viewer_as(Role.ACADEMY_LEAD)
    network_id = NetworkFactory().id
    saved()
    if elsewhere.dialect.name == "postgresql":
        elsewhere.execute(sa.insert(Round).values(values_of(network_id, "Theirs")))
        with transaction(lead, Action.CREATE_ROUND) as tx:
            tx.session.add(new_round("Mine"))
        elsewhere.commit()
        assert names(elsewhere) == ["Mine", "Theirs"]
        return
    db.session.execute(sa.text("PRAGMA busy_timeout=1"))
    elsewhere.exec_driver_sql("BEGIN IMMEDIATE")
    with pytest.raises(Stale) as stale, transaction(lead, Action.CREATE_ROUND) as tx:
        tx.session.add(new_round("Mine"))
    assert stale.value.message == "The database was busy with somebody else's work. Please try again."
    elsewhere.rollback()
    with transaction(lead, Action.CREATE_ROUND) as tx:
        tx.session.add(new_round("Mine"))
    assert names(elsewhere) == ["Mine"]


def test_another_failure_of_the_database_is_not_disguised(session: Session) -> None:
    lead = viewer_as(Role.ACADEMY_LEAD)
    failure = OperationalError("SELECT 1", {}, sqlite3.OperationalError("disk I/O error"))
    with pytest.raises(OperationalError), transaction(lead, Action.CREATE_ROUND):
        raise failure
    assert session.scalar(select(func.count()).select_from(AuditEntry)) == 0


def values_of(network_id: int, name: str) -> dict[str, object]:
    row = RoundFactory.build(network_id=network_id, name=name)
    columns = ("network_id", "name", "first_week", "last_week", "declare_by", "submit_by", "state")
    return {column: getattr(row, column) for column in columns} | {"version": 1}


def test_a_session_ends_with_its_context(app: Flask) -> None:
    with app.app_context():
        held = db.session
        held.scalar(select(1))
        assert held.in_transaction()
    assert not held.in_transaction()
    assert not any(map(iscoroutinefunction, app.teardown_appcontext_funcs)), "each request starts a thread"
