"""Appeals: who lodges one and when, what the panel decides, what follows from it, and who never sees any."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from placements.access import Role, Viewer
from placements.allocations.checklist import items_before_publication
from placements.allocations.explaining_moves import BY_HAND
from placements.allocations.queries import adopted_run
from placements.allocations.service import adopt_run, publish_round
from placements.appeals import queries, service
from placements.appeals.evidence import MOST_BYTES, GivenFile, problem_with, shown_name
from placements.appeals.facts import facts_of
from placements.appeals.models import Appeal, AppealEvidence
from placements.appeals.retention import forget_evidence
from placements.appeals.service import Lodging
from placements.appeals.window import window
from placements.audit.models import AuditEntry
from placements.clock import set_clock
from placements.cohorts.models import LearnerRecord
from placements.errors import NotAllowed, NotFound, Refused, Stale
from placements.learners.erasing import erase_learner, export_learner
from placements.mail.models import Message
from placements.review.moves import Wanted
from placements.rounds.models import Round
from placements.scenarios.locks import save_lock
from placements.scenarios.models import Lock
from placements.states import APPEAL
from tests.conftest import NOW_UTC
from tests.factories import (
    AppealEvidenceFactory,
    AppealFactory,
    NetworkFactory,
    PersonFactory,
    RoundFactory,
    RunFactory,
    TrustFactory,
    saved,
    viewer_as,
)
from tests.factories.published import PublishedRound, publish_again, published_round
from tests.services.test_review import saved_move

ELSEWHERE = Lodging("travel", "I have to be home by 5pm.", "elsewhere")
PDF = GivenFile("timetable.pdf", b"%PDF-1.4 timetable")


@pytest.fixture
def made(session: Session) -> PublishedRound:
    return published_round(places=(2, 2))


@pytest.fixture
def on() -> Iterator[Callable[[date], None]]:
    """Let it be noon of a day."""
    yield lambda day: set_clock(lambda: datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
    set_clock(lambda: NOW_UTC)


def lodge(made: PublishedRound, viewer: Viewer | None = None, **changes: Any) -> Appeal:
    given = Lodging(
        **{
            "grounds": "travel",
            "statement": "I have to be home by 5pm.",
            "wants": "elsewhere",
        }
        | changes
    )
    return service.lodge_appeal(viewer or made.own, made.round_id, made.requirement().id, given)


def decide(made: PublishedRound, appeal: Appeal, verdict: str = "uphold") -> Appeal:
    return service.decide_appeal(
        made.lead, appeal.id, verdict=verdict, decision="The bus does not run.", version=appeal.version
    )


def locks_of(session: Session, appeal: Appeal) -> list[tuple[str, int | None]]:
    rows = session.scalars(
        select(Lock).where(Lock.origin == "appeal", Lock.origin_id == appeal.id).order_by(Lock.site_id)
    )
    return [(row.kind, row.site_id) for row in rows]


# -- when ----------------------------------------------------------------------


def test_appeals_open_with_the_release_and_close_after_the_last_day() -> None:
    row = Round(
        state="published",
        release_on=date(2026, 12, 1),
        appeal_by=date(2026, 12, 8),
        freeze_on=date(2026, 12, 15),
    )
    published = datetime(2026, 11, 24, 12, tzinfo=UTC)

    def open_on(day: date) -> bool:
        return window(row, published, day).is_open

    assert not open_on(date(2026, 11, 30))
    assert "1 December 2026" in window(row, published, date(2026, 11, 30)).why_not
    assert open_on(date(2026, 12, 1))
    assert open_on(date(2026, 12, 8))
    assert not open_on(date(2026, 12, 9))
    assert "8 December 2026" in window(row, published, date(2026, 12, 9)).why_not
    row.appeal_by = None
    assert open_on(date(2026, 12, 15)), "without a last day, until the freeze"
    assert not open_on(date(2026, 12, 16))
    row.freeze_on = None
    assert open_on(date(2027, 12, 16))
    row.frozen_utc = published
    assert "frozen" in window(row, published, date(2026, 12, 1)).why_not
    assert "Nothing is published" in window(Round(state="open"), None, date(2026, 12, 1)).why_not


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("release_on", date(2026, 12, 1), "Appeals open on 1 December 2026"),
        ("appeal_by", date(2026, 11, 23), "last day for appeals was 23 November 2026"),
        ("frozen_utc", NOW_UTC, "were frozen on 24 November 2026"),
    ],
)
def test_too_early_and_too_late_are_said_with_dates(
    made: PublishedRound, field: str, value: object, words: str
) -> None:
    setattr(made.region.round, field, value)
    saved()
    with pytest.raises(Refused, match=words):
        lodge(made, made.officer)


def test_a_placement_that_has_begun_and_one_without_a_place_take_none(
    made: PublishedRound, session: Session, on: Callable[[date], None]
) -> None:
    line = made.line()
    on(line.first_week)
    with pytest.raises(Refused, match="has begun"):
        lodge(made, made.officer)
    on(NOW_UTC.date())
    line.state, line.department_id, line.reason = "unplaced", None, "Full."
    saved()
    with pytest.raises(Refused, match="no place here"):
        lodge(made, made.officer)


# -- lodging -------------------------------------------------------------------


def test_a_learner_lodges_and_their_officers_are_told_once(made: PublishedRound, session: Session) -> None:
    PersonFactory(role="placement_officer", hei_id=made.region.hei.id, is_active=False)
    saved()
    appeal = lodge(made, files=(PDF,))
    row = session.get_one(Appeal, appeal.id)
    assert (row.state, row.publication_number, row.lodged_by_id) == ("lodged", 1, None)
    assert [(file.file_name, file.media_type) for file in row.evidence] == [
        ("timetable.pdf", "application/pdf")
    ]
    told = session.scalars(select(Message).where(Message.key.startswith("appeal_lodged:"))).all()
    assert len(told) == 1
    assert "home by 5pm" not in told[0].body
    assert f"/appeals/{appeal.id}" in told[0].body
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "lodge_appeal")).one()
    assert entry.person_name == "a learner, by private link"
    assert "5pm" not in str(entry.detail)


def test_an_officer_lodges_for_a_learner_and_tells_nobody(made: PublishedRound, session: Session) -> None:
    appeal = lodge(made, made.officer)
    assert appeal.lodged_by_id == made.officer.person_id
    assert session.scalars(select(Message).where(Message.key.startswith("appeal_lodged:"))).all() == []


def test_one_undecided_appeal_a_place_at_a_time(made: PublishedRound, session: Session) -> None:
    first = lodge(made)
    with pytest.raises(Refused, match="already waits"):
        lodge(made, made.officer)
    service.withdraw_appeal(made.own, first.id, version=first.version)
    second = lodge(made, made.officer)
    decide(made, second, "decline")
    assert lodge(made).state == "lodged"


def test_the_database_keeps_a_second_undecided_one_out(made: PublishedRound, session: Session) -> None:
    lodge(made)
    with pytest.raises(IntegrityError):
        AppealFactory(requirement=made.requirement())
    session.rollback()


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"grounds": "because"}, "grounds", "Choose"),
        ({"statement": ""}, "statement", "Say what is wrong"),
        ({"statement": "x" * 4_001}, "statement", "4,001"),
        ({"wants": "home"}, "wants", "Choose"),
        ({"wants": "nearer"}, "wanted_minutes", "how many minutes"),
        ({"wants": "nearer", "wanted_minutes": 601}, "wanted_minutes", "from 1 to 600"),
        ({"wants": "nearer", "wanted_minutes": 500}, "wanted_minutes", "fewer minutes"),
        ({"wants": "site"}, "wanted_site_id", "from the list"),
        ({"wants": "site", "wanted_site_id": 999_999}, "wanted_site_id", "from the list"),
        ({"files": (GivenFile("a.exe", b"MZ"),)}, "files", "a.exe is not a PDF"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    made: PublishedRound, session: Session, changes: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(Refused) as refusal:
        lodge(made, **changes)
    assert list(refusal.value.fields) == [field]
    assert words in refusal.value.fields[field]
    assert session.scalars(select(Appeal)).all() == []


def test_the_site_of_the_place_itself_cannot_be_asked_for(made: PublishedRound) -> None:
    near, far = made.site_ids()
    here = next(row.site_id for row in made.region.departments if row.id == made.line().department_id)
    with pytest.raises(Refused):
        lodge(made, wants="site", wanted_site_id=here)
    assert lodge(made, wants="site", wanted_site_id=far if here == near else near).wants == "site"


def test_evidence_is_known_by_its_content_and_not_by_its_name() -> None:
    assert problem_with([PDF]) == ""
    assert problem_with([GivenFile("letter.doc", b"\xff\xd8\xff\xe0 a photo")]) == ""
    assert problem_with([GivenFile("photo.png", b"\x89PNG\r\n\x1a\n")]) == ""
    assert "not a PDF" in problem_with([GivenFile("page.pdf", b"<html>%PDF-")])
    assert "empty" in problem_with([GivenFile("page.pdf", b"")])
    assert "larger than 5 MB" in problem_with([GivenFile("page.pdf", b"%PDF-" + b"x" * MOST_BYTES)])
    assert "at most 5 files" in problem_with([PDF] * 6)
    assert shown_name("C:\\Users\\ada\\scan\r\n.pdf") == "scan.pdf"
    assert shown_name("../..//") == "file"
    assert len(shown_name("a" * 999 + ".pdf")) == 200


# -- deciding ------------------------------------------------------------------


def test_upheld_elsewhere_bans_the_site_and_a_repair_moves_the_learner(
    made: PublishedRound, session: Session
) -> None:
    before = made.line()
    appeal = lodge(made, made.officer)
    run = adopted_run(session, made.lead, made.round_id)
    assert run is not None
    assert queries.undecided(session, made.lead, made.round_id) == 1
    assert [item.effect for item in checks(session, made) if "appeal" in item.words] == ["warns"]
    at_later = NOW_UTC + timedelta(hours=1)
    set_clock(lambda: at_later)
    decide(made, appeal)
    here = next(row.site_id for row in made.region.departments if row.id == before.department_id)
    assert locks_of(session, appeal) == [("ban", here)]
    upheld = "1 appeal was upheld since this run began: a repair takes them in."
    assert upheld in [item.words for item in checks(session, made)]
    set_clock(lambda: at_later + timedelta(minutes=30))
    by_hand = RunFactory(round=made.region.round, kind="hand", parent_id=run.id)
    items = items_before_publication(session, made.lead, made.region.round, by_hand)
    assert upheld in [item.words for item in items], "a move by hand takes no appeal in"
    set_clock(lambda: at_later + timedelta(hours=1))
    publication = publish_again(made.region, is_repair=True)
    after = made.line(number=2)
    assert publication.number == 2
    assert after.department_id not in (None, before.department_id)
    assert after.why_moved == "The appeal against the place before was upheld."
    assert upheld not in [item.words for item in checks(session, made)], "the run has taken it in"


def test_whoever_is_moved_by_hand_after_an_upheld_appeal_is_told_of_the_hand(session: Session) -> None:
    made = published_round(places=(2, 2))
    run = adopted_run(session, made.lead, made.round_id)
    assert run is not None
    decide(made, lodge(made))
    set_clock(lambda: NOW_UTC + timedelta(hours=1))
    line = made.line()
    there = next(row.id for row in made.region.departments if row.id != line.department_id)
    by_hand = saved_move(made.region, run, Wanted("move", line.requirement_id, there), "Asked by the ward")
    adopt_run(made.lead, by_hand.id)
    session.expire_all()
    publish_round(made.lead, made.round_id, version=made.region.round.version)
    after = made.line(number=2)
    assert after.department_id == there
    assert (after.why_moved_words, after.why_moved_note) == (BY_HAND, "Asked by the ward")


def test_the_heis_of_a_rounds_appeals_are_read_without_the_appeals(
    made: PublishedRound, session: Session
) -> None:
    lodge(made)
    hei = made.line().hei
    session.expunge_all()
    loaded: list[Appeal] = []

    def note(row: Appeal, _context: object) -> None:
        loaded.append(row)

    event.listen(Appeal, "load", note)
    found = queries.heis_of_round(session, made.lead, made.round_id)
    event.remove(Appeal, "load", note)
    assert (found, loaded) == ([hei], [])
    assert queries.heis_of_round(session, viewer_as(Role.PLACEMENT_OFFICER), made.round_id) == []


def checks(session: Session, made: PublishedRound) -> Any:
    run = adopted_run(session, made.lead, made.round_id)
    assert run is not None
    return items_before_publication(session, made.lead, made.region.round, run)


def test_upheld_nearer_bans_every_site_that_is_farther(session: Session) -> None:
    made = published_round(places=(0, 2))
    _, far = made.site_ids()
    minutes = made.line().travel_minutes
    assert minutes is not None
    appeal = lodge(made, wants="nearer", wanted_minutes=minutes - 1)
    decide(made, appeal)
    assert locks_of(session, appeal) == [("ban", far)]


def test_upheld_at_a_site_pins_to_it(session: Session) -> None:
    made = published_round(places=(2, 2))
    near, far = made.site_ids()
    here = next(row.site_id for row in made.region.departments if row.id == made.line().department_id)
    there = far if here == near else near
    appeal = lodge(made, wants="site", wanted_site_id=there)
    decide(made, appeal)
    assert locks_of(session, appeal) == [("pin", there)]


def test_a_ban_that_holds_already_is_not_made_twice(made: PublishedRound, session: Session) -> None:
    here = next(row.site_id for row in made.region.departments if row.id == made.line().department_id)
    save_lock(
        made.lead,
        round_id=made.round_id,
        scenario_id=None,
        requirement_id=made.requirement().id,
        kind="ban",
        site_id=here,
        reason="Known before",
    )
    appeal = lodge(made)
    assert decide(made, appeal).state == "upheld"
    assert locks_of(session, appeal) == []


def test_declined_locks_nothing_and_the_officers_are_told_without_the_reasons(
    made: PublishedRound, session: Session
) -> None:
    appeal = decide(made, lodge(made), "decline")
    assert (appeal.state, appeal.decision) == ("declined", "The bus does not run.")
    assert locks_of(session, appeal) == []
    told = session.scalars(select(Message).where(Message.key.startswith("appeal_decided:"))).one()
    assert "not upheld" in told.subject
    assert "bus" not in told.body


@pytest.mark.parametrize(
    ("verdict", "decision", "field"),
    [("uphold", "", "decision"), ("", "Because.", "verdict"), ("decline", "x" * 4_001, "decision")],
)
def test_a_decision_needs_a_verdict_and_reasons(
    made: PublishedRound, session: Session, verdict: str, decision: str, field: str
) -> None:
    appeal = lodge(made)
    with pytest.raises(Refused) as refusal:
        service.decide_appeal(made.lead, appeal.id, verdict=verdict, decision=decision, version=1)
    assert list(refusal.value.fields) == [field]
    session.expire_all()
    assert session.get_one(Appeal, appeal.id).state == "lodged"
    assert session.scalars(select(Lock)).all() == []


def test_two_of_the_panel_do_not_decide_over_each_other(made: PublishedRound, session: Session) -> None:
    appeal = lodge(made)
    version = appeal.version
    decide(made, appeal, "decline")
    with pytest.raises(Stale):
        service.decide_appeal(made.lead, appeal.id, verdict="uphold", decision="Otherwise.", version=version)
    assert locks_of(session, appeal) == []


VERBS = ("uphold", "decline", "withdraw")


@pytest.mark.parametrize("state", ["upheld", "declined", "withdrawn"])
@pytest.mark.parametrize("verb", VERBS)
def test_what_was_decided_or_withdrawn_stays_so(
    made: PublishedRound, session: Session, state: str, verb: str
) -> None:
    appeal = AppealFactory(requirement=made.requirement(), state=state)
    saved()
    assert not APPEAL.allows(state, verb)
    step = {
        "withdraw": lambda: service.withdraw_appeal(made.own, appeal.id, version=appeal.version),
        "uphold": lambda: decide(made, appeal),
        "decline": lambda: decide(made, appeal, "decline"),
    }[verb]
    with pytest.raises(Refused, match=f"This appeal is {state}"):
        step()
    session.expire_all()
    assert session.get_one(Appeal, appeal.id).state == state
    assert session.scalars(select(Lock)).all() == []


def test_only_three_steps_lead_from_lodged() -> None:
    assert set(APPEAL.moves) == set(VERBS)
    assert all(APPEAL.allows("lodged", verb) for verb in VERBS)


# -- facts ---------------------------------------------------------------------


def test_the_panel_sees_what_would_be_left_and_an_officer_does_not(
    made: PublishedRound, session: Session
) -> None:
    near, far = made.region.departments
    here = made.line().department_id
    other = far if here == near.id else near
    appeal = lodge(made)
    facts = facts_of(session, made.lead, appeal)
    assert facts.left is not None
    assert [(row.name, row.free > 0) for row in facts.left] == [(other.site.name, True)]
    assert facts.place is not None
    assert facts.now is None
    assert facts.journeys.mean == made.line().travel_minutes
    assert facts.journeys.middle_of_round is not None
    assert facts.placing_id is not None
    seen = facts_of(session, made.officer, appeal)
    assert (seen.left, seen.placing_id, seen.journeys.middle_of_round) == (None, None, None)


def test_nothing_left_is_said_before_deciding(session: Session) -> None:
    made = published_round(places=(0, 2))
    appeal = lodge(made)
    assert facts_of(session, made.lead, appeal).left == []


# -- who sees --------------------------------------------------------------------


def test_another_hei_a_trust_and_another_network_see_nothing(made: PublishedRound, session: Session) -> None:
    appeal = lodge(made, files=(PDF,))
    evidence = session.scalars(select(AppealEvidence)).one()
    other_officer = viewer_as(Role.PLACEMENT_OFFICER)
    other_lead = viewer_as(Role.ACADEMY_LEAD, network_id=NetworkFactory(name="Another Network").id)
    for viewer in (other_officer, other_lead):
        with pytest.raises(NotFound):
            queries.appeal_by_id(session, viewer, appeal.id)
        with pytest.raises(NotFound):
            service.open_evidence(viewer, evidence.id)
        assert queries.counts_of_round(session, viewer, made.round_id) == {}
    with pytest.raises(NotFound):
        service.lodge_appeal(other_officer, made.round_id, made.requirement(1).id, ELSEWHERE)
    for role in (Role.PRACTICE_EDUCATOR, Role.TRUST_EDUCATION_LEAD):
        for trust in (*made.region.trusts, TrustFactory()):
            viewer = viewer_as(role, trust_id=trust.id)
            assert session.scalars(queries.visible_appeals(viewer)).all() == []
            with pytest.raises(NotAllowed):
                service.open_evidence(viewer, evidence.id)
            with pytest.raises(NotAllowed):
                service.lodge_appeal(viewer, made.round_id, made.requirement().id, ELSEWHERE)


def test_a_learner_appeals_for_nobody_else_and_opens_no_file(made: PublishedRound, session: Session) -> None:
    with pytest.raises(NotFound):
        service.lodge_appeal(made.own, made.round_id, made.requirement(1).id, ELSEWHERE)
    theirs = service.lodge_appeal(made.officer, made.round_id, made.requirement(1).id, ELSEWHERE)
    with pytest.raises(NotFound):
        service.withdraw_appeal(made.own, theirs.id, version=theirs.version)
    lodge(made, files=(PDF,))
    with pytest.raises(NotAllowed):
        service.open_evidence(made.own, session.scalars(select(AppealEvidence.id)).one())


def test_an_officer_does_not_decide_and_a_lead_does_not_lodge(made: PublishedRound) -> None:
    appeal = lodge(made)
    with pytest.raises(NotAllowed):
        service.decide_appeal(made.officer, appeal.id, verdict="uphold", decision="Mine.", version=1)
    with pytest.raises(NotAllowed):
        lodge(made, made.lead)


def test_each_opening_of_evidence_is_in_the_record(made: PublishedRound, session: Session) -> None:
    lodge(made, files=(PDF,))
    evidence_id = session.scalars(select(AppealEvidence.id)).one()
    for viewer in (made.lead, made.officer, made.lead):
        assert service.open_evidence(viewer, evidence_id).data == PDF.data
    entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "open_evidence")).all()
    assert [(row.person_id, row.subject, row.subject_id) for row in entries] == [
        (viewer.person_id, "appeal_evidence", evidence_id) for viewer in (made.lead, made.officer, made.lead)
    ]


# -- the learner's rights ----------------------------------------------------------


def test_what_was_said_is_given_out_and_erased_and_the_decision_stays(
    made: PublishedRound, session: Session
) -> None:
    decided = AppealEvidenceFactory(
        appeal__requirement=made.requirement(), appeal__state="declined", appeal__decision="No room."
    ).appeal
    saved()
    waiting = lodge(made, files=(PDF,))
    learner = made.region.learners[0]
    given = export_learner(made.officer, learner.id)["appeals"]
    assert [row["statement"] for row in given] == ["I cannot be home in time.", "I have to be home by 5pm."]
    assert [len(row["evidence"]) for row in given] == [1, 1]
    erase_learner(made.officer, learner.id, typed=learner.reference)
    session.expire_all()
    assert session.get_one(LearnerRecord, learner.record_id).erased_utc is not None
    assert session.scalars(select(AppealEvidence)).all() == []
    rows = {row.id: row for row in session.scalars(select(Appeal))}
    assert {row.statement for row in rows.values()} == {""}
    assert (rows[decided.id].state, rows[decided.id].decision) == ("declined", "No room.")
    assert rows[waiting.id].state == "withdrawn"


def test_evidence_is_deleted_some_time_after_the_decision(made: PublishedRound, session: Session) -> None:
    decided = lodge(made, files=(PDF,))
    decide(made, decided, "decline")
    service.lodge_appeal(
        made.officer,
        made.round_id,
        made.requirement(1).id,
        Lodging("travel", "Far.", "elsewhere", files=(PDF,)),
    )
    set_clock(lambda: NOW_UTC + timedelta(days=90))
    forget_evidence()
    assert len(session.scalars(select(AppealEvidence)).all()) == 2
    set_clock(lambda: NOW_UTC + timedelta(days=91))
    forget_evidence()
    forget_evidence()
    left = session.scalars(select(AppealEvidence)).one()
    assert left.appeal_id != decided.id, "what waits for a decision keeps its evidence"
    entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "forget_evidence")).all()
    assert [row.detail for row in entries] == [{"files": 1}]


def test_the_list_is_of_one_round_with_each_place(made: PublishedRound, session: Session) -> None:
    other = RoundFactory()
    saved()
    lodge(made)
    service.lodge_appeal(made.officer, made.round_id, made.requirement(1).id, ELSEWHERE)
    rows = session.scalars(
        queries.appeals_of_round(made.lead, made.round_id, queries.AppealFilter(state="lodged"))
    ).all()
    assert len(rows) == 2
    assert len(queries.places_of(session, made.lead, rows)) == 2
    assert session.scalars(queries.appeals_of_round(made.lead, other.id, queries.AppealFilter())).all() == []
