"""How placements went: who records what, when, and whom it concerns."""

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from placements.access import Role, Viewer
from placements.allocations.models import PublicationLine
from placements.cohorts.models import Learner
from placements.errors import NotAllowed, NotFound, Refused, Stale
from placements.learner_pages.links import viewer_of
from placements.organisations.models import Department, Hei
from placements.outcomes import feedback, service, travel
from placements.outcomes.days import days_expected
from placements.outcomes.feedback import GivenFeedback
from placements.outcomes.lists import begun_placements, outcome_rows, outcomes_csv
from placements.outcomes.models import PlacementFeedback, PlacementOutcome
from placements.outcomes.queries import outcomes_of, visible_placements
from placements.outcomes.service import OutcomeDetails
from placements.outcomes.uploads import parse_outcomes
from placements.outcomes.wording import reason_words
from tests.conftest import NOW_UTC
from tests.factories import (
    CohortFactory,
    DepartmentFactory,
    HeiFactory,
    LearnerFactory,
    LearnerLinkFactory,
    PublicationFactory,
    PublicationLineFactory,
    RoundFactory,
    saved,
    viewer_as,
)

TODAY = NOW_UTC.date()
# Four weeks that ended on 20 November 2026, and four that go on.
ENDED, GOES_ON, AHEAD = date(2026, 10, 26), date(2026, 11, 9), date(2027, 1, 4)


@pytest.fixture
def hei(session: Session) -> Hei:
    row: Hei = HeiFactory(name="City University")
    return row


@pytest.fixture
def department(session: Session) -> Department:
    row: Department = DepartmentFactory()
    return row


@pytest.fixture
def line(session: Session, hei: Hei, department: Department) -> PublicationLine:
    """A placement of four weeks that has ended, of an HEI's learner at a trust."""
    row: PublicationLine = PublicationLineFactory(
        of_hei=hei, at=department, first_week=ENDED, learner_reference="DR-1"
    )
    saved()
    return row


def officer(hei: Hei) -> Viewer:
    return viewer_as(Role.PLACEMENT_OFFICER, hei_id=hei.id)


def educator(department: Department) -> Viewer:
    return viewer_as(Role.PRACTICE_EDUCATOR, trust_id=department.site.trust_id)


def recorded(session: Session, line: PublicationLine) -> PlacementOutcome:
    session.expire_all()
    return outcomes_of(session, [line.requirement_id])[line.requirement_id]


def round_id(line: PublicationLine) -> int:
    return line.publication.round_id


@pytest.mark.parametrize(
    ("first_week", "weeks", "weekdays", "days"),
    [
        (date(2026, 10, 26), 4, "12345", 20),
        (date(2026, 12, 21), 2, "12345", 7),
        (date(2026, 12, 21), 2, "15", 1),
        (date(2027, 3, 22), 2, "1234", 7),
    ],
    ids=["plain", "Christmas", "Mondays and Fridays of Christmas and New Year", "Easter"],
)
def test_bank_holidays_are_no_days_expected(first_week: date, weeks: int, weekdays: str, days: int) -> None:
    line = PublicationLine(first_week=first_week, weeks=weeks, weekdays=weekdays)
    assert days_expected(line) == days


def test_both_sides_record_and_each_sees_who_did(
    session: Session, line: PublicationLine, hei: Hei, department: Department
) -> None:
    ended = OutcomeDetails("ended_early", date(2026, 11, 6), "health")
    service.record_outcome(officer(hei), round_id(line), line.requirement_id, ended, version=0)
    row = recorded(session, line)
    assert (row.outcome, row.days_attended, row.last_day) == ("ended_early", 10, date(2026, 11, 6))
    assert row.recorded_by is not None
    assert row.recorded_by.role == "placement_officer"
    at_trust = educator(department)
    assert reason_words(officer(hei), row) == "Health"
    assert reason_words(at_trust, row) == "The learner’s own reasons"
    same = OutcomeDetails("ended_early", date(2026, 11, 6), "personal", 10)
    service.record_outcome(at_trust, round_id(line), line.requirement_id, same, version=1)
    assert recorded(session, line).reason == "health", "what the trust cannot tell apart stays"
    assert recorded(session, line).version == 1
    with pytest.raises(Stale):
        service.record_outcome(
            at_trust, round_id(line), line.requirement_id, OutcomeDetails("completed"), version=0
        )
    service.record_outcome(
        at_trust, round_id(line), line.requirement_id, OutcomeDetails("completed"), version=1
    )
    row = recorded(session, line)
    assert (row.outcome, row.days_attended, row.reason, row.last_day) == ("completed", 20, None, None)
    assert row.recorded_by is not None
    assert row.recorded_by.role == "practice_educator"


@pytest.mark.parametrize(
    ("details", "field"),
    [
        (OutcomeDetails("lost"), "outcome"),
        (OutcomeDetails("ended_early", date(2026, 11, 6)), "reason"),
        (OutcomeDetails("ended_early", None, "other"), "last_day"),
        (OutcomeDetails("ended_early", date(2026, 10, 23), "other"), "last_day"),
        (OutcomeDetails("ended_early", date(2026, 11, 23), "other"), "last_day"),
        (OutcomeDetails("not_attended", None, "weather"), "reason"),
        (OutcomeDetails("completed", days_attended=21), "days_attended"),
        (OutcomeDetails("ended_early", date(2026, 11, 6), "other", 11), "days_attended"),
    ],
)
def test_what_cannot_be_is_named(
    session: Session, line: PublicationLine, hei: Hei, details: OutcomeDetails, field: str
) -> None:
    with pytest.raises(Refused) as refusal:
        service.record_outcome(officer(hei), round_id(line), line.requirement_id, details, version=0)
    assert set(refusal.value.fields) == {field}
    assert outcomes_of(session, [line.requirement_id]) == {}


def test_nothing_is_recorded_before_its_time(session: Session, line: PublicationLine, hei: Hei) -> None:
    ahead, under_way = (
        PublicationLineFactory(publication=line.publication, of_hei=hei, first_week=week)
        for week in (AHEAD, GOES_ON)
    )
    saved()
    who = officer(hei)
    with pytest.raises(Refused, match="begins on 4 January 2027"):
        service.record_outcome(
            who,
            round_id(line),
            ahead.requirement_id,
            OutcomeDetails("not_attended", None, "other"),
            version=0,
        )
    with pytest.raises(Refused) as refusal:
        service.record_outcome(
            who, round_id(line), under_way.requirement_id, OutcomeDetails("completed"), version=0
        )
    assert "4 December 2026" in refusal.value.fields["outcome"]
    with pytest.raises(Refused, match="1 placement has not ended yet"):
        service.complete_outcomes(who, round_id(line), [line.requirement_id, under_way.requirement_id])
    assert session.scalars(select(PlacementOutcome)).all() == []


def test_many_are_completed_at_once_and_a_second_press_changes_nothing(
    session: Session, line: PublicationLine, hei: Hei
) -> None:
    other = PublicationLineFactory(publication=line.publication, of_hei=hei, first_week=ENDED)
    foreign = PublicationLineFactory(publication=line.publication, first_week=ENDED)
    saved()
    who = officer(hei)
    early = OutcomeDetails("not_attended", None, "other")
    service.record_outcome(who, round_id(line), other.requirement_id, early, version=0)
    both = [line.requirement_id, other.requirement_id]
    with pytest.raises(NotFound):
        service.complete_outcomes(who, round_id(line), [*both, foreign.requirement_id])
    assert service.complete_outcomes(who, round_id(line), both) == 1
    assert service.complete_outcomes(who, round_id(line), both) == 0
    assert recorded(session, other).outcome == "not_attended"


def test_a_placement_belongs_to_its_hei_and_its_last_trust(
    session: Session, line: PublicationLine, hei: Hei, department: Department
) -> None:
    """Moved before it began, it is the new trust's; moved later, it is that of the version before no more."""
    elsewhere = DepartmentFactory()
    second = PublicationFactory(round=line.publication.round, number=2)
    PublicationLineFactory(
        publication=second, requirement_id=line.requirement_id, of_hei=hei, at=elsewhere, first_week=ENDED
    )
    dropped = PublicationLineFactory(publication=line.publication, of_hei=hei, first_week=ENDED)
    PublicationLineFactory(publication=line.publication, of_hei=hei, first_week=AHEAD)
    saved()

    def seen(viewer: Viewer) -> set[int]:
        return {row.requirement_id for row in session.scalars(visible_placements(viewer))}

    assert seen(educator(department)) == set()
    assert seen(educator(elsewhere)) == {line.requirement_id}
    both = {line.requirement_id, dropped.requirement_id}
    assert seen(officer(hei)) == both, "one that was taken away after it began counts, one before does not"
    assert seen(viewer_as(Role.PLACEMENT_OFFICER)) == set()
    assert seen(viewer_as(Role.ACADEMY_LEAD)) == both
    with pytest.raises(NotFound):
        service.record_outcome(
            educator(department), round_id(line), line.requirement_id, OutcomeDetails("completed"), version=0
        )
    with pytest.raises(NotAllowed):
        service.complete_outcomes(viewer_as(Role.ADMINISTRATOR), round_id(line), [])


def the_file(session: Session, viewer: Viewer, line: PublicationLine) -> list[str]:
    lines = list(session.scalars(begun_placements(viewer, round_id(line), TODAY)))
    rows = outcome_rows(viewer, lines, outcomes_of(session, [row.requirement_id for row in lines]))
    return outcomes_csv(rows).decode("utf-8-sig").splitlines()


def test_the_list_comes_back_filled_in(session: Session, line: PublicationLine, hei: Hei) -> None:
    who = officer(hei)
    for number in (2, 3, 4):
        PublicationLineFactory(
            publication=line.publication, of_hei=hei, first_week=ENDED, learner_reference=f"DR-{number}"
        )
    saved()
    head, *rows = the_file(session, who, line)
    assert len(rows) == 4
    filled = {
        "DR-1": "Completed,,,",
        "DR-2": "ended early,6/11/2026,Placement closed,9",
        "DR-3": "Ended early,1 Dec 2026,Weather,many",
        "DR-4": ",,,",
    }
    said = [row.removesuffix(",,,,,") + "," + filled[row.split(",")[4]] + "," for row in rows]
    seen = {row.requirement_id: row for row in session.scalars(visible_placements(who))}
    parsed = parse_outcomes("\n".join([head, *said]).encode(), who, seen, {}, TODAY)
    assert parsed.problem is None
    assert len(parsed.rows) == 2
    assert {refusal.column for refusal in parsed.refusals} == {"Reason", "Days attended"}
    assert (parsed.refused_rows, parsed.unchanged) == (1, 1)
    wanted = [row for _, row in parsed.rows]
    assert service.record_outcomes(who, round_id(line), wanted) == 2
    assert service.record_outcomes(who, round_id(line), wanted) == 0, "twice is the same as once"
    again = parse_outcomes(
        "\n".join(the_file(session, who, line)).encode(), who, seen, outcomes_of(session, seen), TODAY
    )
    assert (again.rows, again.refusals, again.unchanged) == ((), (), 4)
    other = viewer_as(Role.PLACEMENT_OFFICER)
    with pytest.raises(NotFound):
        service.record_outcomes(other, round_id(line), wanted)


A_LINE = PublicationLine(
    requirement_id=7, learner_reference="DR-1", first_week=ENDED, weeks=4, weekdays="12345"
)
OFFICER = Viewer(person_id=1, name="", role=Role.PLACEMENT_OFFICER, hei_id=1)
cell = st.one_of(
    st.sampled_from(["7", "7.0", "8", "Completed", "ended early", "Other", "45000", "DR-1", "6/11/2026", ""]),
    st.text(max_size=12),
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(
        st.binary(max_size=300),
        st.lists(st.lists(cell, min_size=1, max_size=6), max_size=6).map(
            lambda rows: (
                "Placement,Outcome,Last day there,Reason,Days attended\n"
                + "\n".join(",".join(row) for row in rows)
            ).encode("utf-8", "surrogatepass")
        ),
    )
)
def test_any_bytes_get_a_clear_answer(data: bytes) -> None:
    parsed = parse_outcomes(data, OFFICER, {7: A_LINE}, {}, TODAY)
    if parsed.problem is not None:
        assert parsed.rows == ()
    for _, row in parsed.rows:
        assert row.requirement_id == 7
        assert service.checked(OFFICER, A_LINE, row.details, TODAY) == row.details
    for refusal in parsed.refusals:
        assert refusal.reason
        assert refusal.remedy


@pytest.fixture
def learner(session: Session) -> Learner:
    row: Learner = LearnerFactory(cohort=CohortFactory(round=RoundFactory(state="published")))
    return row


def guest_of(learner: Learner) -> Viewer:
    link = LearnerLinkFactory(learner=learner)
    saved()
    return viewer_of(link)


def test_feedback_is_given_in_its_time_and_changed(
    session: Session, learner: Learner, department: Department
) -> None:
    publication = PublicationFactory(round=learner.cohort.round)
    mine = {"publication": publication, "of_hei": learner.hei, "record_id": learner.record_id}
    now = PublicationLineFactory(**mine, at=department, first_week=GOES_ON)
    ahead = PublicationLineFactory(**mine, first_week=AHEAD)
    over = PublicationLineFactory(**mine, first_week=date(2026, 9, 21))
    guest = guest_of(learner)
    feedback.give_feedback(guest, now.requirement_id, GivenFeedback(4, comment="Kind"), version=0)
    feedback.give_feedback(guest, now.requirement_id, GivenFeedback(4, comment="Kind"), version=0)
    with pytest.raises(Stale):
        feedback.give_feedback(guest, now.requirement_id, GivenFeedback(5), version=0)
    feedback.give_feedback(guest, now.requirement_id, GivenFeedback(5, 3), version=1)
    session.expire_all()
    row = session.scalars(select(PlacementFeedback)).one()
    assert (row.overall, row.supervision, row.comment, row.version) == (5, 3, "", 2)
    for line, words in ((ahead, "not begun yet"), (over, "until 13 November 2026")):
        with pytest.raises(Refused, match=words):
            feedback.give_feedback(guest, line.requirement_id, GivenFeedback(5), version=0)
    with pytest.raises(Refused) as refusal:
        feedback.give_feedback(guest, now.requirement_id, GivenFeedback(6, comment="x" * 2001), version=2)
    assert set(refusal.value.fields) == {"overall", "comment"}
    other = LearnerFactory(cohort=learner.cohort)
    with pytest.raises(NotFound):
        feedback.give_feedback(guest_of(other), now.requirement_id, GivenFeedback(1), version=0)
    with pytest.raises(NotAllowed):
        feedback.give_feedback(viewer_as(Role.ACADEMY_LEAD), now.requirement_id, GivenFeedback(1), version=0)


def test_a_trust_sees_averages_of_three_and_no_comment(
    session: Session, line: PublicationLine, hei: Hei, department: Department
) -> None:
    for index, (overall, supervision) in enumerate([(5, 5), (4, 2), (3, None)]):
        if index:
            line = PublicationLineFactory(
                publication=line.publication, of_hei=hei, at=department, first_week=ENDED
            )
        session.add(
            PlacementFeedback(
                requirement_id=line.requirement_id,
                round_id=round_id(line),
                overall=overall,
                supervision=supervision,
                comment="Kind people" if overall == 3 else "",
                given_utc=NOW_UTC,
            )
        )
        saved()
        (row,) = feedback.by_department(session, educator(department))
        assert row.is_withheld == (index < 2)
    assert (row.answers, row.means["overall"], row.means["supervision"]) == (3, 4.0, None)
    assert row.comments == 0
    assert feedback.comments_on(session, educator(department), department.id) == []
    (own,) = feedback.by_department(session, officer(hei))
    assert (own.means["supervision"], own.means["journey"], own.comments) == (3.5, None, 1)
    (comment,) = feedback.comments_on(session, officer(hei), department.id)
    assert (comment.words, comment.reference) == ("Kind people", line.learner_reference)
    (comment,) = feedback.comments_on(session, viewer_as(Role.ACADEMY_LEAD), department.id)
    assert comment.reference == "", "the academy reads what was said, not who said it"
    assert feedback.by_department(session, viewer_as(Role.PLACEMENT_OFFICER)) == []


def test_travel_adds_up_over_rounds(session: Session, hei: Hei) -> None:
    here, there = DepartmentFactory(), DepartmentFactory()
    rounds = [PublicationFactory(), PublicationFactory()]
    learners = [LearnerFactory(cohort__programme__hei=hei) for _ in range(3)]
    for publication, first_week in zip(rounds, (date(2026, 2, 2), ENDED), strict=True):
        for index, learner in enumerate(learners):
            PublicationLineFactory(
                publication=publication,
                of_hei=hei,
                record_id=learner.record_id,
                learner_reference=learner.reference,
                at=here if publication is rounds[0] or index else there,
                first_week=first_week,
                weeks=1,
                travel_minutes=(20, 40, 60)[index] + (30 if publication is rounds[1] else 0),
            )
    PublicationLineFactory(publication=rounds[1], first_week=ENDED)
    saved()
    who = officer(hei)
    first, second, third = travel.in_order(travel.learners_travel(session, who), "reference")
    assert (first.placements, first.sites, second.sites) == (2, 2, 1)
    assert (first.mean_minutes, first.longest_minutes) == (35, 50)
    assert first.hours == pytest.approx(5 * 2 * (20 + 50) / 60)
    assert (first.above_median, second.above_median, third.above_median) == (-20, 0, 20)
    assert travel.in_order([first, second, third], "above_median")[0] == third
    (programme,) = travel.programmes_travel([first, second, third])
    assert (programme.learners, programme.median_minutes, programme.longest_minutes) == (3, 55, 90)
    assert len(travel.learners_travel(session, viewer_as(Role.ACADEMY_LEAD))) == 4
    assert travel.travel_csv([first]).decode("utf-8-sig").splitlines()[1].endswith(",2,2,X-ray,35,50,12,-20")
    assert travel.travel_xlsx([first, second, third]).startswith(b"PK")
