"""One learner at a time: constraints, preferences, exceptions, companions, withdrawals, late joiners."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from placements.access import Role, Viewer
from placements.allocations.service import adopt_run, publish_round
from placements.audit.models import AuditEntry
from placements.clock import set_clock
from placements.cohorts.demand import demand
from placements.cohorts.models import Companions, Interruption, Learner
from placements.cohorts.presence import is_there
from placements.cohorts.queries import board, needs_of_cohort
from placements.errors import NotAllowed, NotFound, Refused, Stale
from placements.extensions import db
from placements.learners import companions, interruptions, queries, requirements, service
from placements.learners.details import LearnerDetails, details_of
from placements.learners.interruptions import NewInterruption
from placements.learners.queries import LearnerFilter
from placements.learners.requirements import RequirementDetails
from placements.rounds.models import are_weekdays
from placements.scenarios.service import start_run
from placements.scenarios.solving import perform_run
from tests.at_once import at_once
from tests.factories import (
    AccessNeedFactory,
    BlockFactory,
    CohortFactory,
    HeiFactory,
    LearnerFactory,
    ModalityFactory,
    PlanLineFactory,
    ProgrammeFactory,
    TrustFactory,
    saved,
    viewer_as,
)
from tests.factories.region import SmallRound, small_round

TODAY = date(2026, 11, 24)


@pytest.fixture
def region(session: Session) -> SmallRound:
    return small_round(learners=3, places=(2, 2))


@pytest.fixture
def officer(region: SmallRound) -> Viewer:
    return viewer_as(Role.PLACEMENT_OFFICER, hei_id=region.hei.id)


def one(region: SmallRound, which: int = 0) -> Learner:
    """A learner as the database has them now."""
    db.session.expire_all()
    return db.session.get_one(Learner, region.learners[which].id)


def changed(learner: Learner, **values: Any) -> LearnerDetails:
    return replace(details_of(learner), **values)


def publish(region: SmallRound) -> None:
    """Match, adopt and publish the round."""
    run_id = start_run(region.lead, region.round.id).id
    perform_run(run_id)
    db.session.expire_all()
    adopt_run(region.lead, run_id)
    publish_round(region.lead, region.round.id, version=region.round.version)


def test_what_binds_a_learner_is_saved_once_and_noted(region: SmallRound, officer: Viewer) -> None:
    learner = one(region)
    need, trust = AccessNeedFactory(), TrustFactory()
    site = region.departments[0].site_id
    saved()
    version, cohort_version = learner.version, learner.cohort.version
    details = changed(
        learner,
        postcode="b152gw",
        travel_mode="public_transport",
        travel_limit_minutes=45,
        employer_trust_id=trust.id,
        released=True,
        hub_trust_id=trust.id,
        available_from=date(2027, 1, 4),
        available_until=date(2027, 6, 1),
        weekdays="123",
        accommodation=True,
        access_needs=frozenset({need.id}),
        exclusions=frozenset({site}),
        earlier_sites=frozenset({(site, 2)}),
        priority=1,
        priority_reason=" must   qualify ",
    )
    service.save_learner(officer, learner.id, version=version, details=details)
    after = one(region)
    assert details_of(after) == replace(details, postcode="B15 2GW", priority_reason="must qualify")
    assert (after.version, after.cohort.version) == (version + 1, cohort_version + 1)
    assert after.cohort.state == "draft"
    # The same press once more changes nothing, whatever version it was read at.
    service.save_learner(officer, learner.id, version=version, details=details)
    assert one(region).version == version + 1
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "save_learner")).all()
    assert [entry.subject_id for entry in entries] == [learner.id, learner.id]
    assert "travel_mode" in entries[0].detail["changed"]
    assert "B15" not in str([entry.detail for entry in entries])


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"postcode": "nowhere"}, "postcode"),
        ({"postcode": "ZZ99 9ZZ"}, "postcode"),
        ({"term_postcode": "B15"}, "term_postcode"),
        ({"travel_limit_minutes": 241}, "travel_limit_minutes"),
        ({"travel_limit_minutes": 0}, "travel_limit_minutes"),
        ({"travel_mode": "broom"}, "travel_mode"),
        ({"employer_trust_id": 999_999}, "employer"),
        ({"hub_trust_id": 999_999}, "hub"),
        ({"access_needs": frozenset({999_999})}, "access_needs"),
        ({"exclusions": frozenset({999_999})}, "exclusions"),
        ({"earlier_sites": frozenset({(999_999, 1)})}, "earlier_sites"),
        ({"available_from": date(2027, 2, 1), "available_until": date(2027, 1, 1)}, "available_until"),
        ({"weekdays": "16"}, "weekdays"),
        ({"weekdays": "21"}, "weekdays"),
        ({"priority": 1}, "priority_reason"),
        ({"priority": 10, "priority_reason": "x"}, "priority"),
        ({"priority_reason": "alone"}, "priority_reason"),
        ({"priority": 1, "priority_reason": "x" * 121}, "priority_reason"),
    ],
)
def test_what_cannot_be_right_is_named(
    region: SmallRound, officer: Viewer, values: dict[str, Any], field: str
) -> None:
    learner = one(region)
    with pytest.raises(Refused) as refused:
        service.save_learner(officer, learner.id, version=learner.version, details=changed(learner, **values))
    assert list(refused.value.fields) == [field]
    assert one(region).version == learner.version


def test_how_often_a_site_was_attended_is_a_small_number(region: SmallRound, officer: Viewer) -> None:
    learner, site = one(region), region.departments[0].site_id
    for earlier in ({(site, 21)}, {(site, 1), (site, 2)}):
        with pytest.raises(Refused) as refused:
            service.save_learner(
                officer,
                learner.id,
                version=learner.version,
                details=changed(learner, earlier_sites=frozenset(earlier)),
            )
        assert list(refused.value.fields) == ["earlier_sites"]


def test_the_second_of_two_people_is_told(app: Flask, region: SmallRound, officer: Viewer) -> None:
    learner = one(region)
    learner_id, version, before = learner.id, learner.version, details_of(learner)

    def save(minutes: int) -> Callable[[], str]:
        def call() -> str:
            try:
                service.save_learner(
                    officer,
                    learner_id,
                    version=version,
                    details=replace(before, travel_limit_minutes=minutes),
                )
            except Stale:
                return "stale"
            return "saved"

        return call

    assert sorted(at_once(app, save(30), save(60))) == ["saved", "stale"]
    assert one(region).version == version + 1


def test_two_learners_of_a_cohort_are_changed_at_once(
    app: Flask, region: SmallRound, officer: Viewer
) -> None:
    changes = [
        (row.id, row.version, changed(row, travel_limit_minutes=45)) for row in (one(region), one(region, 1))
    ]

    def save(learner_id: int, version: int, details: LearnerDetails) -> Callable[[], Learner]:
        return lambda: service.save_learner(officer, learner_id, version=version, details=details)

    at_once(app, *(save(*change) for change in changes))
    assert [one(region, which).travel_limit_minutes for which in (0, 1)] == [45, 45]


def test_who_may_not_see_or_change_a_learner(region: SmallRound, officer: Viewer) -> None:
    learner = one(region)
    details = changed(learner, travel_limit_minutes=30)
    stranger = viewer_as(Role.PLACEMENT_OFFICER, hei_id=HeiFactory().id)
    with pytest.raises(NotFound):
        service.save_learner(stranger, learner.id, version=learner.version, details=details)
    with pytest.raises(NotAllowed):
        service.save_learner(region.lead, learner.id, version=learner.version, details=details)
    assert queries.learner_by_id(db.session, region.lead, learner.id).id == learner.id
    trust = viewer_as(Role.TRUST_EDUCATION_LEAD, trust_id=region.trusts[0].id)
    with pytest.raises(NotFound):
        queries.learner_by_id(db.session, trust, learner.id)
    with pytest.raises(NotFound):
        queries.learner_by_id(db.session, stranger, learner.id)


def test_preferences_are_ranked_in_the_name_of_the_hei(region: SmallRound, officer: Viewer) -> None:
    learner, sites = one(region), [row.site_id for row in region.departments]
    version = learner.version
    learner.preferences_by = "learner"
    saved()
    service.save_preferences(officer, learner.id, version=version + 1, site_ids=sites)
    first = one(region)
    assert [row.site_id for row in first.preferences] == sites
    assert (first.preferences_by, first.cohort.state) == ("hei", "draft")
    service.save_preferences(officer, learner.id, version=version, site_ids=sites)
    with pytest.raises(Stale):
        service.save_preferences(officer, learner.id, version=version, site_ids=sites[:1])
    with pytest.raises(Refused) as refused:
        service.save_preferences(officer, learner.id, version=first.version, site_ids=[sites[0], sites[0]])
    assert list(refused.value.fields) == ["sites"]
    with pytest.raises(NotFound):
        service.save_preferences(officer, learner.id, version=first.version, site_ids=[999_999])


def test_a_site_is_not_both_wanted_and_avoided(region: SmallRound, officer: Viewer) -> None:
    learner, site = one(region), region.departments[0].site_id
    service.save_preferences(officer, learner.id, version=learner.version, site_ids=[site])
    with pytest.raises(Refused) as refused:
        service.save_learner(
            officer,
            learner.id,
            version=one(region).version,
            details=changed(one(region), exclusions=frozenset({site})),
        )
    assert list(refused.value.fields) == ["exclusions"]


def test_an_exception_from_the_plan_is_made_and_taken_back(region: SmallRound, officer: Viewer) -> None:
    learner = one(region)
    requirement, ct = learner.requirements[0], ModalityFactory(key="ct")
    saved()
    as_planned = requirements.details_of(requirement)

    def save(details: RequirementDetails) -> None:
        requirements.save_requirement(
            officer, learner.id, requirement.id, version=one(region).version, details=details
        )

    with pytest.raises(Refused) as refused:
        save(RequirementDetails(is_needed=False))
    assert list(refused.value.fields) == ["reason"]
    save(RequirementDetails(is_needed=False, reason="prior experience"))
    cohort = one(region).cohort
    assert [row.requirements for row in demand(db.session, region.round, [cohort.id])].count(()) == 1
    assert needs_of_cohort(db.session, cohort)[0].learners == 2
    save(RequirementDetails(modalities=frozenset({ct.id}), weekdays="12", reason="resit"))
    wanted = next(row for row in demand(db.session, region.round, [cohort.id]) if row.id == learner.id)
    assert [(row.modalities, row.weekdays) for row in wanted.requirements] == [(("ct",), "12")]
    save(as_planned)
    assert requirements.details_of(one(region).requirements[0]) == as_planned


def test_a_place_beyond_the_plan(region: SmallRound, officer: Viewer) -> None:
    learner = one(region)
    later = BlockFactory(round=region.round, name="Later", first_week=date(2027, 2, 8), weeks=2)
    clash = BlockFactory(round=region.round, name="Clash", first_week=date(2027, 1, 11), weeks=2)
    xray = region.departments[0].modality
    saved()
    own = RequirementDetails(modalities=frozenset({xray.id}), reason="to be repeated")

    def create(block_id: int, details: RequirementDetails = own) -> None:
        requirements.create_requirement(
            officer, learner.id, version=one(region).version, block_id=block_id, details=details
        )

    for block_id, details, field in (
        (clash.id, own, "block"),
        (region.block.id, own, "block"),
        (999_999, own, "block"),
        (later.id, replace(own, reason=""), "reason"),
        (later.id, replace(own, modalities=frozenset()), "modalities"),
    ):
        with pytest.raises(Refused) as refused:
            create(block_id, details)
        assert list(refused.value.fields) == [field]
    create(later.id)
    create(later.id)
    assert [row.when for row in queries.in_order(one(region))] == [region.block.name, "Later"]
    line = board(db.session, officer, region.round.id).lines[0].cohorts[0]
    assert (line.learners, line.requirements) == (3, 4)


def test_together_and_apart(region: SmallRound, officer: Viewer) -> None:
    learner, friend, third = one(region), one(region, 1), one(region, 2)

    def save(kind: str, *references: str) -> Learner:
        version = one(region).version
        return companions.save_companions(
            officer, learner.id, version=version, kind=kind, references=references
        )

    save("together", friend.reference.lower(), " ")
    group = one(region).companions[0]
    assert (group.kind, len(group.learners)) == ("together", 2)
    save("together", friend.reference)
    assert db.session.query(Companions).count() == 1
    elsewhere = LearnerFactory(
        cohort=CohortFactory(round=region.round, programme=ProgrammeFactory(hei=HeiFactory(name="Other")))
    )
    saved()
    for kind, reference in (
        ("apart", friend.reference),
        ("together", learner.reference),
        ("together", elsewhere.reference),
        ("together", ""),
    ):
        with pytest.raises(Refused) as refused:
            save(kind, reference)
        assert list(refused.value.fields) == ["references"]
    with pytest.raises(Refused) as refused:
        save("beside", third.reference)
    assert list(refused.value.fields) == ["kind"]
    group = one(region).companions[0]
    with pytest.raises(Stale):
        companions.end_companions(officer, learner.id, group.id, version=group.version + 1)
    companions.end_companions(officer, learner.id, group.id, version=group.version)
    assert db.session.query(Companions).count() == 0


def test_a_withdrawal_gives_places_up_and_can_be_undone_until_published(
    region: SmallRound, officer: Viewer
) -> None:
    publish(region)
    learner = one(region)
    away = NewInterruption("withdrawn", date(2027, 1, 11))
    effect = interruptions.effect_of_new(db.session, learner, away)
    assert [row.when for row in effect.lost] == [region.block.name]
    assert len(effect.places) == 1
    assert effect.places[0].startswith(f"{region.block.name}: X")
    interruptions.record_interruption(officer, learner.id, version=learner.version, new=away)
    interruptions.record_interruption(officer, learner.id, version=learner.version, new=away)
    after = one(region)
    assert len(after.interruptions) == 1
    # After publication a cohort stays in, and the match is asked at once for those who are left.
    assert after.cohort.state == "submitted"
    asked = [row for row in demand(db.session, region.round) if row.requirements]
    assert learner.id not in {row.id for row in asked}
    assert len(asked) == 2
    assert needs_of_cohort(db.session, after.cohort)[0].learners == 2
    assert interruptions.may_be_undone(db.session, after.interruptions[0])
    interruptions.end_interruption(
        officer, learner.id, after.interruptions[0].id, version=after.version, last_day=None
    )
    assert not one(region).interruptions


def test_what_was_published_since_is_not_undone_but_ended(region: SmallRound, officer: Viewer) -> None:
    publish(region)
    learner = one(region)
    new = NewInterruption("withdrawn", date(2027, 1, 11))
    interruptions.record_interruption(officer, learner.id, version=learner.version, new=new)
    set_clock(lambda: datetime(2026, 11, 25, 9, 0, tzinfo=UTC))
    publish(region)
    learner = one(region)
    row = learner.interruptions[0]

    def end(last_day: date | None) -> None:
        interruptions.end_interruption(
            officer, learner.id, row.id, version=one(region).version, last_day=last_day
        )

    with pytest.raises(Refused, match="published since"):
        end(None)
    with pytest.raises(Refused) as refused:
        end(date(2027, 1, 1))
    assert list(refused.value.fields) == ["back_on"]
    end(date(2027, 1, 31))
    end(date(2027, 1, 31))
    assert one(region).interruptions[0].last_day == date(2027, 1, 31)


@pytest.mark.parametrize(
    ("new", "field"),
    [
        (NewInterruption("suspended", date(2027, 1, 4)), "last_day"),
        (NewInterruption("withdrawn", date(2027, 1, 4), date(2027, 1, 5)), "last_day"),
        (NewInterruption("suspended", date(2027, 1, 4), date(2027, 1, 3)), "last_day"),
        (NewInterruption("suspended", date(2027, 1, 4), date(2031, 1, 3)), "last_day"),
        (NewInterruption("lost", date(2027, 1, 4)), "kind"),
        (NewInterruption("withdrawn", date(2026, 12, 1)), "first_day"),
    ],
)
def test_days_that_cannot_be_right(
    region: SmallRound, officer: Viewer, new: NewInterruption, field: str
) -> None:
    learner = one(region)
    interruptions.record_interruption(
        officer,
        learner.id,
        version=learner.version,
        new=NewInterruption("suspended", date(2026, 12, 7), date(2026, 12, 11)),
    )
    with pytest.raises(Refused) as refused:
        interruptions.record_interruption(officer, learner.id, version=one(region).version, new=new)
    assert list(refused.value.fields) == [field]


def test_those_who_have_withdrawn_are_counted_no_more(region: SmallRound, officer: Viewer) -> None:
    learner = one(region)
    interruptions.record_interruption(
        officer, learner.id, version=learner.version, new=NewInterruption("withdrawn", TODAY)
    )
    line = board(db.session, officer, region.round.id).lines[0].cohorts[0]
    assert (line.learners, line.requirements) == (2, 2)
    assert queries.counts_of_round(db.session, officer, region.round.id, TODAY) == (2, 1)


@pytest.mark.parametrize("is_published", [False, True])
def test_a_late_joiner_needs_what_is_still_to_come(
    region: SmallRound, officer: Viewer, is_published: bool
) -> None:
    learner = one(region)
    cohort = learner.cohort
    later = BlockFactory(round=region.round, name="Later", first_week=date(2027, 2, 8), weeks=2)
    PlanLineFactory(block=later, programme=cohort.programme, stage=cohort.stage)
    saved()
    if is_published:
        publish(region)
    set_clock(lambda: datetime(2027, 1, 11, 9, 0, tzinfo=UTC))
    made = service.create_learner(
        officer, cohort.id, reference=" N-1 ", details=LearnerDetails(postcode="B15 2GW")
    )
    db.session.expire_all()
    assert [row.when for row in made.requirements] == ["Later"]
    assert (made.reference, made.record.reference_key) == ("N-1", "n-1")
    assert made.cohort.state == ("submitted" if is_published else "draft")
    assert queries.state_of(made, region.round, date(2027, 1, 11)) == "late"
    again = service.create_learner(
        officer, cohort.id, reference="N-1", details=LearnerDetails(postcode="B15 2GW")
    )
    assert again.id == made.id
    for reference in ("n-1", "", "Jane Smith", "jane@example.org", "x" * 61):
        with pytest.raises(Refused) as refused:
            service.create_learner(
                officer, cohort.id, reference=reference, details=LearnerDetails(postcode="B9 5SS")
            )
        assert list(refused.value.fields) == ["reference"]


def test_nobody_is_added_before_the_round_opens(region: SmallRound, officer: Viewer) -> None:
    cohort_id = one(region).cohort_id
    region.round.state = "draft"
    saved()
    with pytest.raises(NotFound):
        service.create_learner(officer, cohort_id, reference="N-1", details=LearnerDetails("B15 2GW"))


def test_a_list_is_narrowed_to_what_is_asked(region: SmallRound, officer: Viewer) -> None:
    first, second, third = (one(region, which) for which in range(3))
    employer = TrustFactory()
    first.travel_mode, first.employer_trust_id = "public_transport", employer.id
    first.access_needs.append(AccessNeedFactory())
    second.priority, second.priority_reason = 1, "x"
    second.interruptions.append(
        Interruption(kind="withdrawn", first_day=TODAY, recorded_utc=datetime.now(UTC))
    )
    third.requirements[0].state = "exempt"
    third.preferences_by = "learner"
    third.joined_utc = datetime(2027, 5, 1, tzinfo=UTC)
    saved()
    everybody = {first.id, second.id, third.id}

    def found(**only: str) -> set[int]:
        rows = queries.filtered_learners(officer, region.round, LearnerFilter(**only), TODAY)
        return {row.id for row in db.session.scalars(rows).unique()}

    assert found() == everybody
    assert found(reference=first.reference.lower()) == {first.id}
    assert found(reference="%") == set()
    assert found(travel="public_transport") == {first.id}
    assert found(employer="any") == found(employer=str(employer.id)) == {first.id}
    assert found(employer="none") == {second.id, third.id}
    assert found(having="access") == {first.id}
    assert found(having="priority") == {second.id}
    assert found(having="exceptions") == found(having="own_preferences") == {third.id}
    assert found(having="companions") == found(having="preferences") == set()
    assert found(state="withdrawn") == {second.id}
    assert found(state="taking_part") == {first.id, third.id}
    assert found(state="late") == {third.id}
    assert found(state="away") == found(state="not_submitted") == set()
    assert found(block=str(region.block.id)) == {first.id, second.id}
    assert found(cohort=str(first.cohort_id)) == found(hei=str(region.hei.id)) == everybody
    stage = f"{first.cohort.programme_id}-{first.cohort.stage_id}"
    assert found(stage=stage) == everybody
    assert found(stage="1-999999") == found(cohort="9" * 30) == set()
    # What makes no sense asks nothing.
    assert found(state="odd", having="odd", stage="odd", block="odd", travel="odd") == everybody


MONDAYS = [date(2027, 1, 4), date(2027, 1, 11)]
DAYS = st.dates(date(2026, 12, 20), date(2027, 2, 1))


@given(st.none() | DAYS, st.none() | DAYS, st.lists(st.tuples(DAYS, st.none() | DAYS), max_size=3))
def test_a_learner_is_there_where_every_day_is_theirs(
    starts: date | None, ends: date | None, away: list[tuple[date, date | None]]
) -> None:
    rows = [Interruption(first_day=first, last_day=last) for first, last in away if not last or last >= first]
    days = [date.fromordinal(MONDAYS[0].toordinal() + number) for number in range(12)]
    theirs = all(
        (starts is None or starts <= day)
        and (ends is None or day <= ends)
        and not any(row.first_day <= day and (row.last_day is None or day <= row.last_day) for row in rows)
        for day in days
    )
    assert is_there(MONDAYS, starts, ends, rows) == theirs


@given(st.text("0123456", max_size=6))
def test_weekdays_are_in_order_and_each_once(text: str) -> None:
    right = bool(text) and list(text) == sorted(set(text)) and all("1" <= day <= "5" for day in text)
    assert are_weekdays(text) == right
