"""Publishing: what the check-list looks at, who is told, why learners moved, when learners see it."""

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from placements import tasks
from placements.access import Role
from placements.allocations import explaining_moves, queries
from placements.allocations import service as allocations
from placements.allocations.checklist import items_before_publication
from placements.allocations.models import Publication, PublicationLine
from placements.capacity import deciding
from placements.capacity import queries as capacity
from placements.capacity import service as declaring
from placements.capacity.content import ANYONE, Content, Places
from placements.clock import now_utc, set_clock, today
from placements.cohorts.models import Interruption
from placements.educators.models import EducatorDepartment
from placements.educators.service import NewAbsence, record_absence
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.learner_pages.links import viewer_of
from placements.learner_pages.own_places import own_places
from placements.mail.models import Message
from placements.mail.queries import IN_QUESTION_AFTER, state_of
from placements.review.moves import Wanted
from placements.scenarios.frozen import key_of_lock
from placements.scenarios.models import Lock, Run
from placements.scenarios.service import start_run
from placements.scenarios.solving import perform_run
from placements.scenarios.verified import what_is_wrong
from tests.conftest import NOW_UTC
from tests.factories import (
    CheckKindFactory,
    EducatorFactory,
    HeiFactory,
    LearnerLinkFactory,
    PersonFactory,
    PlacingFactory,
    RunFactory,
    saved,
    viewer_as,
)
from tests.factories.region import SmallRound, small_round
from tests.services.mail_server import mail_server
from tests.services.test_review import elsewhere, matched, saved_move
from tests.setup.processes import Installation, wait_for


@pytest.fixture
def region(session: Session, monkeypatch: pytest.MonkeyPatch) -> SmallRound:
    """Three learners, two departments of two places each."""
    monkeypatch.setattr(tasks, "_queue", lambda *_: None)
    return small_round(learners=3, places=(2, 2))


def solved(session: Session, region: SmallRound) -> Run:
    """A run that the engine solved, adopted."""
    run_id = start_run(region.lead, region.round.id).id
    perform_run(run_id)
    session.expire_all()
    run = session.get_one(Run, run_id)
    assert run.state == "finished", run.message
    return allocations.adopt_run(region.lead, run_id)


def stands(region: SmallRound, *where: int | None) -> Run:
    """An adopted run, asked for with the locks in force, that places each learner in the department of this
    number, or nowhere."""
    locks = db.session.scalars(
        select(Lock).where(Lock.round_id == region.round.id, Lock.lifted_utc.is_(None))
    )
    asked = [
        dict(zip(("requirement", "site_or_department", "kind"), key_of_lock(row), strict=True))
        for row in locks
    ]
    run = RunFactory(round=region.round, locks=asked)
    reason = {"kind": "rules", "rules": {}, "departments": [], "competing": [], "caps": [], "proven": True}
    for learner, which in zip(region.learners, where, strict=True):
        PlacingFactory(
            run=run,
            requirement=learner.requirements[0],
            department=None if which is None else region.departments[which],
            reason=reason if which is None else None,
        )
    saved()
    return allocations.adopt_run(region.lead, run.id)


def publish(region: SmallRound) -> Publication:
    return allocations.publish_round(region.lead, region.round.id, version=region.round.version)


def said(session: Session, region: SmallRound, run: Run) -> dict[str, str]:
    """The check-list: its words by their effect."""
    items = items_before_publication(session, region.lead, region.round, run)
    return {item.words: item.effect for item in items}


def hours(after: float) -> None:
    set_clock(lambda: NOW_UTC + timedelta(hours=after))


def test_a_sound_result_is_in_order_and_is_published(session: Session, region: SmallRound) -> None:
    run = solved(session, region)
    found = said(session, region, run)
    assert found[f"The result of run {run.id} was checked again just now and is sound."] == "in order"
    assert found["No approved places and no learners have changed since the run was started."] == "in order"
    assert found["No check holds a place back."] == "in order"
    assert publish(region).number == 1


def tampered_result(run: Run) -> None:
    assert run.result is not None
    run.result = run.result.replace('"optimal"', '"feasible"', 1)


def tampered_snapshot(run: Run) -> None:
    run.snapshot.problem = run.snapshot.problem.replace('"travel_limit"', '"travel_limit" ', 1) + " "


def unreadable_result(run: Run) -> None:
    run.result = "{}"


@pytest.mark.parametrize("tamper", [tampered_result, tampered_snapshot, unreadable_result])
def test_a_result_that_was_changed_afterwards_is_not_published(
    session: Session, region: SmallRound, tamper: object
) -> None:
    run = solved(session, region)
    assert callable(tamper)
    tamper(run)
    session.commit()
    with pytest.raises(Refused, match="does not pass the check"):
        publish(region)
    session.expire_all()
    assert region.round.state == "open"
    assert session.scalar(select(func.count(Publication.id))) == 0
    assert session.scalar(select(func.count(Message.id))) == 0


def test_places_that_are_not_the_result_s_are_not_published(session: Session, region: SmallRound) -> None:
    run = solved(session, region)
    first, second = region.departments
    line = session.scalars(
        select(PlacingFactory._meta.model).filter_by(run_id=run.id, department_id=first.id)
    ).first()
    line.department_id = second.id
    session.commit()
    with pytest.raises(Refused, match="places shown are not those of its result"):
        publish(region)


def test_what_has_changed_since_the_run_is_warned_of(session: Session, region: SmallRound) -> None:
    run = solved(session, region)
    hours(1)
    approve(region, 0, 0)
    session.add(
        Interruption(learner=region.learners[0], kind="withdrawn", first_day=today(), recorded_utc=now_utc())
    )
    saved()
    found = {
        words: effect for words, effect in said(session, region, run).items() if "since the run" in words
    }
    assert set(found.values()) == {"warns"}
    assert any(words.startswith("1 department has changed approved places") for words in found)
    assert any(words.startswith("1 change to learners since the run was started") for words in found)
    items = items_before_publication(session, region.lead, region.round, run)
    examples = [words for item in items for words in item.examples]
    assert any(words.endswith("; 1 place is given up") for words in examples), "nothing is published yet"
    assert mended_at(session, region, run) == {"scenarios.see_runs"}
    assert publish(region).number == 1
    assert mended_at(session, region, run) == {"repairs.see_worklist"}


def mended_at(session: Session, region: SmallRound, run: Run) -> set[str]:
    """Where the check-list leads for what warns or blocks."""
    items = items_before_publication(session, region.lead, region.round, run)
    return {item.endpoint for item in items if item.effect != "in order" and "since the run" in item.words}


def test_whom_checks_hold_back_is_warned_of(session: Session, region: SmallRound) -> None:
    CheckKindFactory(network_id=region.round.network_id, effect="blocks", weeks_before=52)
    saved()
    run = solved(session, region)
    found = said(session, region, run)
    held = [words for words in found if "would be held back" in words]
    assert len(held) == 1
    assert held[0].startswith("3 places would be held back")
    assert found[held[0]] == "warns"


def approve(region: SmallRound, which: int, first_week: int) -> None:
    """Approve other places of a department in its first week."""
    department = region.departments[which]
    trust_id = department.site.trust_id
    educator = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=trust_id)
    lead = viewer_as(Role.TRUST_EDUCATION_LEAD, trust_id=trust_id)
    there = capacity.declaration_of(db.session, educator, region.round.id, department.id)
    assert there is not None
    content = capacity.content_of(there)
    week = region.round.block_weeks()[0]
    weeks = dict(content.lines[ANYONE]) | {week: Places(min(1, first_week), first_week)}
    done = declaring.submit_declaration(
        educator,
        region.round.id,
        department.id,
        version=there.version,
        content=Content({**content.lines, ANYONE: weeks}, content.wte, content.model),
    )
    assert done.declaration is not None
    deciding.approve_declaration(lead, region.round.id, department.id, version=done.declaration.version)


class Everybody:
    """People of both trusts and of the HEI, and of those whom it does not concern."""

    def __init__(self, region: SmallRound) -> None:
        self.officer = PersonFactory(role="placement_officer", hei_id=region.hei.id)
        self.educators = [
            PersonFactory(role="practice_educator", trust_id=trust.id) for trust in region.trusts
        ]
        self.trust_lead = PersonFactory(role="trust_education_lead", trust_id=region.trusts[0].id)
        PersonFactory(role="placement_officer", hei_id=HeiFactory().id)
        PersonFactory(role="placement_officer", hei_id=region.hei.id, is_active=False)
        PersonFactory(role="administrator", network_id=region.round.network_id)
        saved()


def told(session: Session, publication: Publication) -> dict[str, str]:
    """The e-mails about a publication: their words by address."""
    rows = session.scalars(
        select(Message).where(Message.key.startswith(f"published:{publication.id}:"))
    ).all()
    assert len({row.to for row in rows}) == len(rows)
    return {row.to: f"{row.subject}\n{row.body}" for row in rows}


def test_those_whom_a_publication_concerns_are_told_once(session: Session, region: SmallRound) -> None:
    people = Everybody(region)
    stands(region, 0, 0, None)
    publication = publish(region)
    letters = told(session, publication)
    assert set(letters) == {people.officer.email, people.educators[0].email, people.trust_lead.email}
    assert "2 placements found, 1 not found" in letters[people.officer.email]
    assert "Coming to your trust: 2 placements" in letters[people.educators[0].email]
    assert f"/publications/{publication.id}\n" in letters[people.officer.email]
    assert not any(learner.reference in "".join(letters.values()) for learner in region.learners)


def test_of_a_later_version_those_are_told_for_whom_something_changed(
    session: Session, region: SmallRound
) -> None:
    people = Everybody(region)
    stands(region, 0, 0, 1)
    publish(region)
    stands(region, 0, None, 1)
    second = publish(region)
    letters = told(session, second)
    assert set(letters) == {people.officer.email, people.educators[0].email, people.trust_lead.email}
    assert "Since version 1, 1 placement of yours has changed" in letters[people.officer.email]
    assert f"/publications/{second.id}/changes" in letters[people.officer.email]
    stands(region, 0, None, 1)
    assert told(session, publish(region)) == {}


def test_a_publication_that_is_refused_tells_nobody(session: Session, region: SmallRound) -> None:
    Everybody(region)
    stands(region, 0, 0, 1)
    version = region.round.version
    publish(region)
    before = session.scalar(select(func.count(Message.id)))
    with pytest.raises(Stale):
        allocations.publish_round(region.lead, region.round.id, version=version)
    assert session.scalar(select(func.count(Message.id))) == before


def test_a_worker_killed_while_it_sends_loses_and_doubles_nothing(
    app: Flask, session: Session, database_url: str, tmp_path: Path
) -> None:
    region = small_round(learners=3, places=(2, 2))
    people = Everybody(region)
    stands(region, 0, 0, 1)
    publication = publish(region)
    addresses = sorted(told(session, publication))
    assert len(addresses) == 4
    assert people.officer.email in addresses
    session.rollback()
    with mail_server() as server:
        server.holds = 2
        installation = Installation(tmp_path, database_url)
        installation.environ["PLACEMENTS_SMTP_URL"] = server.url
        with installation.running("worker") as worker:
            wait_for(server.holding.is_set, "the second e-mail", worker)
            worker.kill()
        server.holds = None
        server.let_go.set()
        with installation.running("worker") as worker:
            wait_for(lambda: len(server.taken) >= 4, "the other e-mails", worker)
            wait_for(lambda: unsent(session) == 1, "the word that they are sent", worker)
        assert Counter(server.recipients) == dict.fromkeys(addresses, 1)
    # The one that was in hand is left to a person, who is shown it, rather than sent a second time.
    left = session.scalars(select(Message).where(Message.sent_utc.is_(None))).one()
    assert left.to == server.recipients[1]
    assert state_of(left, now_utc() + timedelta(days=3650) + IN_QUESTION_AFTER) == "in question"


def unsent(session: Session) -> int:
    session.rollback()
    return session.scalar(select(func.count(Message.id)).where(Message.sent_utc.is_(None))) or 0


def lock(session: Session, region: SmallRound, learner: int, which: int, **of: object) -> None:
    values = {"kind": "ban", "origin": "lead", "reason": "Family in the department"} | of
    session.add(
        Lock(
            round_id=region.round.id,
            requirement_id=region.learners[learner].requirements[0].id,
            department_id=region.departments[which].id,
            made_utc=now_utc(),
            **values,
        )
    )
    session.commit()


def why(session: Session, region: SmallRound, learner: int) -> str:
    """Why a learner's line of the newest publication moved."""
    newest = queries.newest_publication(session, region.lead, region.round.id)
    assert newest is not None
    requirement_id = region.learners[learner].requirements[0].id
    return session.scalars(
        select(PublicationLine.why_moved).where(
            PublicationLine.publication_id == newest.id, PublicationLine.requirement_id == requirement_id
        )
    ).one()


@pytest.mark.parametrize(
    ("of", "words"),
    [
        ({}, explaining_moves.BY_HAND),
        ({"kind": "pin", "which": 1}, explaining_moves.BY_HAND),
        ({"origin": "decline", "origin_id": 1}, explaining_moves.DECLINED),
        ({"lifted_utc": NOW_UTC + timedelta(minutes=61)}, explaining_moves.MATCHED_AGAIN),
    ],
)
def test_a_lock_says_why_a_learner_moved(
    session: Session, region: SmallRound, of: dict[str, object], words: str
) -> None:
    stands(region, 0, 0, None)
    publish(region)
    assert why(session, region, 0) == ""
    hours(1)
    lock(session, region, 0, **{"which": 0} | of)  # type: ignore[arg-type]  # one of them is the place
    hours(2)
    stands(region, 1, 0, None)
    publish(region)
    found, _, note = why(session, region, 0).partition("\n")
    assert found == words
    assert note == ("" if words == explaining_moves.MATCHED_AGAIN else "Family in the department")
    assert why(session, region, 1) == why(session, region, 2) == ""


def test_a_run_by_hand_is_sound_and_says_that_the_academy_moved_the_learner(session: Session) -> None:
    region, run = matched()
    requirement, _, there = elsewhere(region, run)
    allocations.adopt_run(region.lead, run.id)
    session.expire_all()
    publish(region)
    made = saved_move(region, run, Wanted("move", requirement, there))
    allocations.adopt_run(region.lead, made.id)
    session.expire_all()
    assert what_is_wrong(session, made) == ""
    second = publish(region)
    line = session.scalars(
        select(PublicationLine).where(
            PublicationLine.publication_id == second.id, PublicationLine.requirement_id == requirement
        )
    ).one()
    assert line.department_id == there
    assert line.why_moved_words == explaining_moves.BY_HAND
    assert line.why_moved_note == "Asked by the ward"


def test_a_lock_made_after_the_run_says_nothing_of_it(session: Session, region: SmallRound) -> None:
    stands(region, 0, 0, 1)
    publish(region)
    stands(region, 1, 0, 1)
    hours(1)
    lock(session, region, 0, 0)
    publish(region)
    assert why(session, region, 0) == explaining_moves.MATCHED_AGAIN


def test_whoever_made_room_is_told_so_and_no_other_learner_is_named(
    session: Session, region: SmallRound
) -> None:
    stands(region, 0, 1, None)
    publish(region)
    hours(1)
    lock(session, region, 1, 1)
    hours(2)
    stands(region, 1, 0, None)
    publish(region)
    assert why(session, region, 0) == explaining_moves.MADE_ROOM
    assert why(session, region, 1).startswith(explaining_moves.BY_HAND)


def test_cut_places_say_why_a_learner_moved(session: Session, region: SmallRound) -> None:
    stands(region, 0, 0, None)
    publish(region)
    hours(1)
    approve(region, 0, 0)
    hours(2)
    stands(region, 1, None, None)
    publish(region)
    assert why(session, region, 0) == why(session, region, 1) == explaining_moves.PLACES_CHANGED


def test_more_places_or_other_weeks_are_no_reason_to_move(session: Session, region: SmallRound) -> None:
    stands(region, 0, 0, None)
    publish(region)
    hours(1)
    approve(region, 0, 3)
    hours(2)
    stands(region, 1, 0, None)
    publish(region)
    assert why(session, region, 0) == explaining_moves.MATCHED_AGAIN


def test_a_move_after_an_educators_leave_says_so_and_not_who_or_why(session: Session) -> None:
    region = small_round(learners=2, places=(2, 2))
    department = region.departments[0]
    lead = viewer_as(Role.TRUST_EDUCATION_LEAD, trust_id=department.site.trust_id)
    ellen = EducatorFactory(name="Ellen Educator", trust=department.site.trust, wte=Decimal(1))
    ellen.departments.append(EducatorDepartment(department=department, agreed_utc=NOW_UTC))
    region.departments[1].site.postcode = "B46 1AA"  # so that both are matched to the first
    saved()
    solved(session, region)
    first = publish(region)
    there = {line.requirement_id for line in first.lines if line.department_id == department.id}
    assert there
    hours(1)
    record_absence(lead, ellen.id, NewAbsence(region.block.first_week, region.block.last_day, "leave"))
    hours(2)
    solved(session, region)
    second = publish(region)
    for line in second.lines:
        told = explaining_moves.RULED_OUT["supervision"] if line.requirement_id in there else ""
        assert line.why_moved == told, "of the department"


def test_who_left_a_department_that_has_supervision_to_spare_is_not_told_of_it(session: Session) -> None:
    region, run = matched(places=(2, 2))
    requirement, here, there = elsewhere(region, run)
    department = next(row for row in region.departments if row.id == here)
    lead = viewer_as(Role.TRUST_EDUCATION_LEAD, trust_id=department.site.trust_id)
    two = [EducatorFactory(trust=department.site.trust, wte=Decimal(2)) for _ in range(2)]
    for educator in two:
        educator.departments.append(EducatorDepartment(department=department, agreed_utc=NOW_UTC))
    saved()
    run = solved(session, region)
    publish(region)
    hours(1)
    record_absence(lead, two[0].id, NewAbsence(region.block.first_week, region.block.last_day, "leave"))
    hours(2)
    run = solved(session, region)
    made = saved_move(region, run, Wanted("move", requirement, there))
    allocations.adopt_run(region.lead, made.id)
    session.expire_all()
    publish(region)
    line = session.scalars(
        select(PublicationLine)
        .where(PublicationLine.requirement_id == requirement)
        .order_by(PublicationLine.id.desc())
    ).first()
    assert line is not None
    assert line.why_moved_words == explaining_moves.BY_HAND


def test_learners_see_their_places_from_the_day_of_release(session: Session, region: SmallRound) -> None:
    region.round.release_on = today() + timedelta(days=7)
    stands(region, 0, 0, 1)
    publication = publish(region)
    link = LearnerLinkFactory(learner=region.learners[0])
    saved()
    learner = viewer_of(link)
    officer = viewer_as(Role.PLACEMENT_OFFICER, hei_id=region.hei.id)
    educator = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=region.trusts[0].id)

    def seen() -> list[int]:
        return [place.line.requirement_id for place in own_places(session, learner, today()).places]

    assert seen() == []
    assert queries.publications_of_round(session, learner, region.round.id) == []
    for viewer, number in ((officer, 3), (educator, 2)):
        lines = session.scalars(queries.lines_of_publication(viewer, publication.id)).all()
        assert len(lines) == number
    hours(7 * 24 - 1)
    assert today() == region.round.release_on
    assert seen() == [region.learners[0].requirements[0].id]
    region.round.release_on = None
    session.commit()
    hours(0)
    assert len(seen()) == 1


def test_the_e_mail_to_heis_says_from_when_learners_see_it(session: Session, region: SmallRound) -> None:
    people = Everybody(region)
    region.round.release_on = date(2026, 12, 10)
    stands(region, 0, 0, 1)
    letters = told(session, publish(region))
    assert "from 10 December 2026" in letters[people.officer.email]
    assert "10 December" not in letters[people.educators[0].email]
