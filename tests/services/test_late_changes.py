"""What trusts approve after a run or a publication is marked until a run takes it in."""

from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from placements import tasks
from placements.access import Role
from placements.allocations import late_changes
from placements.allocations.models import Publication
from placements.allocations.service import adopt_run, publish_round, start_repair
from placements.capacity import deciding, queries, service
from placements.capacity.board import board
from placements.capacity.content import ANYONE, Content, Places
from placements.capacity.models import DeclarationRecord
from placements.clock import now_utc, set_clock
from placements.errors import Refused
from placements.extensions import db
from placements.organisations.models import Department
from placements.scenarios.models import Placing, Run
from placements.scenarios.service import start_run
from placements.scenarios.solving import perform_run
from tests.conftest import NOW_UTC
from tests.factories import viewer_as
from tests.factories.region import SmallRound, small_round


@pytest.fixture
def region(session: Session, monkeypatch: pytest.MonkeyPatch) -> SmallRound:
    """Three learners, two departments of two places each."""
    monkeypatch.setattr(tasks, "_queue", lambda *_: None)
    return small_round(learners=3, places=(2, 2))


def hours(after: float) -> None:
    set_clock(lambda: NOW_UTC + timedelta(hours=after))


def match(session: Session, region: SmallRound) -> Run:
    run_id = start_run(region.lead, region.round.id).id
    perform_run(run_id)
    session.expire_all()
    run = session.get_one(Run, run_id)
    assert run.state == "finished", run.message
    return run


def publish(session: Session, region: SmallRound) -> Publication:
    adopt_run(region.lead, match(session, region).id)
    session.expire_all()
    return publish_round(region.lead, region.round.id, version=region.round.version)


def approve(
    region: SmallRound, department: Department, *, first_week: int | None = None, wte: int | None = None
) -> None:
    """Submit and approve with other places in the first week, or other WTE in it."""
    trust_id = department.site.trust_id
    educator = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=trust_id)
    lead = viewer_as(Role.TRUST_EDUCATION_LEAD, trust_id=trust_id)
    there = queries.declaration_of(db.session, educator, region.round.id, department.id)
    assert there is not None
    saved = queries.content_of(there)
    week = region.round.block_weeks()[0]
    weeks = dict(saved.lines[ANYONE])
    if first_week is not None:
        weeks[week] = Places(min(1, first_week), first_week)
    educators = dict(saved.wte) | ({week: Decimal(wte)} if wte is not None else {})
    done = service.submit_declaration(
        educator,
        region.round.id,
        department.id,
        version=there.version,
        content=Content({**saved.lines, ANYONE: weeks}, educators, saved.model),
    )
    assert done.declaration is not None
    deciding.approve_declaration(lead, region.round.id, department.id, version=done.declaration.version)


def sentences(changes: list[late_changes.LateChange]) -> dict[int, str]:
    return {change.department.id: change.sentence for change in changes}


def test_a_change_after_publication_is_told_with_who_is_placed_there(
    session: Session, region: SmallRound
) -> None:
    publication = publish(session, region)
    first, second = region.departments
    assert late_changes.since_publication(session, region.lead, publication) == []
    hours(1)
    approve(region, first, first_week=0)
    found = sentences(late_changes.since_publication(session, region.lead, publication))
    placed = sum(line.department_id == first.id for line in publication.lines)
    learners = "1 learner is" if placed == 1 else f"{placed} learners are"
    assert placed
    assert found == {first.id: f"week of 4 Jan 2 to 0; {learners} placed there"}
    # The trust itself sees its own, the other trust does not.
    own = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=first.site.trust_id)
    other = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=second.site.trust_id)
    assert list(sentences(late_changes.since_publication(session, own, publication))) == [first.id]
    assert late_changes.since_publication(session, other, publication) == []


def test_only_what_was_approved_since_is_read(session: Session, region: SmallRound) -> None:
    run_id = match(session, region).id
    hours(1)
    approve(region, region.departments[0], first_week=0)
    session.expunge_all()
    loaded: set[int] = set()

    def note(row: DeclarationRecord, _context: object) -> None:
        loaded.add(row.declaration_id)

    sa.event.listen(DeclarationRecord, "load", note)
    found = late_changes.since_run(session, region.lead, session.get_one(Run, run_id))
    sa.event.remove(DeclarationRecord, "load", note)
    assert len(found) == len(loaded) == 1, "of one department"


def test_the_board_marks_it_until_a_run_takes_it_in(session: Session, region: SmallRound) -> None:
    first, _ = region.departments

    def marked() -> dict[int, str]:
        rows = board(session, region.lead, region.round, now=now_utc()).all_rows
        return {row.department.id: row.late for row in rows if row.late}

    approve(region, first, first_week=1)
    assert marked() == {}, "nothing was matched yet"
    hours(1)
    match(session, region)
    assert marked() == {}
    hours(2)
    approve(region, first, first_week=2)
    assert marked()[first.id].startswith("Week of 4 Jan 1 to 2; ")
    own = viewer_as(Role.TRUST_EDUCATION_LEAD, trust_id=first.site.trust_id)
    rows = board(session, own, region.round, now=now_utc()).all_rows
    assert [row.late for row in rows] == [""], "a run is the academy's alone until it is published"
    hours(3)
    match(session, region)
    assert marked() == {}


def test_a_draft_and_a_change_taken_back_are_no_change(session: Session, region: SmallRound) -> None:
    publication = publish(session, region)
    first, second = region.departments
    hours(1)
    approve(region, first, first_week=3)
    approve(region, first, first_week=2)
    educator = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=second.site.trust_id)
    there = queries.declaration_of(session, educator, region.round.id, second.id)
    assert there is not None
    service.save_declaration(educator, region.round.id, second.id, version=there.version, content=Content())
    assert late_changes.since_publication(session, region.lead, publication) == []


def test_other_figures_than_places_are_told_too(session: Session, region: SmallRound) -> None:
    run = match(session, region)
    hours(1)
    approve(region, region.departments[0], wte=0)
    (change,) = late_changes.since_run(session, region.lead, run)
    assert "educator WTE" in change.words
    assert change.words.endswith("to 0 in the week of 4 Jan")


def where(session: Session, run: Run) -> dict[int, int | None]:
    """The department's id of each requirement's."""
    session.expire_all()
    rows = session.execute(
        sa.select(Placing.requirement_id, Placing.department_id).where(Placing.run_id == run.id)
    )
    return {requirement: department for requirement, department in rows}  # noqa: C416


def test_a_repair_moves_no_more_than_the_change_asks_for(session: Session, region: SmallRound) -> None:
    before = where(session, session.get_one(Run, publish(session, region).run_id))
    full = max(region.departments, key=lambda row: list(before.values()).count(row.id))
    hours(2)
    approve(region, full, first_week=1)
    run_id = start_repair(region.lead, region.round.id).id
    perform_run(run_id)
    session.expire_all()
    run = session.get_one(Run, run_id)
    assert (run.state, run.summary["status"]) == ("finished", "optimal"), run.message
    moved = [key for key, department in where(session, run).items() if department != before[key]]
    # Two stood where only one may; the other department had one place left.
    assert (len(moved), run.summary["placed"]) == (1, 3)
    tiers = {tier["name"]: (tier["value"], tier["bound"]) for tier in run.summary["tiers"]}
    assert tiers["moved"] == (1, 1)


def test_before_anything_is_published_there_is_nothing_to_repair(
    session: Session, region: SmallRound
) -> None:
    with pytest.raises(Refused, match="Nothing is published"):
        start_repair(region.lead, region.round.id)
