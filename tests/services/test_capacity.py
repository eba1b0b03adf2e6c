"""Declarations: saving, submitting, refusing what cannot be right, and two people at once."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from placements.access import Role, Viewer
from placements.capacity import queries, service
from placements.capacity.models import Declaration, DeclaredWeek
from placements.capacity.service import WeekFigures
from placements.clock import now_utc
from placements.errors import NotAllowed, NotFound, Refused, Stale
from placements.extensions import db
from placements.organisations.models import Department
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


def figures(round_: Round, preferred: int = 2, maximum: int = 3, wte: str = "1.5") -> list[WeekFigures]:
    return [WeekFigures(week, preferred, maximum, Decimal(wte)) for week in round_.block_weeks()]


def stored(session: Session) -> list[tuple[date, int, int, Decimal]]:
    session.expire_all()
    rows = session.scalars(sa.select(DeclaredWeek).order_by(DeclaredWeek.week))
    return [(row.week, row.preferred, row.maximum, row.wte) for row in rows]


def test_a_declaration_is_saved_then_submitted_then_changed(session: Session) -> None:
    round_, department, educator = open_round()
    draft = service.save_declaration(educator, round_.id, department.id, version=0, weeks=figures(round_))
    assert (draft.state, draft.changed_by_id) == ("draft", educator.person_id)
    assert [row[1:] for row in stored(session)] == [(2, 3, Decimal("1.50"))] * 4
    submitted = service.submit_declaration(educator, round_.id, department.id, version=draft.version)
    assert submitted.state == "submitted"
    assert len(queries.offers(session, round_.id)) == 1
    changed = service.save_declaration(
        educator, round_.id, department.id, version=submitted.version, weeks=figures(round_)[:1]
    )
    assert changed.state == "draft"
    assert queries.offers(session, round_.id) == []
    assert [row[2] for row in stored(session)] == [3, 0, 0, 0]


def test_saving_and_submitting_is_one_action(session: Session) -> None:
    round_, department, educator = open_round()
    with pytest.raises(Refused):
        service.submit_declaration(educator, round_.id, department.id, version=0)
    wrong = figures(round_, preferred=5)
    with pytest.raises(Refused):
        service.submit_declaration(educator, round_.id, department.id, version=0, weeks=wrong)
    assert stored(session) == []
    done = service.submit_declaration(educator, round_.id, department.id, version=0, weeks=figures(round_))
    assert done.state == "submitted"


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"preferred": -1}, "preferred"),
        ({"maximum": 10**9}, "maximum"),
        ({"preferred": 4, "maximum": 3}, "preferred"),
        ({"wte": "-0.5"}, "wte"),
        ({"wte": "100"}, "wte"),
        ({"wte": "0.333"}, "wte"),
        ({"wte": "NaN"}, "wte"),
        ({"wte": "Infinity"}, "wte"),
    ],
)
def test_a_figure_that_cannot_be_right_is_refused_by_week_and_column(
    session: Session, changes: dict[str, object], column: str
) -> None:
    round_, department, educator = open_round()
    good = figures(round_)
    bad = figures(round_, **changes)[:1]  # type: ignore[arg-type]
    with pytest.raises(Refused) as refusal:
        service.save_declaration(educator, round_.id, department.id, version=0, weeks=bad + good[1:])
    assert f"{good[0].week.isoformat()}.{column}" in refusal.value.fields
    assert stored(session) == []


def test_weeks_outside_the_blocks_and_weeks_twice_are_refused(session: Session) -> None:
    round_, department, educator = open_round()
    other = [WeekFigures(date(2027, 6, 7), 1, 1, Decimal(1))]
    twice = figures(round_)[:1] * 2
    for weeks in (other, twice):
        with pytest.raises(Refused):
            service.save_declaration(educator, round_.id, department.id, version=0, weeks=weeks)


def test_the_database_refuses_impossible_places_too(session: Session) -> None:
    round_, department, _ = open_round()
    for preferred, maximum, wte in ((3, 2, 1), (-1, 2, 1), (1, 100, 1), (1, 2, -1)):
        row = Declaration(round_id=round_.id, department_id=department.id, changed_utc=now_utc(), saves=1)
        row.weeks = [DeclaredWeek(week=date(2027, 1, 4), preferred=preferred, maximum=maximum, wte=wte)]
        session.add(row)
        with pytest.raises(IntegrityError):
            session.flush()
        session.rollback()


def test_two_people_on_one_declaration_never_overwrite_each_other(session: Session) -> None:
    round_, department, educator = open_round()
    first = service.save_declaration(educator, round_.id, department.id, version=0, weeks=figures(round_))
    read = first.version
    colleague = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=department.site.trust_id)
    service.save_declaration(
        colleague, round_.id, department.id, version=read, weeks=figures(round_, maximum=9, wte="5")
    )
    with pytest.raises(Stale):
        service.save_declaration(
            educator, round_.id, department.id, version=read, weeks=figures(round_, maximum=4)
        )
    with pytest.raises(Stale):
        service.save_declaration(
            educator, round_.id, department.id, version=0, weeks=figures(round_, maximum=4)
        )
    assert {row[2] for row in stored(session)} == {9}


def test_the_database_tells_two_savers_apart_at_the_same_moment(session: Session) -> None:
    """The other's commit comes after this one's check, over a connection of its own."""
    round_, department, educator = open_round()
    first = service.save_declaration(educator, round_.id, department.id, version=0, weeks=figures(round_))
    version = first.version
    original = service.round_by_id

    def meanwhile(*arguments: object) -> Round:
        found = original(*arguments)  # type: ignore[arg-type]
        with db.engine.begin() as other:
            other.execute(sa.update(Declaration).values(version=Declaration.version + 1))
        return found

    # The row is in this session's hands already, read before the other's change.
    assert queries.declaration_of(session, educator, round_.id, department.id) is not None
    session.commit()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service, "round_by_id", meanwhile)
        with pytest.raises(Stale):
            service.save_declaration(
                educator, round_.id, department.id, version=version, weeks=figures(round_, maximum=4)
            )
    assert {row[2] for row in stored(session)} == {3}


def test_another_trust_and_other_roles_cannot_declare(session: Session) -> None:
    round_, department, _ = open_round()
    stranger = viewer_as(Role.PRACTICE_EDUCATOR)
    with pytest.raises(NotFound):
        service.save_declaration(stranger, round_.id, department.id, version=0, weeks=figures(round_))
    for role in (Role.ACADEMY_LEAD, Role.PLACEMENT_OFFICER, Role.ADMINISTRATOR):
        with pytest.raises(NotAllowed):
            service.save_declaration(
                viewer_as(role), round_.id, department.id, version=0, weeks=figures(round_)
            )
    DeclarationFactory(round=round_, department=department)
    saved()
    assert queries.board(session, stranger, round_.id) == []
    assert len(queries.board(session, viewer_as(Role.ACADEMY_LEAD), round_.id)) == 1
    assert queries.board(session, viewer_as(Role.PLACEMENT_OFFICER), round_.id) == []


def test_a_draft_round_takes_no_declarations(session: Session) -> None:
    round_, department, educator = open_round()
    round_.state = "draft"
    saved()
    with pytest.raises(NotFound):
        service.save_declaration(educator, round_.id, department.id, version=0, weeks=figures(round_))


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
    saved()
    assert queries.supervision_weight(session, round_, xray.id) == Decimal("0.5")
    assert queries.supervision_weight(session, round_, ModalityFactory(key="mri").id) is None


@given(
    st.integers(0, 99),
    st.decimals(0, 99, places=2),
    st.one_of(st.none(), st.decimals(Decimal("0.01"), 2, places=2)),
)
def test_effective_places_never_exceed_either_limit(
    maximum: int, wte: Decimal, weight: Decimal | None
) -> None:
    found = queries.effective_places(maximum, wte, weight)
    assert found.places <= maximum
    if weight is not None:
        assert found.places * weight <= wte
        # One more would break one limit or the other.
        assert found.places == maximum or (found.places + 1) * weight > wte
    assert found.limit == ("supervision" if found.places < maximum else "places")


def states(lines: Sequence[queries.BoardLine]) -> list[str]:
    return [line.state for line in lines]


def test_the_board_has_every_department_with_its_state(session: Session) -> None:
    round_, department, _ = open_round()
    DepartmentFactory()
    DeclarationFactory(round=round_, department=department, state="submitted")
    DeclarationFactory(round=round_, department=DepartmentFactory(), state="draft")
    saved()
    lead = viewer_as(Role.ACADEMY_LEAD)
    assert sorted(states(queries.board(session, lead, round_.id))) == ["draft", "not declared", "submitted"]
    assert queries.counts(session, lead, round_.id) == (1, 3)
