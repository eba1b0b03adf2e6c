"""Reads about capacity declarations."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import Select, false, func, select
from sqlalchemy.orm import Session, joinedload, object_session, selectinload

from placements.access import Role, Viewer
from placements.capacity import storing
from placements.capacity.content import ANYONE, Content
from placements.capacity.effective import Effective, Rates, effective
from placements.capacity.models import Cap, Declaration, DeclarationRecord
from placements.educators.queries import Supervisor, supervisors
from placements.organisations.models import Department, Icb, LearnerGroup, Programme, Site, Trust
from placements.organisations.queries import (
    place_rates_in_force,
    supervision_factors_in_force,
    visible_departments,
    weights_in_force,
)
from placements.rounds.models import Block, PlanLine, Round
from placements.rounds.queries import visible_rounds


def visible_declarations(viewer: Viewer) -> Select[Declaration]:
    """A trust sees its own declarations, an invited site its own, an academy lead those of the network."""
    rounds = visible_rounds(viewer).with_only_columns(Round.id).order_by(None)
    declarations = (
        select(Declaration)
        .join(Declaration.department)
        .join(Department.site)
        .where(Declaration.round_id.in_(rounds))
    )
    if viewer.role.is_of_a_trust:
        return declarations.where(Site.trust_id == viewer.trust_id)
    if viewer.role is Role.INVITED_SITE:
        return declarations.where(Site.id == viewer.site_id)
    if viewer.role is Role.ACADEMY_LEAD:
        return declarations.join(Site.trust).join(Trust.icb).where(Icb.network_id == viewer.network_id)
    return declarations.where(false())


def changeable_departments(viewer: Viewer) -> Select[Department]:
    """Departments whose declarations the person may write and, by role, approve: a trust's own; for an
    academy lead the academy's centres, which a trust only houses."""
    departments = visible_departments(viewer)
    if viewer.role is Role.ACADEMY_LEAD:
        return departments.where(Site.kind == "academy")
    if viewer.role.is_of_a_trust:
        return departments.where(Site.kind != "academy")
    return departments


def may_change(viewer: Viewer, department: Department) -> bool:
    """Whether the person may write this department's declaration, which they may see."""
    if viewer.role is Role.INVITED_SITE:
        return True
    return (viewer.role is Role.ACADEMY_LEAD) == (department.site.kind == "academy")


def declaration_of(session: Session, viewer: Viewer, round_id: int, department_id: int) -> Declaration | None:
    """What a department has declared in a round, or None where it has nothing yet."""
    found = declarations_of(session, viewer, round_id, [department_id])
    return found.get(department_id)


def declarations_of(
    session: Session,
    viewer: Viewer,
    round_id: int,
    department_ids: Collection[int] | None = None,
    *,
    with_changer: bool = False,
) -> dict[int, Declaration]:
    """The declarations of a round by department's id (None: all that the person sees), `with_changer` for
    pages that name who changed each. What they say is `content_of`, or of many `storing.contents`."""
    wanted = visible_declarations(viewer).where(Declaration.round_id == round_id)
    if department_ids is not None:
        wanted = wanted.where(Declaration.department_id.in_(department_ids))
    if with_changer:
        wanted = wanted.options(joinedload(Declaration.changed_by))
    rows = session.scalars(wanted.execution_options(populate_existing=True))
    return {row.department_id: row for row in rows}


def content_of(declaration: Declaration | None) -> Content:
    """A declaration as plain values; nothing at all where there is none."""
    if declaration is None:
        return Content({ANYONE: {}})
    session = object_session(declaration)
    if session is None:
        raise LookupError("only a declaration that belongs to a session can be read")
    return storing.contents(session, [declaration.id])[declaration.id]


def line_words(key: str, groups: Iterable[LearnerGroup]) -> str:
    """How a line reads: "Anyone", "Sonography", "Diagnostic radiography, Year 1"."""
    group_key, _, stage_key = key.partition("/")
    for group in groups:
        if group.key == group_key:
            stages = [stage.name for stage in group.stages if stage.key == stage_key]
            return ", ".join([group.name, *stages])
    return "Anyone" if key == ANYONE else key


def line_keys_of(groups: Iterable[LearnerGroup]) -> list[str]:
    """Every line that a declaration may have."""
    found = [ANYONE]
    for group in groups:
        found += [group.key, *(f"{group.key}/{stage.key}" for stage in group.stages)]
    return found


def records_after(session: Session, declaration_id: int, version: int) -> list[DeclarationRecord]:
    """What was done with a declaration after a version of it, oldest first."""
    return list(
        session.scalars(
            select(DeclarationRecord)
            .where(DeclarationRecord.declaration_id == declaration_id, DeclarationRecord.version > version)
            .order_by(DeclarationRecord.id)
        )
    )


def counts(session: Session, viewer: Viewer, round_id: int) -> dict[str, int]:
    """How many departments stand in each state, `not declared` among them."""
    rows = session.execute(
        visible_declarations(viewer)
        .where(Declaration.round_id == round_id)
        .with_only_columns(Declaration.state, func.count())
        .group_by(Declaration.state)
    )
    found = {state: number for state, number in rows}  # noqa: C416 - a type checker takes rows for no pairs
    departments = session.scalar(
        select(func.count()).select_from(visible_departments(viewer).order_by(None).subquery())
    )
    return found | {"not declared": (departments or 0) - sum(found.values())}


def rates_of(session: Session, round_: Round, departments: Sequence[Department]) -> dict[int, Rates]:
    """What the reference data say of each department (by id) on the day that the round begins, before the
    factor of its supervision model: the learners whom the round's plan sends to its modality. Where it sends
    nobody, lists and sessions still make places, at the modality's rates."""
    weights = weights_in_force(session, round_.first_week)
    units = place_rates_in_force(session, round_.first_week)
    sent: dict[int, set[tuple[str, str]]] = {}
    for line in session.scalars(
        select(PlanLine)
        .join(PlanLine.block)
        .where(Block.round_id == round_.id)
        .options(
            selectinload(PlanLine.modalities),
            joinedload(PlanLine.programme).joinedload(Programme.learner_group),
            joinedload(PlanLine.stage),
        )
    ):
        for modality in line.modalities:
            sent.setdefault(modality.id, set()).add((line.programme.learner_group.key, line.stage.key))
    return {
        department.id: Rates(
            department.modality.measure,
            {
                learner: weights[learner]
                for learner in sent.get(department.modality_id, ())
                if learner in weights
            },
            {
                group: rate
                for (modality_id, group), rate in units.items()
                if modality_id == department.modality_id
                and (modality_id not in sent or any(group == its_group for its_group, _ in sent[modality_id]))
            },
        )
        for department in departments
    }


def with_model(rates: Rates, factor: Decimal | None) -> Rates:
    """The rates of a department that supervises by a model: each learner's weight times its factor."""
    if factor is None:
        return rates
    return Rates(
        rates.measure, {learner: weight * factor for learner, weight in rates.weights.items()}, rates.units
    )


@dataclass(frozen=True)
class Limits:
    """Everything but the declaration itself that limits departments in a round: read once, used for every
    department and week of a page."""

    weeks: Sequence[date]
    rates: Mapping[int, Rates]
    supervisors: Mapping[int, Sequence[Supervisor]]
    site_caps: Mapping[int, int]
    trust_caps: Mapping[int, int]
    factors: Mapping[str, Decimal]

    def effective(self, department: Department, content: Content) -> dict[date, Effective]:
        """The effective places of every week."""
        rates = with_model(self.rates[department.id], self.factors.get(content.model or ""))
        return {
            week: effective(
                content,
                week,
                index,
                rates,
                self.supervisors.get(department.id, ()),
                site_cap=self.site_caps.get(department.site_id),
                trust_cap=self.trust_caps.get(department.site.trust_id),
            )
            for index, week in enumerate(self.weeks)
        }


def limits_of(session: Session, round_: Round, departments: Sequence[Department]) -> Limits:
    """The limits of these departments, which the caller has been let see."""
    weeks = round_.block_weeks()
    ids = {department.id for department in departments}
    serving: dict[int, list[Supervisor]] = {}
    for supervisor in supervisors(session, weeks, ids):
        for department_id in supervisor.departments:
            serving.setdefault(department_id, []).append(supervisor)
    site_caps, trust_caps = caps_of(session, round_.id)
    return Limits(
        weeks=weeks,
        rates=rates_of(session, round_, departments),
        supervisors=serving,
        site_caps=site_caps,
        trust_caps=trust_caps,
        factors=supervision_factors_in_force(session, round_.first_week),
    )


def caps_of(session: Session, round_id: int) -> tuple[dict[int, int], dict[int, int]]:
    """The most learners at once of sites, by site's id, and of trusts, by trust's id."""
    caps = list(session.scalars(select(Cap).where(Cap.round_id == round_id)))
    return (
        {cap.site_id: cap.places for cap in caps if cap.site_id is not None},
        {cap.trust_id: cap.places for cap in caps if cap.site_id is None},
    )


@dataclass(frozen=True)
class Offered:
    """An approved declaration: what the match may use. `approved` is the record that it was taken from."""

    declaration_id: int
    record_id: int
    department_id: int
    site_id: int
    trust_id: int
    trust: str
    modality: str
    content: Content


def offers(session: Session, round_id: int, department_ids: Collection[int] | None = None) -> list[Offered]:
    """The latest approved declarations of a round by department (None: of all departments); the caller has
    been let see the round, or the departments."""
    approvals = _approvals(round_id)
    if department_ids is not None:
        approvals = approvals.where(Declaration.department_id.in_(department_ids))
    latest = approvals.subquery()
    rows = session.execute(
        select(DeclarationRecord, Declaration)
        .join(latest, latest.c.record_id == DeclarationRecord.id)
        .join(DeclarationRecord.declaration)
        .options(
            joinedload(Declaration.department).joinedload(Department.site).joinedload(Site.trust),
            joinedload(Declaration.department).joinedload(Department.modality),
        )
        .order_by(Declaration.department_id)
    )
    return [
        Offered(
            declaration_id=row.id,
            record_id=record.id,
            department_id=row.department_id,
            site_id=row.department.site_id,
            trust_id=row.department.site.trust_id,
            trust=row.department.site.trust.ods,
            modality=row.department.modality.key,
            content=Content.from_json(record.content or {}),
        )
        for record, row in rows
    ]


def _approvals(round_id: int) -> Select[int, int]:
    """Declaration and its latest approval's record, by id."""
    return (
        select(DeclarationRecord.declaration_id, func.max(DeclarationRecord.id).label("record_id"))
        .join(DeclarationRecord.declaration)
        .where(Declaration.round_id == round_id, DeclarationRecord.verb == "approve")
        .group_by(DeclarationRecord.declaration_id)
    )
