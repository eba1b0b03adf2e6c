"""Declarations: saving, submitting, refusing what cannot be right, and two people at once."""

import dataclasses
from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from placements.access import Role, Viewer
from placements.capacity import deciding, queries, service, writing
from placements.capacity.board import board
from placements.capacity.content import ANYONE, Content, Places
from placements.capacity.effective import Rates, effective
from placements.capacity.merging import Clash
from placements.capacity.models import Declaration, DeclaredLine, DeclaredWeek, DeclaredWte
from placements.clock import now_utc
from placements.errors import NotAllowed, NotFound, Refused, Stale
from placements.extensions import db
from placements.organisations.models import Department, LearnerGroup
from placements.rounds.models import Round
from tests.factories import (
    BlockFactory,
    DeclarationFactory,
    DepartmentFactory,
    LearnerGroupFactory,
    ModalityFactory,
    PlanLineFactory,
    ProgrammeFactory,
    RoundFactory,
    StageFactory,
    SupervisionWeightFactory,
    saved,
    viewer_as,
)


def open_round() -> tuple[Round, Department, Viewer]:
    """A round with one block of four weeks, a department, and an educator of its trust."""
    round_ = RoundFactory()
    BlockFactory(round=round_, weeks=4)
    department = DepartmentFactory()
    saved()
    return round_, department, viewer_as(Role.PRACTICE_EDUCATOR, trust_id=department.site.trust_id)


def figures(
    round_: Round, preferred: int = 2, maximum: int = 3, wte: str = "1.5", weeks: int | None = None
) -> Content:
    """The same figures for anybody in every week of the blocks, or in the first few."""
    mondays = round_.block_weeks()[:weeks]
    return Content(
        {ANYONE: {week: Places(preferred, maximum) for week in mondays}},
        {week: Decimal(wte) for week in mondays},
    )


def stored(session: Session) -> list[tuple[date, int, int, Decimal]]:
    session.expire_all()
    rows = session.scalars(sa.select(DeclaredWeek).order_by(DeclaredWeek.week))
    wte = {row.week: row.wte for row in session.scalars(sa.select(DeclaredWte))}
    return [(row.week, row.preferred, row.maximum, wte[row.week]) for row in rows]


def lead_of(department: Department) -> Viewer:
    return viewer_as(Role.TRUST_EDUCATION_LEAD, trust_id=department.site.trust_id)


def test_a_declaration_is_saved_submitted_approved_and_changed(session: Session) -> None:
    round_, department, educator = open_round()
    draft = service.save_declaration(
        educator, round_.id, department.id, version=0, content=figures(round_)
    ).declaration
    assert (draft.state, draft.changed_by_id) == ("draft", educator.person_id)
    assert [row[1:] for row in stored(session)] == [(2, 3, Decimal("1.50"))] * 4
    submitted = service.submit_declaration(educator, round_.id, department.id, version=draft.version)
    assert submitted.declaration.state == "submitted"
    assert queries.offers(session, round_.id) == []
    approved = deciding.approve_declaration(
        lead_of(department), round_.id, department.id, version=submitted.declaration.version
    )
    assert approved.state == "approved"
    changed = service.save_declaration(
        educator, round_.id, department.id, version=approved.version, content=figures(round_, weeks=1)
    )
    assert changed.declaration.state == "draft"
    assert [row[2] for row in stored(session)] == [3, 0, 0, 0]
    # What was approved stands until something else is.
    (offer,) = queries.offers(session, round_.id)
    assert [offer.content.total(week).maximum for week in round_.block_weeks()] == [3] * 4


def test_what_is_returned_comes_with_a_reason_and_is_submitted_again(session: Session) -> None:
    round_, department, educator = open_round()
    lead = lead_of(department)
    submitted = service.submit_declaration(
        educator, round_.id, department.id, version=0, content=figures(round_)
    ).declaration
    with pytest.raises(Refused) as refusal:
        deciding.return_declaration(lead, round_.id, department.id, version=submitted.version, comment=" ")
    assert "comment" in refusal.value.fields
    returned = deciding.return_declaration(
        lead, round_.id, department.id, version=submitted.version, comment="Two in week 3, please"
    )
    assert returned.state == "returned"
    assert queries.offers(session, round_.id) == []
    records = queries.records_after(session, returned.id, 0)
    assert [(record.verb, record.by_name) for record in records] == [
        ("save", educator.name),
        ("submit", educator.name),
        ("return", lead.name),
    ]
    assert records[-1].comment == "Two in week 3, please"
    again = service.submit_declaration(educator, round_.id, department.id, version=returned.version)
    assert again.declaration.state == "submitted"


def test_without_approval_submitting_makes_an_offer(session: Session) -> None:
    round_, department, educator = open_round()
    round_.needs_approval = False
    saved()
    done = service.submit_declaration(educator, round_.id, department.id, version=0, content=figures(round_))
    assert done.declaration.state == "approved"
    assert len(queries.offers(session, round_.id)) == 1


def test_only_its_own_trusts_lead_approves(session: Session) -> None:
    round_, department, educator = open_round()
    submitted = service.submit_declaration(
        educator, round_.id, department.id, version=0, content=figures(round_)
    ).declaration
    for person in (educator, viewer_as(Role.ACADEMY_LEAD)):
        with pytest.raises(NotAllowed):
            deciding.approve_declaration(person, round_.id, department.id, version=submitted.version)
    with pytest.raises(NotFound):
        deciding.approve_declaration(
            viewer_as(Role.TRUST_EDUCATION_LEAD), round_.id, department.id, version=submitted.version
        )


def test_the_academy_declares_for_its_own_centres(session: Session) -> None:
    round_, department, educator = open_round()
    department.site.kind = "academy"
    saved()
    lead = viewer_as(Role.ACADEMY_LEAD)
    with pytest.raises(NotAllowed):
        service.save_declaration(educator, round_.id, department.id, version=0, content=figures(round_))
    done = service.submit_declaration(lead, round_.id, department.id, version=0, content=figures(round_))
    approved = deciding.approve_declaration(lead, round_.id, department.id, version=done.declaration.version)
    assert approved.state == "approved"


def test_saving_and_submitting_is_one_action(session: Session) -> None:
    round_, department, educator = open_round()
    with pytest.raises(Refused):
        service.submit_declaration(educator, round_.id, department.id, version=0)
    wrong = figures(round_, preferred=5)
    with pytest.raises(Refused):
        service.submit_declaration(educator, round_.id, department.id, version=0, content=wrong)
    assert stored(session) == []
    done = service.submit_declaration(educator, round_.id, department.id, version=0, content=figures(round_))
    assert done.declaration.state == "submitted"


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"preferred": -1}, "any.preferred"),
        ({"maximum": 10**9}, "any.maximum"),
        ({"preferred": 4, "maximum": 3}, "any.preferred"),
        ({"wte": "-0.5"}, "educators.wte"),
        ({"wte": "100"}, "educators.wte"),
        ({"wte": "0.333"}, "educators.wte"),
        ({"wte": "NaN"}, "educators.wte"),
        ({"wte": "Infinity"}, "educators.wte"),
    ],
)
def test_a_figure_that_cannot_be_right_is_refused_by_week_and_column(
    session: Session, changes: dict[str, object], column: str
) -> None:
    round_, department, educator = open_round()
    bad = figures(round_, weeks=1, **changes)  # type: ignore[arg-type]
    with pytest.raises(Refused) as refusal:
        service.save_declaration(educator, round_.id, department.id, version=0, content=bad)
    assert f"{column}.{round_.block_weeks()[0].isoformat()}" in refusal.value.fields
    assert stored(session) == []


def test_weeks_outside_the_blocks_and_unknown_learners_are_refused(session: Session) -> None:
    round_, department, educator = open_round()
    outside = Content({ANYONE: {date(2027, 6, 7): Places(1, 1)}})
    nobody = Content({"wizards": {round_.block_weeks()[0]: Places(1, 1)}})
    for content in (outside, nobody):
        with pytest.raises(Refused):
            service.save_declaration(educator, round_.id, department.id, version=0, content=content)


def test_the_database_refuses_impossible_places_too(session: Session) -> None:
    round_, department, _ = open_round()
    week = date(2027, 1, 4)
    for preferred, maximum, surge, wte in (
        (3, 2, 0, 1),
        (-1, 2, 0, 1),
        (1, 100, 0, 1),
        (1, 2, -1, 1),
        (1, 2, 0, -1),
    ):
        row = Declaration(round_id=round_.id, department_id=department.id, changed_utc=now_utc(), saves=1)
        row.lines = [
            DeclaredLine(weeks=[DeclaredWeek(week=week, preferred=preferred, maximum=maximum, surge=surge)])
        ]
        row.wte = [DeclaredWte(week=week, wte=wte)]
        session.add(row)
        with pytest.raises(IntegrityError):
            session.flush()
        session.rollback()


def with_cell(content: Content, round_: Round, week: int, **changes: int) -> Content:
    """The same declaration but for one week's places."""
    monday = round_.block_weeks()[week]
    weeks = dict(content.lines[ANYONE])
    weeks[monday] = dataclasses.replace(weeks[monday], **changes)
    return dataclasses.replace(content, lines={ANYONE: weeks})


def test_two_people_on_one_declaration_never_overwrite_each_other(session: Session) -> None:
    round_, department, educator = open_round()
    base = figures(round_)
    first = service.save_declaration(educator, round_.id, department.id, version=0, content=base)
    read = first.declaration.version
    colleague = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=department.site.trust_id)
    service.save_declaration(
        colleague, round_.id, department.id, version=read, content=figures(round_, maximum=9, wte="5")
    )
    for version in (read, 0):
        with pytest.raises(Clash) as clash:
            service.save_declaration(
                educator, round_.id, department.id, version=version, content=figures(round_, maximum=4)
            )
        assert {change.now for change in clash.value.clashes} >= {"9"}
        assert {change.by for change in clash.value.clashes} == {colleague.name}
    assert {row[2] for row in stored(session)} == {9}


def test_what_two_people_change_in_different_cells_is_kept_of_both(session: Session) -> None:
    round_, department, educator = open_round()
    base = figures(round_)
    read = service.save_declaration(
        educator, round_.id, department.id, version=0, content=base
    ).declaration.version
    colleague = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=department.site.trust_id)
    service.save_declaration(
        colleague, round_.id, department.id, version=read, content=with_cell(base, round_, 1, maximum=7)
    )
    both = service.save_declaration(
        educator, round_.id, department.id, version=read, content=with_cell(base, round_, 2, maximum=5)
    )
    assert [(change.cell, change.before, change.now) for change in both.theirs] == [
        (f"any.maximum.{round_.block_weeks()[1].isoformat()}", "3", "7")
    ]
    assert [row[2] for row in stored(session)] == [3, 7, 5, 3]


def test_the_database_tells_two_savers_apart_at_the_same_moment(session: Session) -> None:
    """The other's commit comes after this one's check, over a connection of its own."""
    round_, department, educator = open_round()
    first = service.save_declaration(educator, round_.id, department.id, version=0, content=figures(round_))
    version = first.declaration.version
    original = writing.learner_groups

    def meanwhile(session: Session) -> list[LearnerGroup]:
        with db.engine.begin() as other:
            other.execute(sa.update(Declaration).values(version=Declaration.version + 1))
        return original(session)

    # The row is in this session's hands already, read before the other's change.
    assert queries.declaration_of(session, educator, round_.id, department.id) is not None
    session.commit()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "learner_groups", meanwhile)
        with pytest.raises(Stale):
            service.save_declaration(
                educator, round_.id, department.id, version=version, content=figures(round_, maximum=4)
            )
    assert {row[2] for row in stored(session)} == {3}


def test_another_trust_and_other_roles_cannot_declare(session: Session) -> None:
    round_, department, _ = open_round()
    stranger = viewer_as(Role.PRACTICE_EDUCATOR)
    with pytest.raises(NotFound):
        service.save_declaration(stranger, round_.id, department.id, version=0, content=figures(round_))
    for role in (Role.ACADEMY_LEAD, Role.PLACEMENT_OFFICER, Role.ADMINISTRATOR):
        with pytest.raises(NotAllowed):
            service.save_declaration(
                viewer_as(role), round_.id, department.id, version=0, content=figures(round_)
            )
    DeclarationFactory(round=round_, department=department)
    saved()
    for viewer, seen in (
        (stranger, 0),
        (viewer_as(Role.ACADEMY_LEAD), 1),
        (viewer_as(Role.PLACEMENT_OFFICER), 0),
    ):
        assert len(board(session, viewer, round_, now=now_utc()).all_rows) == seen


def test_a_draft_round_takes_no_declarations(session: Session) -> None:
    round_, department, educator = open_round()
    round_.state = "draft"
    saved()
    with pytest.raises(NotFound):
        service.save_declaration(educator, round_.id, department.id, version=0, content=figures(round_))


def test_the_weight_is_the_largest_in_force_of_those_who_need_the_modality(session: Session) -> None:
    round_ = RoundFactory()
    block = BlockFactory(round=round_)
    xray = ModalityFactory(key="xray")
    weights = {"light": ["0.25"], "heavy": ["0.75", "0.5"], "elsewhere": ["2"]}
    for key, values in weights.items():
        group = LearnerGroupFactory(key=key)
        for year, weight in enumerate(values):
            SupervisionWeightFactory(
                learner_group_id=group.id, weight=Decimal(weight), valid_from=date(2020 + year, 1, 1)
            )
        SupervisionWeightFactory(
            learner_group_id=group.id, weight=Decimal("1.9"), valid_from=date(2040, 1, 1)
        )
        PlanLineFactory(
            block=block,
            programme=ProgrammeFactory(learner_group=group),
            stage=StageFactory(learner_group=group),
            modalities=[xray if key != "elsewhere" else ModalityFactory(key="ct")],
        )
    here, other = DepartmentFactory(modality=xray), DepartmentFactory(modality=ModalityFactory(key="mri"))
    saved()
    rates = queries.rates_of(session, round_, [here, other])
    assert rates[here.id].weight() == Decimal("0.5")
    assert rates[here.id].weight("light") == Decimal("0.25")
    assert rates[other.id].weight() is None


def test_a_stages_own_weight_goes_before_its_groups(session: Session) -> None:
    round_, line = RoundFactory(), PlanLineFactory(block=BlockFactory(), modalities=[ModalityFactory()])
    line.block.round_id = round_.id
    group_id = line.programme.learner_group_id
    line.stage.learner_group_id = group_id
    SupervisionWeightFactory(learner_group_id=group_id, weight=Decimal("0.5"))
    SupervisionWeightFactory(learner_group_id=group_id, stage=line.stage, weight=Decimal("0.75"))
    department = DepartmentFactory(modality=line.modalities[0])
    saved()
    assert queries.rates_of(session, round_, [department])[department.id].weight() == Decimal("0.75")


@given(
    st.integers(0, 99),
    st.decimals(0, 99, places=2),
    st.one_of(st.none(), st.decimals(Decimal("0.01"), 2, places=2)),
)
def test_effective_places_never_exceed_either_limit(
    maximum: int, wte: Decimal, weight: Decimal | None
) -> None:
    week = date(2027, 1, 4)
    rates = Rates(weights={} if weight is None else {("g", "s"): weight})
    found = effective(Content({ANYONE: {week: Places(0, maximum)}}, {week: wte}), week, 0, rates)
    assert found.places <= maximum
    if weight is not None:
        assert found.places * weight <= wte
        # One more would break one limit or the other.
        assert found.places == maximum or (found.places + 1) * weight > wte
    assert found.limit == ("supervision" if found.places < maximum else "places")


def test_the_board_has_every_department_with_its_state(session: Session) -> None:
    round_, department, _ = open_round()
    DepartmentFactory()
    DeclarationFactory(round=round_, department=department, state="submitted")
    DeclarationFactory(round=round_, department=DepartmentFactory(), state="draft")
    saved()
    lead = viewer_as(Role.ACADEMY_LEAD)
    states = [row.state for row in board(session, lead, round_, now=now_utc()).all_rows]
    assert sorted(states) == ["draft", "not declared", "submitted"]
    assert queries.counts(session, lead, round_.id) == {"draft": 1, "submitted": 1, "not declared": 1}
