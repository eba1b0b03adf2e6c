"""Rounds: making them, opening them, and who sees them."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy.orm import Session

from placements.access import Role
from placements.errors import NotAllowed, NotFound, Refused, Stale
from placements.rounds import queries, service
from placements.rounds.models import Round
from placements.rounds.service import NewBlock, NewPlanLine, NewRound, RoundSettings
from tests.factories import (
    HeiFactory,
    IcbFactory,
    ModalityFactory,
    NetworkFactory,
    ProgrammeFactory,
    RoundFactory,
    StageFactory,
    TrustFactory,
    saved,
    viewer_as,
)

SPRING = NewRound(
    name="Spring 2027",
    first_week=date(2027, 1, 4),
    last_week=date(2027, 3, 29),
    declare_by=date(2026, 12, 1),
    submit_by=date(2026, 12, 8),
    blocks=(NewBlock("Block 1", date(2027, 1, 4), 6), NewBlock("Block 2", date(2027, 2, 15), 6)),
)


def test_a_round_is_made_with_blocks_and_plan_then_opened(session: Session) -> None:
    lead = viewer_as(Role.ACADEMY_LEAD)
    programme, stage = ProgrammeFactory(), StageFactory()
    ModalityFactory(key="xray"), ModalityFactory(key="ct")
    saved()
    line = NewPlanLine(programme.id, stage.id, ("xray", "ct"))
    first = replace(SPRING.blocks[0], plan=(line,))
    round_ = service.create_round(lead, replace(SPRING, blocks=(first, SPRING.blocks[1])))
    assert round_.state == "draft"
    (found,) = queries.plan(session, round_.id)
    assert [modality.key for modality in found.modalities] == ["xray", "ct"]
    assert len(round_.block_weeks()) == 12
    assert service.open_round(lead, round_.id).state == "open"
    with pytest.raises(Refused, match="This round is open"):
        service.open_round(lead, round_.id)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"first_week": date(2027, 1, 5)}, "first_week"),
        ({"last_week": date(2026, 12, 28)}, "last_week"),
        ({"last_week": date(2030, 1, 7)}, "last_week"),
        ({"blocks": ()}, "blocks"),
        ({"blocks": (NewBlock("B", date(2027, 1, 6), 2),)}, "blocks.0"),
        ({"blocks": (NewBlock("B", date(2027, 1, 4), 0),)}, "blocks.0"),
        ({"blocks": (NewBlock("B", date(2027, 3, 22), 3),)}, "blocks.0"),
        ({"blocks": (NewBlock("B", date(2027, 1, 4), 1), NewBlock("B", date(2027, 2, 1), 1))}, "blocks.B"),
    ],
)
def test_a_round_that_makes_no_sense_is_refused_by_field(
    session: Session, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(Refused) as refusal:
        service.create_round(viewer_as(Role.ACADEMY_LEAD), replace(SPRING, **changes))
    assert field in refusal.value.fields
    assert session.query(Round).count() == 0


def test_a_name_is_used_once_and_a_plan_names_what_exists(session: Session) -> None:
    lead = viewer_as(Role.ACADEMY_LEAD)
    service.create_round(lead, SPRING)
    with pytest.raises(Refused, match="A round of this name exists"):
        service.create_round(lead, SPRING)
    programme, stage = ProgrammeFactory(), StageFactory()
    saved()
    for line in (
        NewPlanLine(programme.id, stage.id, ("telepathy",)),
        NewPlanLine(programme.id, stage.id, ()),
        NewPlanLine(programme.id, 10**6, ("xray",)),
        NewPlanLine(10**6, stage.id, ("xray",)),
    ):
        block = replace(SPRING.blocks[0], plan=(line,))
        with pytest.raises(Refused):
            service.create_round(lead, replace(SPRING, name="Other", blocks=(block,)))
    assert session.query(Round).count() == 1


def test_another_networks_programme_is_refused(session: Session) -> None:
    lead = viewer_as(Role.ACADEMY_LEAD)
    other = HeiFactory(network_id=NetworkFactory(name="Another network").id)
    programme, stage = ProgrammeFactory(hei=other), StageFactory()
    ModalityFactory(key="xray")
    saved()
    block = replace(SPRING.blocks[0], plan=(NewPlanLine(programme.id, stage.id, ("xray",)),))
    with pytest.raises(Refused, match="another network"):
        service.create_round(lead, replace(SPRING, blocks=(block,)))


def test_who_sees_a_round(session: Session) -> None:
    draft, open_ = RoundFactory(state="draft"), RoundFactory(state="open")
    other_network = NetworkFactory(name="Another network").id
    foreign = RoundFactory(network_id=other_network)
    other_icb = IcbFactory(ods="QXX", name="Elsewhere", network_id=other_network)
    other_trust = TrustFactory(icb=other_icb)
    saved()
    expected = {
        viewer_as(Role.ACADEMY_LEAD): {draft.id, open_.id},
        viewer_as(Role.ADMINISTRATOR): {draft.id, open_.id},
        viewer_as(Role.PRACTICE_EDUCATOR): {open_.id},
        viewer_as(Role.PLACEMENT_OFFICER): {open_.id},
        viewer_as(Role.PRACTICE_EDUCATOR, trust_id=other_trust.id): {foreign.id},
    }
    for viewer, rounds in expected.items():
        assert {round_.id for round_ in queries.rounds(session, viewer)} == rounds
    with pytest.raises(NotFound):
        queries.round_by_id(session, viewer_as(Role.ACADEMY_LEAD), foreign.id)


@pytest.mark.parametrize("role", [Role.PLACEMENT_OFFICER, Role.PRACTICE_EDUCATOR, Role.ADMINISTRATOR])
def test_only_an_academy_lead_makes_and_opens_rounds(session: Session, role: Role) -> None:
    round_ = RoundFactory(state="draft")
    saved()
    with pytest.raises(NotAllowed):
        service.create_round(viewer_as(role), SPRING)
    with pytest.raises(NotAllowed):
        service.open_round(viewer_as(role), round_.id)


def test_settings_are_changed_by_whoever_read_the_newest(session: Session) -> None:
    lead = viewer_as(Role.ACADEMY_LEAD)
    round_ = RoundFactory(declare_by=date(2026, 12, 1))
    saved()
    settings = RoundSettings(date(2026, 12, 11), date(2026, 12, 18), False, True, (7, -1, 7), 2)
    version = round_.version
    changed = service.change_round(lead, round_.id, settings, version=version)
    assert (changed.declare_by, changed.needs_approval, changed.uses_surge) == (
        date(2026, 12, 11),
        False,
        True,
    )
    assert (changed.reminder_days, changed.weeks_stuck) == ([7, -1], 2)
    with pytest.raises(Stale):
        service.change_round(lead, round_.id, settings, version=version)
    wrong = RoundSettings(date(2027, 2, 1), date(2027, 2, 1), True, False, (91,), 0)
    with pytest.raises(Refused) as refusal:
        service.change_round(lead, round_.id, wrong, version=changed.version)
    assert set(refusal.value.fields) == {"declare_by", "submit_by", "reminder_days", "weeks_stuck"}
    with pytest.raises(NotAllowed):
        service.change_round(viewer_as(Role.TRUST_EDUCATION_LEAD), round_.id, settings, version=1)
    stranger = viewer_as(Role.ACADEMY_LEAD, network_id=NetworkFactory(name="Another").id)
    with pytest.raises(NotFound):
        service.change_round(stranger, round_.id, settings, version=changed.version)
