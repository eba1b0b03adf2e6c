"""Adopting a run and publishing what stands."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from placements.access import Role, Viewer
from placements.allocations import queries, service
from placements.allocations.models import Allocation, Publication, PublicationLine
from placements.allocations.published import LineFilter, filtered_lines
from placements.audit.models import AuditEntry
from placements.clock import now_utc, set_clock
from placements.cohorts.models import Interruption, Learner
from placements.errors import NotAllowed, NotFound, Refused, Stale
from placements.rounds.models import Round
from placements.scenarios import queries as scenarios
from placements.scenarios.models import Run
from tests.conftest import NOW_UTC
from tests.factories import (
    NetworkFactory,
    PlacingFactory,
    PublicationFactory,
    PublicationLineFactory,
    RunFactory,
    saved,
    viewer_as,
)
from tests.factories.region import SmallRound, small_round


def a_run(region: SmallRound, *, state: str = "finished") -> Run:
    """The first learner in the first department, the second in the second, the third in none."""
    run = RunFactory(round=region.round, state=state)
    reason = {
        "kind": "shortage",
        "rules": {},
        "departments": [region.departments[0].id],
        "competing": [1, 2],
        "caps": [],
        "proven": True,
    }
    for index, learner in enumerate(region.learners):
        department = region.departments[index] if index < 2 else None
        PlacingFactory(
            run=run,
            requirement=learner.requirements[0],
            department=department,
            reason=None if department else reason,
        )
    saved()
    return run


def publish(region: SmallRound) -> Publication:
    version = region.round.version
    return service.publish_round(region.lead, region.round.id, version=version)


def lines(session: Session, viewer: Viewer, publication: Publication) -> list[PublicationLine]:
    return list(session.scalars(filtered_lines(viewer, publication, view="block")))


def test_an_adopted_run_stands_in_place_of_any_before(session: Session) -> None:
    region = small_round(learners=3)
    first, second = a_run(region), a_run(region)
    service.adopt_run(region.lead, first.id)
    adopted = service.adopt_run(region.lead, second.id)
    assert adopted.id == second.id
    standing = session.scalars(select(Allocation)).all()
    assert {allocation.run_id for allocation in standing} == {second.id}
    assert sorted(allocation.department_id or 0 for allocation in standing) == [
        0,
        *sorted(department.id for department in region.departments),
    ]
    assert queries.adopted_run(session, region.lead, region.round.id) is second
    entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [(entry.action, entry.subject_id, entry.detail) for entry in entries] == [
        ("adopt_run", first.id, {"allocations": 3}),
        ("adopt_run", second.id, {"allocations": 3}),
    ]


@pytest.mark.parametrize("state", ["queued", "failed", "cancelled"])
def test_only_a_finished_run_is_adopted(session: Session, state: str) -> None:
    region = small_round()
    run = a_run(region, state=state)
    with pytest.raises(Refused, match="Only a finished run"):
        service.adopt_run(region.lead, run.id)
    assert session.scalars(select(Allocation)).all() == []


def test_no_other_run_is_adopted_once_a_published_round_has_ended(session: Session) -> None:
    region = small_round()
    stands, other = a_run(region), a_run(region)
    service.adopt_run(region.lead, stands.id)
    service.publish_round(region.lead, region.round.id, version=region.round.version)
    set_clock(lambda: NOW_UTC + timedelta(days=400))
    with pytest.raises(Refused, match="ended"):
        service.adopt_run(region.lead, other.id)
    assert queries.adopted_run(session, region.lead, region.round.id) is stands


def test_one_who_adopts_while_another_does_mixes_nothing(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    region = small_round(learners=3)
    first, second = a_run(region), a_run(region)
    look = scenarios.run_by_id

    def meanwhile(session: Session, viewer: Viewer, run_id: int) -> Run:
        # The other lead's allocations come in after this one has read the run.
        found = look(session, viewer, run_id)
        monkeypatch.setattr(scenarios, "run_by_id", look)
        service.adopt_run(viewer, first.id)
        return found

    monkeypatch.setattr(scenarios, "run_by_id", meanwhile)
    service.adopt_run(region.lead, second.id)
    assert {row.run_id for row in session.scalars(select(Allocation))} == {second.id}


def test_publishing_freezes_every_word(session: Session) -> None:
    region = small_round(learners=3)
    service.adopt_run(region.lead, a_run(region).id)
    publication = publish(region)
    session.execute(update(Learner).values(reference=Learner.reference + "-changed"))
    session.commit()
    found = lines(session, region.lead, publication)
    assert [line.learner_reference for line in found] == sorted(
        learner.reference.removesuffix("-changed") for learner in region.learners
    )
    placed, unplaced = found[0], found[2]
    department = region.departments[0]
    assert (placed.state, placed.site, placed.trust, placed.modality) == (
        "placed",
        department.site.name,
        department.site.trust.name,
        "X-ray",
    )
    assert (placed.hei, placed.block, placed.first_week, placed.weeks) == (
        region.hei.name,
        region.block.name,
        region.block.first_week,
        region.block.weeks,
    )
    assert (placed.travel_minutes, placed.reason) == (25, None)
    assert (unplaced.state, unplaced.site, unplaced.travel_minutes) == ("unplaced", None, None)
    assert unplaced.reason == (
        f"Full: {department.name}. 2 learners compete for places that are all taken there."
    )
    assert session.get_one(Round, region.round.id).state == "published"


def test_versions_are_numbered_and_a_second_press_is_stale(session: Session) -> None:
    region = small_round(learners=3)
    service.adopt_run(region.lead, a_run(region).id)
    version = region.round.version
    assert service.publish_round(region.lead, region.round.id, version=version).number == 1
    with pytest.raises(Stale):
        service.publish_round(region.lead, region.round.id, version=version)
    session.expire_all()
    service.adopt_run(region.lead, a_run(region).id)
    assert publish(region).number == 2
    found = queries.publications_of_round(session, region.lead, region.round.id)
    assert [publication.number for publication in found] == [2, 1]
    assert queries.counts_of_round(session, region.lead, region.round.id) == {
        row.id: queries.Counts(placed=2, unplaced=1) for row in found
    }


def test_nothing_is_published_before_a_run_is_adopted(session: Session) -> None:
    region = small_round()
    a_run(region)
    with pytest.raises(Refused, match="adopt a finished run first"):
        publish(region)
    assert session.scalars(select(Publication)).all() == []


def test_each_sees_the_lines_that_concern_them_and_no_others(session: Session) -> None:
    region = small_round(learners=3)
    service.adopt_run(region.lead, a_run(region).id)
    publication = publish(region)
    officer = viewer_as(Role.PLACEMENT_OFFICER, hei_id=region.hei.id)
    educator = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=region.trusts[1].id)
    other_hei, other_trust = viewer_as(Role.PLACEMENT_OFFICER), viewer_as(Role.PRACTICE_EDUCATOR)
    assert len(lines(session, officer, publication)) == 3
    assert [line.trust_id for line in lines(session, educator, publication)] == [region.trusts[1].id]
    assert lines(session, other_hei, publication) == lines(session, other_trust, publication) == []
    assert queries.choices_of_publication(session, educator, publication.id) == queries.Choices(
        blocks=[region.block.name],
        sites=[region.departments[1].site.name],
        heis=[region.hei.name],
        programmes=[region.learners[1].cohort.programme.name],
    )
    foreign = viewer_as(Role.ACADEMY_LEAD, network_id=NetworkFactory(name="Another network").id)
    with pytest.raises(NotFound):
        queries.publication_by_id(session, foreign, publication.id)
    for viewer in (officer, educator):
        assert queries.adopted_run(session, viewer, region.round.id) is None
        with pytest.raises(NotAllowed):
            service.publish_round(viewer, region.round.id, version=region.round.version)


def test_lines_are_filtered(session: Session) -> None:
    publication = PublicationFactory()
    PublicationLineFactory(
        publication=publication, learner_reference="ABC-1", block="Spring", programme="MSc"
    )
    PublicationLineFactory(publication=publication, learner_reference="XYZ_1", state="unplaced")
    saved()
    lead = viewer_as(Role.ACADEMY_LEAD)

    def found(**filters: str) -> list[str]:
        rows = session.scalars(filtered_lines(lead, publication, LineFilter(**filters)))
        return sorted(row.learner_reference for row in rows)

    assert found() == ["ABC-1", "XYZ_1"]
    assert found(state="unplaced") == found(reference="xyz") == found(reference="_") == ["XYZ_1"]
    assert found(block="Spring") == found(programme="MSc") == found(learner="ABC-1") == ["ABC-1"]
    assert found(site="Nowhere") == found(hei="Nobody") == found(reference="%") == found(learner="ABC") == []
    assert found(state="changed") == [], "of a first version nothing has changed"


def test_whoever_has_withdrawn_or_is_exempt_since_the_run_is_not_published(session: Session) -> None:
    region = small_round(learners=3)
    service.adopt_run(region.lead, a_run(region).id)
    withdrawn, exempt, stays = region.learners
    withdrawn.interruptions.append(
        Interruption(kind="withdrawn", first_day=region.block.first_week, recorded_utc=now_utc())
    )
    exempt.requirements[0].state = "exempt"
    saved()
    assert [line.learner_reference for line in lines(session, region.lead, publish(region))] == [
        stays.reference
    ]


def test_a_line_says_the_days_and_the_way_of_travelling(session: Session) -> None:
    region = small_round(learners=1)
    region.learners[0].weekdays = "24"
    region.learners[0].travel_mode = "public_transport"
    saved()
    service.adopt_run(region.lead, a_run(region).id)
    (line,) = lines(session, region.lead, publish(region))
    assert (line.weekdays, line.travel_mode, line.record_id) == (
        "24",
        "public_transport",
        region.learners[0].record_id,
    )
    assert (line.first_day, line.last_day) == (date(2027, 1, 5), date(2027, 1, 28))


def test_a_place_held_back_is_seen_by_the_hei_and_not_by_the_trust(session: Session) -> None:
    held = PublicationLineFactory(state="held", not_ready="DBS")
    saved()
    officer = viewer_as(Role.PLACEMENT_OFFICER, hei_id=held.hei_id)
    educator = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=held.trust_id)
    assert lines(session, officer, held.publication) == [held]
    assert lines(session, educator, held.publication) == []
    assert queries.counts_of_round(session, officer, held.publication.round_id) == {
        held.publication_id: queries.Counts(held=1)
    }
    only_held = filtered_lines(officer, held.publication, LineFilter(state="held"))
    assert session.scalars(only_held).all() == [held]
