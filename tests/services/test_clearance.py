"""Kinds of check, a round's rules, checks recorded and who is held back, on both databases."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from placements.access import SYSTEM, Role, Viewer
from placements.allocations import clearances
from placements.allocations import queries as publications
from placements.allocations.models import PublicationLine
from placements.allocations.service import adopt_run, publish_round
from placements.audit.models import AuditEntry
from placements.clearance import queries, service
from placements.clearance.models import CheckKind, CheckRule, LearnerCheck
from placements.clearance.of_learner import erase_checks, export_checks
from placements.clearance.recording import Done, Entry, accept_checks, record_checks
from placements.clearance.rule import Had, Standing
from placements.clearance.service import CheckKindValues, RuleValues
from placements.clock import set_clock, today
from placements.cohorts.models import Interruption, Learner
from placements.errors import NotAllowed, NotFound, Refused, Stale
from placements.extensions import db
from placements.reports.sheet import site_sheet
from placements.rounds.models import Round
from placements.scenarios.service import start_run
from placements.scenarios.solving import perform_run
from tests.at_once import at_once
from tests.factories import (
    CheckKindFactory,
    HeiFactory,
    LearnerCheckFactory,
    NetworkFactory,
    saved,
    viewer_as,
)
from tests.factories.region import SmallRound, small_round

# Six weeks before the round's block, which runs from 4 January to 29 January 2027.
DUE = date(2026, 11, 23)
LAST = date(2027, 1, 29)


@dataclass
class Place:
    """A small round whose block's checks fell due yesterday, a check that blocks and one that warns."""

    region: SmallRound
    dbs: CheckKind
    training: CheckKind
    officer: Viewer

    @property
    def round(self) -> Round:
        return self.region.round

    @property
    def lead(self) -> Viewer:
        return self.region.lead

    @property
    def learners(self) -> list[Learner]:
        return self.region.learners

    @property
    def cohort_id(self) -> int:
        return self.learners[0].cohort_id

    def entry(self, number: int, kind: CheckKind, typed: Had | None, seen: Had | None = None) -> Entry:
        return Entry(self.learners[number].id, kind.id, seen, typed)

    def record(self, *entries: Entry, viewer: Viewer | None = None) -> int:
        return record_checks(viewer or self.officer, self.cohort_id, entries)

    def newest(self, number: int, kind: CheckKind) -> Had | None:
        db.session.expire_all()
        found = queries.newest_checks(db.session, queries.of_cohort(self.cohort_id))
        return found.get((self.learners[number].record_id, kind.id))

    def not_clear(self, viewer: Viewer | None = None) -> list[tuple[str, str, str]]:
        rows = queries.not_clear(db.session, viewer or self.officer, self.round, today())
        return sorted((row.wanted.reference, row.finding.asked.name, row.finding.effect) for row in rows)

    def adopt(self) -> int:
        run_id = start_run(self.lead, self.round.id).id
        perform_run(run_id)
        db.session.expire_all()
        adopt_run(self.lead, run_id)
        return run_id

    def publish(self) -> list[PublicationLine]:
        db.session.expire_all()
        publication = publish_round(self.lead, self.round.id, version=self.round.version)
        return sorted(publication.lines, key=lambda line: line.learner_reference)


@pytest.fixture
def place(session: Session) -> Place:
    region = small_round(learners=3, places=(2, 1))
    dbs = CheckKindFactory(name="DBS", position=0)
    training = CheckKindFactory(name="Training", effect="warns", valid_months=12, position=1)
    saved()
    return Place(region, dbs, training, viewer_as(Role.PLACEMENT_OFFICER, hei_id=region.hei.id))


A_DAY = date(2026, 9, 14)
DONE = Had(A_DAY)


def kind_values(**changes: object) -> CheckKindValues:
    values = {"name": "Immunisation", "effect": "warns", "weeks_before": 4, "valid_months": None}
    return CheckKindValues(**values | changes)  # type: ignore[arg-type]


def test_nobody_is_read_who_is_clear_for_all_of_the_round(place: Place, session: Session) -> None:
    place.record(
        place.entry(0, place.dbs, DONE),
        place.entry(0, place.training, Had(A_DAY, LAST)),
        # The newest counts: it does not hold, whatever one before it did.
        place.entry(1, place.dbs, DONE),
        place.entry(1, place.training, Had(A_DAY, LAST)),
    )
    place.record(place.entry(1, place.training, Had(date(2026, 9, 15), date(2027, 1, 28)), Had(A_DAY, LAST)))
    checks = queries.RoundChecks(session, place.round)
    lacking = checks.lacking(LAST)
    read = queries.wanted(session, place.officer, place.round, only=lacking)
    second, third = (row.reference for row in place.learners[1:])
    assert [row.reference for row in read] == [second, third]
    assert {name for name, _, _ in place.not_clear()} == {second, third}


def test_what_falls_due_later_is_not_read_for_the_rounds_page(place: Place, session: Session) -> None:
    before = DUE - timedelta(days=1)
    found = queries.not_clear(session, place.officer, place.round, before, due_by=before)
    assert found == []
    assert len(queries.not_clear(session, place.officer, place.round, before, due_by=DUE)) == 6


def test_who_sees_and_changes_which_kinds(place: Place) -> None:
    own = service.create_check_kind(place.officer, kind_values())
    other = viewer_as(Role.PLACEMENT_OFFICER, hei_id=HeiFactory().id)
    foreign = viewer_as(Role.ACADEMY_LEAD, network_id=NetworkFactory(name="Other").id)
    educator = viewer_as(Role.PRACTICE_EDUCATOR)

    def seen(viewer: Viewer) -> list[str]:
        return [row.name for row in db.session.scalars(queries.visible_kinds(viewer))]

    assert seen(place.officer) == seen(place.lead) == ["DBS", "Training", "Immunisation"]
    assert seen(other) == ["DBS", "Training"]
    assert seen(foreign) == seen(educator) == []
    with pytest.raises(NotFound):
        service.save_check_kind(other, own.id, kind_values(), version=1)
    with pytest.raises(NotAllowed, match="DBS is a check of the academy"):
        service.save_check_kind(place.officer, place.dbs.id, kind_values(), version=1)
    with pytest.raises(NotAllowed, match=place.region.hei.name):
        service.save_check_kind(place.lead, own.id, kind_values(weeks_before=1), version=1)
    with pytest.raises(NotAllowed):
        service.create_check_kind(educator, kind_values())
    # Another HEI may have a check of the same name.
    assert service.create_check_kind(other, kind_values()).hei_id == other.hei_id


def test_a_kind_is_made_once_changed_with_its_version_and_retired(place: Place, session: Session) -> None:
    kind = service.create_check_kind(place.lead, kind_values(name="  IR(ME)R   induction "))
    assert (kind.name, kind.hei_id, kind.position) == ("IR(ME)R induction", None, 2)
    assert service.create_check_kind(place.lead, kind_values(name="IR(ME)R induction")).id == kind.id
    with pytest.raises(Refused) as refused:
        service.create_check_kind(place.officer, kind_values(name="dbs"))
    assert list(refused.value.fields) == ["name"]
    with pytest.raises(Refused) as refused:
        service.create_check_kind(
            place.lead, kind_values(name=" ", effect="maybe", weeks_before=53, valid_months=0)
        )
    assert set(refused.value.fields) == {"name", "effect", "weeks_before", "valid_months"}
    retired = kind_values(name="IR(ME)R induction", is_retired=True)
    service.save_check_kind(place.lead, kind.id, retired, version=1)
    # The same press again is done already; another change at the old version is not.
    service.save_check_kind(place.lead, kind.id, retired, version=1)
    with pytest.raises(Stale):
        service.save_check_kind(place.lead, kind.id, kind_values(name="IRMER"), version=1)
    assert [rule.kind.name for rule in queries.rules_of_round(session, place.round)] == ["DBS", "Training"]
    with pytest.raises(Refused, match="called DBS"):
        service.save_check_kind(place.lead, kind.id, kind_values(name="DBS"), version=2)


def test_reference_data_is_added_once_and_left_as_people_changed_it(session: Session) -> None:
    network_id = NetworkFactory().id
    saved()
    rows = [
        {"name": "DBS", "effect": "blocks", "weeks_before": "6", "valid_months": "36"},
        {"name": "Occupational health", "effect": "blocks", "weeks_before": "6", "valid_months": ""},
    ]
    assert service.load_check_kinds(SYSTEM, network_id, rows) == 2
    lead = viewer_as(Role.ACADEMY_LEAD)
    dbs = session.scalars(queries.visible_kinds(lead)).first()
    assert dbs is not None
    assert (dbs.name, dbs.valid_months) == ("DBS", 36)
    service.save_check_kind(lead, dbs.id, CheckKindValues("DBS", "warns", 2, None), version=dbs.version)
    assert service.load_check_kinds(SYSTEM, network_id, rows) == 0
    session.expire_all()
    assert dbs.effect == "warns"


def test_two_people_make_the_same_kind_at_once(place: Place, app: Flask) -> None:
    def make(weeks: int) -> str:
        try:
            return str(service.create_check_kind(place.lead, kind_values(weeks_before=weeks)).weeks_before)
        except (Refused, Stale) as refusal:
            return type(refusal).__name__

    answers = sorted(at_once(app, lambda: make(3), lambda: make(5)))
    assert answers[0] in ("3", "5")
    assert answers[1] in ("Refused", "Stale")
    assert len(db.session.scalars(select(CheckKind).where(CheckKind.name == "Immunisation")).all()) == 1


def test_a_round_says_what_each_check_does(place: Place, session: Session) -> None:
    rules = queries.rules_of_round(session, place.round)
    version = queries.version_of_rules(rules)
    wanted = {place.dbs.id: RuleValues("warns", 2), place.training.id: RuleValues("not_asked", 6)}
    service.set_check_rules(place.lead, place.round.id, wanted, version=version)
    found = {
        rule.kind.name: (rule.effect, rule.weeks_before, rule.is_own)
        for rule in queries.rules_of_round(session, place.round)
    }
    assert found == {"DBS": ("warns", 2, True), "Training": ("not_asked", 6, True)}
    # Pressed twice it is done already; what another lead says from the old page is stale.
    service.set_check_rules(place.lead, place.round.id, wanted, version=version)
    back = {place.dbs.id: RuleValues("blocks", 6)}
    with pytest.raises(Stale):
        service.set_check_rules(place.lead, place.round.id, back, version=version)
    assert place.not_clear() == [(row.reference, "DBS", "") for row in place.learners]
    version = queries.version_of_rules(queries.rules_of_round(session, place.round))
    service.set_check_rules(place.lead, place.round.id, back, version=version)
    # The round follows the check itself again.
    assert [row.kind_id for row in session.scalars(select(CheckRule))] == [place.training.id]
    with pytest.raises(Refused) as refused:
        service.set_check_rules(
            place.lead, place.round.id, {place.dbs.id: RuleValues("", 99)}, version=version
        )
    assert set(refused.value.fields) == {f"effect-{place.dbs.id}", f"weeks-{place.dbs.id}"}
    with pytest.raises(NotAllowed):
        service.set_check_rules(place.officer, place.round.id, back, version=version)


def test_a_check_is_recorded_renewed_put_right_and_taken_out(place: Place, session: Session) -> None:
    assert place.record(place.entry(0, place.dbs, DONE), place.entry(1, place.dbs, None)) == 1
    assert place.newest(0, place.dbs) == DONE
    # The same press again.
    assert place.record(place.entry(0, place.dbs, DONE)) == 0
    renewed = Had(date(2026, 11, 2), date(2027, 11, 2))
    assert place.record(place.entry(0, place.dbs, renewed, seen=DONE)) == 1
    history = queries.history_of(session, place.learners[0].record_id)[place.dbs.id]
    assert [row.done_on for row in history] == [renewed.done_on, A_DAY]
    assert history[0].recorded_by_id == place.officer.person_id
    # Another expiry of the same day, or an earlier day, puts the newest right.
    longer = Had(renewed.done_on, date(2028, 1, 1))
    assert place.record(place.entry(0, place.dbs, longer, seen=renewed)) == 1
    earlier = Had(date(2026, 10, 5), date(2027, 10, 5))
    assert place.record(place.entry(0, place.dbs, earlier, seen=longer)) == 1
    assert len(session.scalars(select(LearnerCheck)).all()) == 2
    with pytest.raises(Refused, match="A check of 14 September 2026 is recorded too"):
        place.record(place.entry(0, place.dbs, Had(date(2026, 9, 1)), seen=earlier))
    # Emptied, the one before counts again; the audit keeps what was taken out.
    assert place.record(place.entry(0, place.dbs, None, seen=earlier)) == 1
    assert place.newest(0, place.dbs) == DONE
    entry = session.scalars(
        select(AuditEntry).where(AuditEntry.action == "save_checks").order_by(AuditEntry.id.desc())
    ).first()
    assert entry is not None
    reference = place.learners[0].reference
    assert entry.detail["taken_out"] == [f"{reference}, DBS: was 2026-10-05 to 2027-10-05"]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (Had(date(2026, 11, 25)), "today or an earlier day"),
        (Had(date(1926, 11, 2)), "last ten years"),
        (Had(A_DAY, date(2026, 9, 13)), "after the one"),
        (Had(A_DAY, date(2126, 9, 13)), "next ten years"),
    ],
)
def test_impossible_dates_are_refused_and_nothing_is_saved(place: Place, typed: Had, words: str) -> None:
    with pytest.raises(Refused) as refused:
        place.record(place.entry(0, place.dbs, DONE), place.entry(1, place.dbs, typed))
    assert list(refused.value.fields) == [place.entry(1, place.dbs, typed).name]
    assert words in refused.value.fields[place.entry(1, place.dbs, typed).name]
    assert place.newest(0, place.dbs) is None


def test_only_the_same_check_of_the_same_learner_stops_the_second_person(place: Place) -> None:
    place.record(place.entry(0, place.dbs, DONE))
    mine = Had(date(2026, 10, 1))
    # Read before the first was recorded: another learner's is saved, the same learner's is not.
    assert place.record(place.entry(1, place.dbs, mine)) == 1
    with pytest.raises(Stale):
        place.record(place.entry(2, place.dbs, mine), place.entry(0, place.dbs, mine))
    assert place.newest(0, place.dbs) == DONE
    assert place.newest(2, place.dbs) is None


def test_two_people_at_once_never_overwrite(place: Place, app: Flask) -> None:
    days = [Had(date(2026, 9, day)) for day in (1, 2)]
    entries = [place.entry(0, place.dbs, had) for had in days]

    def record(entry: Entry) -> str:
        try:
            return str(record_checks(place.officer, place.cohort_id, [entry]))
        except Stale:
            return "stale"

    place_id = place.cohort_id
    assert place_id
    assert sorted(at_once(app, lambda: record(entries[0]), lambda: record(entries[1]))) == ["1", "stale"]
    assert place.newest(0, place.dbs) in days


def test_nobody_records_for_anothers_learners_or_a_strange_check(place: Place) -> None:
    other = viewer_as(Role.PLACEMENT_OFFICER, hei_id=HeiFactory().id)
    with pytest.raises(NotFound):
        place.record(place.entry(0, place.dbs, DONE), viewer=other)
    with pytest.raises(NotAllowed):
        place.record(place.entry(0, place.dbs, DONE), viewer=place.lead)
    with pytest.raises(NotFound):
        place.record(Entry(999_999, place.dbs.id, None, DONE))
    strange = CheckKindFactory(name="Another HEI's", hei_id=other.hei_id)
    saved()
    with pytest.raises(NotFound):
        place.record(place.entry(0, strange, DONE))


def test_a_files_checks_are_taken_once_and_all_or_none(place: Place) -> None:
    first, second = (row.id for row in place.learners[:2])
    checks = [Done(first, place.dbs.id, A_DAY, None), Done(first, place.training.id, A_DAY, None)]
    assert accept_checks(place.officer, place.cohort_id, checks) == 2
    # Of a check that holds for twelve months the expiry is worked out.
    assert place.newest(0, place.training) == Had(A_DAY, date(2027, 9, 14))
    assert accept_checks(place.officer, place.cohort_id, checks) == 0
    older = Done(first, place.training.id, date(2025, 9, 1), None)
    longer = Done(first, place.training.id, A_DAY, date(2027, 12, 31), seen=Had(A_DAY, date(2027, 9, 14)))
    with pytest.raises(Stale):
        accept_checks(place.officer, place.cohort_id, [replace(longer, seen=None)])
    assert accept_checks(place.officer, place.cohort_id, [older, longer]) == 2
    assert place.newest(0, place.training) == Had(A_DAY, date(2027, 12, 31))
    with pytest.raises(Refused):
        accept_checks(
            place.officer,
            place.cohort_id,
            [
                Done(second, place.dbs.id, A_DAY, None),
                Done(second, place.training.id, date(2027, 1, 1), None),
            ],
        )
    assert place.newest(1, place.dbs) is None


def test_who_is_not_clear(place: Place) -> None:
    first, second, third = (row.reference for row in place.learners)
    LearnerCheckFactory(record=place.learners[0].record, kind=place.dbs)
    LearnerCheckFactory(record=place.learners[0].record, kind=place.training, expires_on=date(2027, 1, 28))
    LearnerCheckFactory(record=place.learners[1].record, kind=place.dbs, expires_on=LAST)
    LearnerCheckFactory(record=place.learners[1].record, kind=place.training, expires_on=LAST)
    saved()
    assert place.not_clear() == [
        (first, "Training", "warns"),
        (third, "DBS", "blocks"),
        (third, "Training", "warns"),
    ]
    assert place.not_clear(place.lead) == place.not_clear()
    assert place.not_clear(viewer_as(Role.PLACEMENT_OFFICER, hei_id=HeiFactory().id)) == []
    (row, *_) = queries.not_clear(db.session, place.officer, place.round, today())
    assert (row.wanted.first_day, row.wanted.last_day, row.finding.due_on) == (date(2027, 1, 4), LAST, DUE)
    # Who is away for the placement needs no check for it, and nobody once it is over.
    db.session.add(
        Interruption(
            learner_id=place.learners[2].id,
            kind="withdrawn",
            first_day=date(2026, 12, 1),
            recorded_utc=datetime(2026, 11, 24, tzinfo=UTC),
        )
    )
    saved()
    assert place.not_clear() == [(first, "Training", "warns")]
    assert second not in {row[0] for row in place.not_clear()}
    set_clock(lambda: datetime(2027, 1, 30, 9, tzinfo=UTC))
    assert place.not_clear() == []


def test_an_heis_own_check_is_asked_of_its_learners_only(place: Place) -> None:
    CheckKindFactory(name="Another's", hei_id=HeiFactory().id)
    CheckKindFactory(name="Ours", hei_id=place.region.hei.id)
    saved()
    assert {row[1] for row in place.not_clear(place.lead)} == {"DBS", "Training", "Ours"}


def test_a_floating_place_is_judged_over_all_its_possible_blocks(place: Place) -> None:
    from placements.rounds.models import Rotation
    from tests.factories import BlockFactory, PlanLineFactory, RequirementFactory

    cohort = place.learners[0].cohort
    blocks = [place.region.block, BlockFactory(round=place.round, first_week=date(2027, 3, 1), weeks=2)]
    rotation = Rotation(
        round=place.round, programme=cohort.programme, stage=cohort.stage, name="Rotation", blocks=blocks
    )
    line = PlanLineFactory(block=None, rotation=rotation, programme=cohort.programme, stage=cohort.stage)
    RequirementFactory(learner=place.learners[0], plan_line=line, block=None)
    saved()
    db.session.expire_all()
    found = [row for row in queries.wanted(db.session, place.officer, place.round) if "any block" in row.when]
    assert [(row.first_day, row.last_day) for row in found] == [(date(2027, 1, 4), date(2027, 3, 12))]


def test_at_publication_who_is_not_clear_is_held_back_or_warned_of(place: Place, session: Session) -> None:
    for number in (0, 1):
        LearnerCheckFactory(record=place.learners[number].record, kind=place.dbs)
    LearnerCheckFactory(record=place.learners[0].record, kind=place.training)
    saved()
    place.adopt()
    run = publications.adopted_run(session, place.lead, place.round.id)
    assert run is not None
    before = clearances.before_publication(session, place.lead, run)
    hei = place.region.hei.name
    assert (before.held, before.warned) == (1, 1)
    assert [(row.kind, row.effect, row.hei, row.placements) for row in before.rows] == [
        ("DBS", "blocks", hei, 1),
        ("Training", "warns", hei, 2),
    ]
    lines = place.publish()
    assert [(line.state, line.not_ready) for line in lines] == [
        ("placed", ""),
        ("placed", "Training"),
        ("held", "DBS, Training"),
    ]
    assert lines[2].department_id is not None
    # No trust sees who is held back.
    for trust in place.region.trusts:
        educator = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=trust.id)
        states = session.scalars(
            publications.visible_lines(educator).with_only_columns(PublicationLine.state)
        ).all()
        assert set(states) <= {"placed"}


def test_a_check_recorded_after_publication_releases_the_place_with_the_next_version(
    place: Place, session: Session
) -> None:
    for number in (0, 1):
        LearnerCheckFactory(record=place.learners[number].record, kind=place.dbs)
        LearnerCheckFactory(record=place.learners[number].record, kind=place.training)
    saved()
    place.adopt()
    held = place.publish()[2]
    assert held.state == "held"
    publication = held.publication
    found = clearances.released_since(session, place.officer, publication)
    assert (list(found.lines), found.waiting) == ([], 1)
    place.record(place.entry(2, place.dbs, DONE))
    for viewer in (place.officer, place.lead):
        found = clearances.released_since(session, viewer, publication)
        assert [line.id for line in found.lines] == [held.id]
        assert found.waiting == 0
    educator = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=held.trust_id or 0)
    assert clearances.released_since(session, educator, publication).lines == ()
    # Training is still missing, which only warns; the flag is of today, not of the publication's day.
    assert clearances.flags_today(session, place.round, [held]) == {held.id: (False, "Training")}
    assert [line.state for line in place.publish()] == ["placed", "placed", "placed"]


def test_a_lapsed_check_is_missing(place: Place) -> None:
    LearnerCheckFactory(
        record=place.learners[0].record, kind=place.dbs, done_on=date(2023, 1, 1), expires_on=date(2026, 1, 1)
    )
    saved()
    rows = queries.not_clear(db.session, place.officer, place.round, today())
    (found,) = [
        row.finding
        for row in rows
        if row.wanted.reference == place.learners[0].reference and row.finding.asked.name == "DBS"
    ]
    assert found.standing is Standing.MISSING
    assert found.had is not None


def test_a_sites_sheet_says_who_comes_without_a_check(place: Place, session: Session) -> None:
    for number in range(3):
        LearnerCheckFactory(record=place.learners[number].record, kind=place.dbs)
    saved()
    place.adopt()
    line = next(line for line in place.publish() if line.department_id == place.region.departments[0].id)
    educator = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=place.region.trusts[0].id)

    def flags() -> dict[int, str]:
        sheets = site_sheet(
            session,
            educator,
            place.round,
            place.region.departments[0].site,
            line.publication,
            weeks=place.round.block_weeks(),
            today=today(),
        )
        return {row: words for sheet in sheets for row, words in sheet.not_clear.items()}

    assert flags()[line.id] == "Training"
    # As soon as it is recorded the flag is gone; the published line stays as it was.
    number = [row.record_id for row in place.learners].index(line.record_id or 0)
    place.record(place.entry(number, place.training, DONE))
    assert line.id not in flags()
    assert line.not_ready == "Training"


def test_what_is_held_of_a_learner_is_given_out_and_erased(place: Place, session: Session) -> None:
    place.record(place.entry(0, place.dbs, DONE), place.entry(1, place.dbs, DONE))
    record = place.learners[0].record
    (held,) = export_checks(session, record)
    assert (held["check"], held["done_on"], held["expires_on"]) == ("DBS", "2026-09-14", None)
    erase_checks(session, record)
    saved()
    assert export_checks(session, record) == []
    assert place.newest(1, place.dbs) == DONE
