"""Reads about capacity declarations."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import Select, false, func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from placements.access import Role, Viewer
from placements.capacity.models import Declaration, DeclaredWeek
from placements.errors import NotFound
from placements.organisations.models import (
    Department,
    Icb,
    Modality,
    Programme,
    Site,
    SupervisionWeight,
    Trust,
)
from placements.organisations.queries import visible_departments
from placements.rounds.models import Block, PlanLine, Round
from placements.rounds.queries import visible_rounds


def visible_declarations(viewer: Viewer) -> Select[Declaration]:
    """A practice educator sees the declarations of the trust; an academy lead those of the network."""
    rounds = visible_rounds(viewer).with_only_columns(Round.id).order_by(None)
    declarations = (
        select(Declaration)
        .join(Declaration.department)
        .join(Department.site)
        .where(Declaration.round_id.in_(rounds))
    )
    if viewer.role is Role.PRACTICE_EDUCATOR:
        return declarations.where(Site.trust_id == viewer.trust_id)
    if viewer.role is Role.ACADEMY_LEAD:
        return declarations.join(Site.trust).join(Trust.icb).where(Icb.network_id == viewer.network_id)
    return declarations.where(false())


def department_by_id(session: Session, viewer: Viewer, department_id: int) -> Department:
    """One department; raises NotFound where there is none that this person may see."""
    found = session.scalar(visible_departments(viewer).where(Department.id == department_id))
    if found is None:
        raise NotFound("There is no such department.")
    return found


def declaration_of(session: Session, viewer: Viewer, round_id: int, department_id: int) -> Declaration | None:
    """What a department has declared in a round, with its weeks, or None where it has nothing yet."""
    return session.scalar(
        visible_declarations(viewer)
        .where(Declaration.round_id == round_id, Declaration.department_id == department_id)
        .options(selectinload(Declaration.weeks), joinedload(Declaration.changed_by))
        .execution_options(populate_existing=True)
    )


@dataclass(frozen=True)
class BoardLine:
    """A department on the board, with its declaration or none."""

    department: Department
    declaration: Declaration | None

    @property
    def state(self) -> str:
        return self.declaration.state if self.declaration else "not declared"

    @property
    def preferred(self) -> tuple[int, int] | None:
        """Fewest and most of the preferred places over the weeks; None where nothing is declared."""
        return self._range([week.preferred for week in self._weeks])

    @property
    def maximum(self) -> tuple[int, int] | None:
        """Fewest and most of the maximum places over the weeks; None where nothing is declared."""
        return self._range([week.maximum for week in self._weeks])

    @property
    def _weeks(self) -> list[DeclaredWeek]:
        return self.declaration.weeks if self.declaration else []

    @staticmethod
    def _range(places: list[int]) -> tuple[int, int] | None:
        return (min(places), max(places)) if places else None


def board(session: Session, viewer: Viewer, round_id: int) -> list[BoardLine]:
    """Every department that the person sees, by trust and site, with what it has declared in the round."""
    declarations = {
        row.department_id: row
        for row in session.scalars(
            visible_declarations(viewer)
            .where(Declaration.round_id == round_id)
            .options(selectinload(Declaration.weeks), joinedload(Declaration.changed_by))
        )
    }
    departments = session.scalars(visible_departments(viewer)).unique()
    return [BoardLine(department, declarations.get(department.id)) for department in departments]


def counts(session: Session, viewer: Viewer, round_id: int) -> tuple[int, int]:
    """How many departments have submitted, and how many there are."""
    submitted = session.scalar(
        select(func.count()).select_from(
            visible_declarations(viewer)
            .where(Declaration.round_id == round_id, Declaration.state == "submitted")
            .subquery()
        )
    )
    departments = session.scalar(
        select(func.count()).select_from(visible_departments(viewer).order_by(None).subquery())
    )
    return submitted or 0, departments or 0


def supervision_weight(session: Session, round_: Round, modality_id: int) -> Decimal | None:
    """The WTE that one learner takes in a modality's departments: the largest weight, in force when the
    round begins, of the learner groups whose plan asks for the modality. None where no group does.
    """
    groups = (
        select(Programme.learner_group_id)
        .join(PlanLine, PlanLine.programme_id == Programme.id)
        .join(PlanLine.block)
        .where(Block.round_id == round_.id, PlanLine.modalities.any(Modality.id == modality_id))
    )
    weights = session.scalars(
        select(SupervisionWeight)
        .where(
            SupervisionWeight.learner_group_id.in_(groups),
            SupervisionWeight.valid_from <= round_.first_week,
        )
        .order_by(SupervisionWeight.valid_from)
    )
    in_force = {row.learner_group_id: row.weight for row in weights}
    return max(in_force.values(), default=None)


@dataclass(frozen=True)
class Effective:
    """Learners whom a department can really take in a week, and which limit binds."""

    places: int
    limit: str


def effective_places(maximum: int, wte: Decimal, weight: Decimal | None) -> Effective:
    """The least of the places declared and of WTE / supervision weight, rounded down (SPEC, "Declare")."""
    supervised = maximum if weight is None else int(wte / weight)
    if supervised < maximum:
        return Effective(supervised, "supervision")
    return Effective(maximum, "places")


@dataclass(frozen=True)
class OfferedWeek:
    """Places preferred and at most, and supervising WTE, in one week."""

    week: date
    preferred: int
    maximum: int
    wte: Decimal


@dataclass(frozen=True)
class Offered:
    """A submitted declaration: what the match may use."""

    declaration_id: int
    department_id: int
    site_id: int
    trust: str
    modality: str
    weeks: tuple[OfferedWeek, ...]


def offers(session: Session, round_id: int) -> list[Offered]:
    """The submitted declarations of a round, for the snapshot; the caller has been let see the round."""
    rows = session.scalars(
        select(Declaration)
        .where(Declaration.round_id == round_id, Declaration.state == "submitted")
        .options(
            selectinload(Declaration.weeks),
            joinedload(Declaration.department).joinedload(Department.site).joinedload(Site.trust),
            joinedload(Declaration.department).joinedload(Department.modality),
        )
        .order_by(Declaration.department_id)
    )
    return [
        Offered(
            declaration_id=row.id,
            department_id=row.department_id,
            site_id=row.department.site_id,
            trust=row.department.site.trust.ods,
            modality=row.department.modality.key,
            weeks=tuple(OfferedWeek(w.week, w.preferred, w.maximum, w.wte) for w in row.weeks),
        )
        for row in rows
    ]
