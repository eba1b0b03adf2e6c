"""The freeze: who gives a place back, what follows in the next version, and who waits in what order."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from placements.access import Role
from placements.allocations.models import PublicationLine
from placements.allocations.queries import newest_publication
from placements.allocations.service import adopt_run, publish_round
from placements.appeals.service import Lodging, lodge_appeal
from placements.audit.models import AuditEntry
from placements.clearance.models import CheckKind
from placements.clock import set_clock, today
from placements.cohorts.demand import demand
from placements.cohorts.given_back import given_back
from placements.cohorts.models import Interruption
from placements.errors import NotAllowed, NotFound, Refused, Stale
from placements.learners.erasing import erase_learner, export_learner
from placements.mail.models import Message
from placements.mail.reminders import reminder_due
from placements.repairs import freezing
from placements.repairs.models import ReturnedPlace
from placements.repairs.moves import repair_of
from placements.repairs.reminders import DAYS_BEFORE, DAYS_LATE, send_freeze_reminders
from placements.repairs.waiting import drawn, waiting_csv, waiting_list
from placements.repairs.worklist import items_since
from placements.rounds.models import Round
from placements.scenarios.models import Run
from placements.scenarios.repairing import Wishes
from placements.scenarios.service import start_run
from placements.scenarios.solving import perform_run
from tests.conftest import NOW_UTC
from tests.factories import (
    CheckKindFactory,
    InterruptionFactory,
    LearnerCheckFactory,
    NetworkFactory,
    PersonFactory,
    RoundFactory,
    saved,
    viewer_as,
)
from tests.factories.published import PublishedRound, publish_again, published_round


@pytest.fixture(autouse=True)
def _clock_back() -> Iterator[None]:
    yield
    set_clock(None)


def later(hours: int) -> None:
    at = NOW_UTC + timedelta(hours=hours)
    set_clock(lambda: at)


@pytest.fixture
def made(session: Session) -> PublishedRound:
    """Three learners for two places; the check was made a kind only after publication, and only the learners
    after the first have had it."""
    made = published_round(learners=3, places=(1, 1))
    kind = CheckKindFactory(name="Occupational health")
    placed = next(i for i in range(3) if made.line(i).state == "placed")
    for index, learner in enumerate(made.region.learners):
        if index != placed:
            LearnerCheckFactory(record=learner.record, kind=kind)
    saved()
    return made


def not_clear_index(made: PublishedRound) -> int:
    return next(i for i in range(3) if made.line(i).state == "placed")


def freeze(made: PublishedRound, *, seen: int = 1) -> int:
    return freezing.freeze_round(made.lead, made.round_id, version=made.region.round.version, seen=seen)


def record_check(made: PublishedRound, session: Session) -> None:
    kind = session.scalars(select(CheckKind)).one()
    LearnerCheckFactory(record=made.region.learners[not_clear_index(made)].record, kind=kind)
    saved()


def returned(session: Session) -> ReturnedPlace:
    session.expire_all()
    return session.scalars(select(ReturnedPlace)).one()


def test_whoever_is_not_clear_gives_the_place_back_and_no_other(
    made: PublishedRound, session: Session
) -> None:
    line = made.line(not_clear_index(made))
    found = freezing.places_not_clear(session, made.lead, made.region.round)
    assert [(row.line.id, row.missing) for row in found] == [(line.id, "Occupational health")]
    assert freeze(made) == 1
    row = returned(session)
    assert (row.requirement_id, row.department_id, row.missing, row.cleared_utc) == (
        line.requirement_id,
        line.department_id,
        "Occupational health",
        None,
    )
    assert session.get_one(Round, made.round_id).frozen_utc == NOW_UTC
    assert made.line(not_clear_index(made)).department_id is not None, "what is published stays"
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "freeze_round")).one()
    assert entry.detail == {"places_given_back": 1}
    told = session.scalars(select(Message).where(Message.key.startswith("place_given_back:"))).one()
    assert line.learner_reference in told.body
    assert "Occupational health" in told.body


def test_a_check_that_only_warns_and_a_placement_that_has_begun_give_nothing_back(
    made: PublishedRound, session: Session
) -> None:
    kind = session.scalars(select(CheckKind)).one()
    kind.effect = "warns"
    saved()
    assert freezing.places_not_clear(session, made.lead, made.region.round) == []
    kind.effect = "blocks"
    saved()
    at = NOW_UTC.replace(year=2027, month=1, day=4)
    set_clock(lambda: at)
    assert freezing.places_not_clear(session, made.lead, made.region.round) == []


def test_the_freeze_is_refused_before_a_publication_and_twice(session: Session) -> None:
    lead = viewer_as(Role.ACADEMY_LEAD)
    made = published_round(learners=2, places=(1, 1))
    assert freeze(made, seen=0) == 0
    with pytest.raises(Refused, match="were frozen on 24 November 2026"):
        freeze(made, seen=0)
    unpublished = RoundFactory()
    saved()
    with pytest.raises(Refused, match="Nothing is published"):
        freezing.freeze_round(lead, unpublished.id, version=unpublished.version, seen=0)


def test_a_freeze_of_another_list_than_was_seen_is_stale(made: PublishedRound, session: Session) -> None:
    with pytest.raises(Stale):
        freeze(made, seen=0)
    with pytest.raises(Stale):
        freezing.freeze_round(made.lead, made.round_id, version=made.region.round.version + 1, seen=1)
    assert session.scalars(select(ReturnedPlace)).all() == []
    assert session.get_one(Round, made.round_id).frozen_utc is None


def test_after_the_freeze_nobody_appeals(made: PublishedRound) -> None:
    freeze(made)
    index = not_clear_index(made)
    with pytest.raises(Refused, match="frozen"):
        lodge_appeal(
            made.officer, made.round_id, made.requirement(index).id, Lodging("travel", "Far.", "elsewhere")
        )


def test_the_place_goes_to_who_waits_and_comes_back_once_clear(
    made: PublishedRound, session: Session
) -> None:
    index = not_clear_index(made)
    requirement = made.requirement(index).id
    waits = next(i for i in range(3) if made.line(i).state == "unplaced")
    freeze(made)
    assert set(given_back(session, made.round_id)) == {requirement}
    asked = {need.id for row in demand(session, made.region.round) for need in row.requirements}
    assert requirement not in asked
    assert len(asked) == 2
    later(1)
    publish_again(made.region, is_repair=True)
    line = made.line(index, number=2)
    assert (line.state, line.department_id, line.travel_minutes) == ("unplaced", None, None)
    assert line.reason == (
        "The place was given back at the freeze on 24 November 2026: missing was Occupational health."
    )
    assert made.line(waits, number=2).state == "placed"
    row = returned(session)
    with pytest.raises(Refused, match="not clear yet: Occupational health"):
        freezing.clear_place(made.lead, row.id)
    record_check(made, session)
    later(2)
    freezing.clear_place(made.lead, row.id)
    with pytest.raises(Refused, match="already"):
        freezing.clear_place(made.lead, row.id)
    assert given_back(session, made.round_id) == {}
    publication = newest_publication(session, made.lead, made.round_id)
    assert publication is not None
    items = {item.kind: item for item in items_since(session, made.lead, publication, today())}
    assert items["Clear again"].wanted == {requirement}
    asked = {need.id for row in demand(session, made.region.round) for need in row.requirements}
    assert requirement in asked


def test_a_run_from_before_the_freeze_does_not_bring_the_place_back(
    made: PublishedRound, session: Session
) -> None:
    index = not_clear_index(made)
    run_id = start_run(made.lead, made.round_id).id
    perform_run(run_id)
    session.expire_all()
    freeze(made)
    adopt_run(made.lead, run_id)
    session.expire_all()
    publish_round(made.lead, made.round_id, version=made.region.round.version)
    assert made.line(index, number=2).state == "unplaced"
    number = session.scalars(
        select(PublicationLine.requirement_id)
        .join(PublicationLine.publication)
        .where(PublicationLine.requirement_id == made.requirement(index).id)
    ).all()
    assert len(number) == 2, "one line in each version"


def test_who_is_clear_only_after_the_run_waits_for_a_place_and_is_not_in_need_of_one(
    made: PublishedRound, session: Session
) -> None:
    index = not_clear_index(made)
    requirement = made.requirement(index).id
    freeze(made)
    later(1)
    run_id = start_run(made.lead, made.round_id, repair=Wishes()).id
    perform_run(run_id)
    record_check(made, session)
    later(2)
    freezing.clear_place(made.lead, returned(session).id)
    adopt_run(made.lead, run_id)
    session.expire_all()
    publish_round(made.lead, made.round_id, version=made.region.round.version)
    line = made.line(index, number=2)
    assert line.state == "unplaced"
    assert line.reason is not None
    assert line.reason.endswith("The learner may be placed again since 24 November 2026.")
    waiting = waiting_list(session, made.lead, made.round_id)
    assert [row.line.requirement_id for row in waiting.rows] == [requirement]
    later(3)
    again = start_run(made.lead, made.round_id, repair=Wishes())
    assert again.settings["in_need"] == [], "nobody has to make room"
    perform_run(again.id)
    session.expire_all()
    repair = repair_of(session, made.lead, session.get_one(Run, again.id))
    assert repair is not None
    assert repair.moves == []


def test_who_is_clear_again_before_a_new_version_wants_no_other_place(
    made: PublishedRound, session: Session
) -> None:
    requirement = made.requirement(not_clear_index(made)).id
    freeze(made)
    record_check(made, session)
    later(1)
    freezing.clear_place(made.lead, returned(session).id)
    publication = newest_publication(session, made.lead, made.round_id)
    assert publication is not None
    (item,) = items_since(session, made.lead, publication, today())
    assert (item.kind, item.touched, item.wanted) == ("Clear again", {requirement}, frozenset())


def test_who_has_left_since_has_no_line(made: PublishedRound, session: Session) -> None:
    index = not_clear_index(made)
    freeze(made)
    InterruptionFactory(
        learner=made.region.learners[index], kind="withdrawn", first_day=date(2026, 12, 1), last_day=None
    )
    saved()
    later(1)
    publication = publish_again(made.region, is_repair=True)
    assert made.requirement(index).id not in {line.requirement_id for line in publication.lines}
    assert session.scalars(select(Interruption)).one().last_day is None


def test_officers_are_told_before_the_freeze_each_once_and_only_of_their_own(
    made: PublishedRound, session: Session
) -> None:
    made.region.round.freeze_on = date(2026, 12, 1)
    PersonFactory(role="placement_officer")
    saved()
    set_clock(lambda: NOW_UTC.replace(hour=7))
    send_freeze_reminders()
    assert session.scalars(select(Message)).all() == [], "not in the night"
    set_clock(lambda: NOW_UTC)
    send_freeze_reminders()
    send_freeze_reminders()
    told = session.scalars(select(Message).where(Message.key.startswith("freeze:"))).one()
    assert told.key == f"freeze:{made.round_id}:2026-12-01:7:{made.officer.person_id}"
    assert made.line(not_clear_index(made)).learner_reference in told.body
    set_clock(lambda: NOW_UTC + timedelta(days=5))
    record_check(made, session)
    send_freeze_reminders()
    assert len(session.scalars(select(Message).where(Message.key.startswith("freeze:"))).all()) == 1
    freeze_on = date(2026, 12, 1)
    for day, due in ((date(2026, 11, 23), None), (date(2026, 11, 29), 2), (freeze_on, None)):
        assert reminder_due(freeze_on, DAYS_BEFORE, day, days_late=DAYS_LATE) == due


def test_what_was_missing_is_given_out_and_erased(made: PublishedRound, session: Session) -> None:
    index = not_clear_index(made)
    later(1)
    freeze(made)
    learner = made.region.learners[index]
    given = export_learner(made.officer, learner.id)["places_given_back"]
    assert [row["missing"] for row in given] == ["Occupational health"]
    erase_learner(made.officer, learner.id, typed=learner.reference)
    assert returned(session).missing == ""
    (why,) = given_back(session, made.round_id).values()
    assert why == "The place was given back at the freeze on 24 November 2026."
    publication = newest_publication(session, made.lead, made.round_id)
    assert publication is not None
    words = [item.words for item in items_since(session, made.lead, publication, today())]
    assert any(text.startswith("not clear at the freeze: the place at ") for text in words)


# -- the waiting list -----------------------------------------------------------------


def test_the_waiting_list_goes_by_priority_then_time_then_the_draw(session: Session) -> None:
    made = published_round(learners=5, places=(1, 0))
    waiting = [i for i in range(5) if made.line(i).state == "unplaced"]
    assert len(waiting) == 4
    first = waiting[2]
    made.region.learners[first].priority = 1
    newest = made.publication
    saved()
    found = waiting_list(session, made.lead, made.round_id)
    run = session.get_one(Run, newest.run_id)
    seed = run.summary["seed"]
    requirement = {i: made.requirement(i).id for i in waiting}
    by_draw = sorted((i for i in waiting if i != first), key=lambda i: drawn(seed, run.id, requirement[i]))
    assert [row.line.requirement_id for row in found.rows] == [requirement[i] for i in (first, *by_draw)]
    assert [row.rank for row in found.rows] == [1, 2, 3, 4]
    assert (found.seed, found.run_id) == (seed, run.id)
    assert found.rows[0].why == (
        f"priority 1; waiting since version 1; drew {drawn(seed, run.id, requirement[first]):,}"
    )
    assert [row.free for row in found.rows] == [[]] * 4
    # Whoever had a place in between begins to wait anew.
    made.region.learners[first].priority = None
    saved()
    again = publish_again(made.region)
    moved = by_draw[0]
    line = session.scalars(
        select(PublicationLine).where(
            PublicationLine.publication_id == newest.id,
            PublicationLine.requirement_id == requirement[moved],
        )
    ).one()
    line.state, line.department_id = "placed", made.region.departments[0].id
    saved()
    assert again.number == 2
    after = waiting_list(session, made.lead, made.round_id)
    assert after.rows[-1].line.requirement_id == requirement[moved]
    assert after.rows[-1].since == 2
    assert [row.number for row in after.rows if row.since == 1] == [
        drawn(seed, run.id, row.line.requirement_id) for row in after.rows if row.since == 1
    ]
    assert waiting_csv(after).count(b"\r\n") == 5


def test_a_place_given_back_is_free_for_who_waits(made: PublishedRound, session: Session) -> None:
    before = waiting_list(session, made.lead, made.round_id)
    assert [row.free for row in before.rows] == [[]]
    assert freezing.number_waiting(session, made.lead, made.publication) == 1
    freeze(made)
    found = waiting_list(session, made.lead, made.round_id)
    site = next(
        row.site.name
        for row in made.region.departments
        if row.id == made.line(not_clear_index(made)).department_id
    )
    assert found.rows[0].free is not None
    assert [(free.name, free.free) for free in found.rows[0].free] == [(site, 1)]
    assert site in found.rows[0].reach_words
    assert [row.requirement_id for row in found.not_clear] == [made.requirement(not_clear_index(made)).id]


def test_the_draw_is_the_same_for_whoever_computes_it() -> None:
    assert [drawn(0, 1, number) for number in (1, 2, 3)] == [drawn(0, 1, number) for number in (1, 2, 3)]
    assert len({drawn(0, 1, number) for number in range(100)}) == 100
    assert drawn(0, 1, 7) != drawn(1, 1, 7)
    assert all(1 <= drawn(0, 1, number) <= 1_000_000 for number in range(1_000))


# -- who may -------------------------------------------------------------------------


def test_only_the_networks_lead_freezes_and_a_trust_sees_nobody(
    made: PublishedRound, session: Session
) -> None:
    other = viewer_as(Role.ACADEMY_LEAD, network_id=NetworkFactory(name="Another Network").id)
    with pytest.raises(NotFound):
        freezing.freeze_round(other, made.round_id, version=1, seen=1)
    with pytest.raises(NotAllowed):
        freezing.freeze_round(made.officer, made.round_id, version=1, seen=1)
    freeze(made)
    row = returned(session)
    with pytest.raises(NotFound):
        freezing.clear_place(other, row.id)
    assert [one.id for one in freezing.returned_of_round(session, made.officer, made.round_id)] == [row.id]
    for trust in made.region.trusts:
        educator = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=trust.id)
        assert freezing.returned_of_round(session, educator, made.round_id) == []
    assert freezing.returned_of_round(session, viewer_as(Role.PLACEMENT_OFFICER), made.round_id) == []
