"""The grid's reads and saves: cells of two people at once, last round's weeks, what is near."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from flask import Flask
from sqlalchemy import event
from sqlalchemy.orm import Session

from placements.access import Role, Viewer
from placements.bank_holidays import holidays_in, working_days
from placements.capacity import service
from placements.capacity.content import ANYONE, Content, Places
from placements.capacity.grid import Grid, choose, read_grid
from placements.capacity.models import Declaration
from placements.capacity.queries import content_of
from placements.capacity.writing import Edit, Saved
from placements.extensions import db
from placements.organisations.models import Department, TravelOverride
from placements.rounds.models import Round
from tests.at_once import at_once
from tests.factories import (
    BlockFactory,
    CohortFactory,
    DeclarationFactory,
    DepartmentFactory,
    LearnerFactory,
    ModalityFactory,
    PlanLineFactory,
    RequirementFactory,
    RoundFactory,
    SiteFactory,
    saved,
    viewer_as,
)

FIRST, SECOND = "2027-01-04", "2027-01-11"
# Central Birmingham, and Shrewsbury, an hour's drive away.
FAR = {"postcode": "SY3 8XQ", "latitude": 52.7094, "longitude": -2.7938}


def declaring() -> tuple[Round, Department, Viewer]:
    """A round with a block of four weeks, a department, and an educator of its trust."""
    round_ = RoundFactory()
    BlockFactory(round=round_, weeks=4)
    department = DepartmentFactory()
    saved()
    return round_, department, viewer_as(Role.PRACTICE_EDUCATOR, trust_id=department.site.trust_id)


def cells(session: Session) -> dict[str, str]:
    """What the only declaration says."""
    session.rollback()
    session.expire_all()
    return content_of(session.query(Declaration).one()).cells()


def saving(viewer: Viewer, round_id: int, department_id: int, edit: Edit) -> Callable[[], Saved]:
    def save() -> Saved:
        found = service.save_cells(viewer, round_id, {department_id: edit})[department_id]
        # Read while its session is there.
        assert found.declaration.version
        return found

    return save


def test_cells_of_many_people_at_the_same_moment_are_all_kept(app: Flask, session: Session) -> None:
    round_, department, _ = declaring()
    people = [viewer_as(Role.PRACTICE_EDUCATOR, trust_id=department.site.trust_id) for _ in range(3)]
    weeks = [week.isoformat() for week in round_.block_weeks()]
    ids = round_.id, department.id
    # From nothing, where each would make the declaration; then on what is there.
    for version, figure in ((0, "3"), (3, "5")):
        found = at_once(
            app,
            *(
                saving(person, *ids, Edit(version, {f"any.maximum.{week}": figure}))
                for person, week in zip(people, weeks, strict=False)
            ),
        )
        assert not any(answer.clashes or answer.wrong for answer in found)
        assert cells(session) == {f"any.maximum.{week}": figure for week in weeks[:3]}


def test_the_same_cell_at_the_same_moment_is_a_clash_for_all_but_one(app: Flask, session: Session) -> None:
    round_, department, _ = declaring()
    people = [viewer_as(Role.PRACTICE_EDUCATOR, trust_id=department.site.trust_id) for _ in range(2)]
    ids = round_.id, department.id
    figures = ("3", "7")
    found = at_once(
        app,
        *(
            saving(person, *ids, Edit(0, {f"any.maximum.{FIRST}": figure, f"any.surge.{FIRST}": "1"}))
            for person, figure in zip(people, figures, strict=True)
        ),
    )
    kept = cells(session)[f"any.maximum.{FIRST}"]
    (told,) = [clash for answer in found for clash in answer.clashes]
    assert (told.now, told.before) == (kept, "0")
    assert told.by == people[figures.index(kept)].name


def test_a_figure_that_only_fits_with_the_others_is_held_back(session: Session) -> None:
    """One raises the preferred places to the most; meanwhile another lowers the most."""
    round_, department, educator = declaring()
    start = Edit(0, {f"any.maximum.{FIRST}": "3", f"any.preferred.{FIRST}": "1"})
    saving(educator, round_.id, department.id, start)()
    saving(educator, round_.id, department.id, Edit(1, {f"any.maximum.{FIRST}": "2"}))()
    late = Edit(1, {f"any.preferred.{FIRST}": "3", f"any.preferred.{SECOND}": "0"})
    answer = saving(educator, round_.id, department.id, late)()
    assert list(answer.wrong) == [f"any.preferred.{FIRST}"]
    assert cells(session) == {f"any.maximum.{FIRST}": "2", f"any.preferred.{FIRST}": "1"}


def test_a_region_is_saved_in_few_statements(session: Session) -> None:
    round_, first, educator = declaring()
    departments = [first, *(DepartmentFactory(site=SiteFactory(trust=first.site.trust)) for _ in range(9))]
    saved()
    ids, weeks = [department.id for department in departments], round_.block_weeks()
    content = Content({ANYONE: dict.fromkeys(weeks, Places(1, 2, 1))}, dict.fromkeys(weeks, Decimal("1.5")))
    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    service.save_declarations(educator, round_.id, dict.fromkeys(ids, (0, content)))
    rows = session.query(Declaration).all()
    assert [content_of(row) for row in rows] == [content] * 10
    writes = [words for words in statements if words.split()[0] in ("INSERT", "UPDATE", "DELETE")]
    assert sum("declared_week" in words for words in writes) == 1
    assert sum("declared_wte" in words for words in writes) == 1


def grid_of(session: Session, viewer: Viewer, round_: Round, *departments: Department) -> Grid:
    return read_grid(session, viewer, round_, departments)


def test_last_round_is_laid_over_by_block_and_week(session: Session) -> None:
    round_, department, educator = declaring()
    BlockFactory(round=round_, first_week=date(2027, 3, 1), weeks=2)
    years_ago = RoundFactory(first_week=date(2025, 1, 6), last_week=date(2025, 1, 6))
    last = RoundFactory(first_week=date(2026, 1, 5), last_week=date(2026, 3, 2))
    draft = RoundFactory(first_week=date(2026, 6, 1), last_week=date(2026, 6, 1), state="draft")
    for other, begins in ((years_ago, date(2025, 1, 6)), (draft, date(2026, 6, 1))):
        BlockFactory(round=other, first_week=begins, weeks=1)
    BlockFactory(round=last, first_week=date(2026, 1, 5), weeks=3)
    BlockFactory(round=last, first_week=date(2026, 3, 2), weeks=3)
    saved()
    session.expire_all()
    declared = DeclarationFactory(round=last, department=department, maximum=3)
    for row in declared.lines[0].weeks:
        row.preferred, row.maximum = 0, row.week.day
    saved()
    grid = grid_of(session, educator, round_, department)
    assert grid.last is not None
    assert grid.last.id == last.id
    before = grid.departments[0].last
    assert before is not None
    # The fourth week of the first block is one that last round's had not.
    assert [before.total(week).maximum for week in round_.block_weeks()] == [5, 12, 19, 0, 2, 9]
    rows = grid.figures(grid.departments[0], Content({ANYONE: {}})).rows
    assert rows["last"][0] == "5 (−5)"


def test_near_are_learners_and_places_within_three_quarters_of_an_hour(session: Session) -> None:
    round_, here, educator = declaring()
    near, far = (
        DepartmentFactory(site=SiteFactory(**place), modality=here.modality)
        for place in ({"postcode": "B9 5SS", "latitude": 52.47798, "longitude": -1.82913}, FAR)
    )
    for department, most in ((here, 4), (near, 3), (far, 9)):
        DeclarationFactory(round=round_, department=department, maximum=most, state="submitted")
    elsewhere = DepartmentFactory(site=here.site, modality=ModalityFactory(key="ct"))
    DeclarationFactory(round=round_, department=elsewhere, maximum=20)
    saved()
    assert not grid_of(session, educator, round_, here).knows_nearby
    line = PlanLineFactory(block=round_.blocks[0], modalities=[here.modality])
    cohort = CohortFactory(round=round_)
    draft = CohortFactory(round=round_, state="draft")
    for postcode, of_cohort in (
        ("B15 3TN", cohort),
        ("B15 2TT", cohort),
        ("SY3 8XQ", cohort),
        ("B15 3TN", draft),
    ):
        learner = LearnerFactory(cohort=of_cohort, postcode=postcode)
        RequirementFactory(learner=learner, plan_line=line, block=line.block)
    saved()
    grid = grid_of(session, educator, round_, here, elsewhere)
    block_id = round_.blocks[0].id
    found, other = ((of.near or {})[block_id] for of in grid.departments)
    assert (found.learners, found.places) == (2, 7)
    assert (other.learners, other.places) == (0, 20)
    # An uploaded journey counts before the estimate.
    session.add(
        TravelOverride(
            network_id=round_.network_id,
            origin="SY3 8XQ",
            site=here.site.postcode,
            mode="car",
            minutes=40,
        )
    )
    saved()
    near_now = grid_of(session, educator, round_, here).departments[0].near or {}
    assert near_now[block_id].learners == 3


def test_a_grid_is_read_in_as_many_statements_for_ten_departments_as_for_one(session: Session) -> None:
    round_, first, educator = declaring()
    departments = [first, *(DepartmentFactory(site=SiteFactory(trust=first.site.trust)) for _ in range(9))]
    for department in departments:
        DeclarationFactory(round=round_, department=department)
    saved()
    counted: list[int] = []
    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    for some in (1, 10):
        session.expire_all()
        chosen = choose(session, educator, "", None).departments[:some]
        round_ = session.get_one(Round, round_.id)
        assert round_.blocks
        statements.clear()
        grid = read_grid(session, educator, round_, chosen)
        for of in grid.departments:
            grid.figures(of, of.saved)
        counted.append(len(statements))
    assert counted[0] == counted[1]


def test_bank_holidays_shorten_weeks() -> None:
    easter, christmas = date(2027, 3, 22), date(2026, 12, 28)
    assert list(holidays_in(easter).values()) == ["Good Friday"]
    # Boxing Day 2026 is a Saturday and has its substitute on the Monday.
    assert holidays_in(christmas) == {
        date(2026, 12, 28): "Boxing Day",
        date(2027, 1, 1): "New Year's Day",
    }
    assert (working_days(easter), working_days(christmas), working_days(date(2027, 1, 11))) == (4, 3, 5)
