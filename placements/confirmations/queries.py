"""Reads about proposals: a trust sees those of its own departments, an academy lead all of the network's."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256

from sqlalchemy import ColumnElement, Select, and_, case, false, func, select
from sqlalchemy.orm import Session, joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from placements.access import Role, Viewer
from placements.accounts.models import Person
from placements.allocations.clearances import checks_of
from placements.allocations.models import PublicationLine
from placements.allocations.queries import newest_publication, visible_lines
from placements.clearance.queries import RoundChecks
from placements.clock import today
from placements.cohorts.models import Cohort, Learner, Requirement
from placements.confirmations.models import Proposal
from placements.errors import NotFound
from placements.organisations.models import Department, Hei, Programme, Site, Trust
from placements.rounds.models import PlanLine, Rotation, Round
from placements.scenarios.frozen import LockKey, key_of_lock
from placements.scenarios.models import Lock
from placements.web.filters import AddressFilter
from placements.web.formats import LONDON

WAITING = ("proposed", "asked")
OPEN = ("proposed", "asked", "confirmed", "declined")


def visible_proposals(viewer: Viewer) -> Select[Proposal]:
    """A trust sees what is proposed to its own departments, an academy lead all of the network's rounds;
    nobody else sees any."""
    proposals = (
        select(Proposal)
        .join(Proposal.round)
        .join(Proposal.department)
        .join(Department.site)
        .join(Site.trust)
        .join(Proposal.requirement)
        .join(Requirement.learner)
        .join(Learner.hei)
    )
    if viewer.role.is_of_a_trust:
        return proposals.where(Site.trust_id == viewer.trust_id)
    if viewer.role is Role.ACADEMY_LEAD:
        return proposals.where(Round.network_id == viewer.network_id)
    return proposals.where(false())


@dataclass(frozen=True)
class Filter(AddressFilter):
    """What of a round's proposals is wanted, by what the address says; "" and None let all through."""

    show: str = ""
    trust: int | None = None
    site: int | None = None
    week: date | None = None
    reference: str = ""


def is_overdue() -> ColumnElement[bool]:
    """The condition on proposals that the day to answer has passed without an answer."""
    return and_(Proposal.state.in_(WAITING), Proposal.answer_by < today())


def _shown(show: str) -> ColumnElement[bool]:
    if show == "late":
        return is_overdue()
    if show == "waiting":
        return Proposal.state.in_(WAITING)
    return Proposal.state.in_((show,) if show else OPEN)


def proposals_of_round(viewer: Viewer, round_id: int, wanted: Filter) -> Select[Proposal]:
    """A round's proposals that this person may see, filtered: by site, department, week and learner. Without
    `show`, all but those that were withdrawn."""
    found = visible_proposals(viewer).where(Proposal.round_id == round_id, _shown(wanted.show))
    if wanted.trust is not None:
        found = found.where(Trust.id == wanted.trust)
    if wanted.site is not None:
        found = found.where(Site.id == wanted.site)
    if wanted.week is not None:
        found = found.where(Proposal.first_week == wanted.week)
    if wanted.reference:
        found = found.where(func.lower(Learner.reference).contains(wanted.reference.lower(), autoescape=True))
    return found.options(*_all_that_a_page_says()).order_by(
        Trust.name,
        Site.name,
        Department.modality_id,
        Proposal.first_week,
        Hei.name,
        Learner.reference,
        Proposal.id,
    )


def _all_that_a_page_says() -> tuple[ORMOption, ...]:
    return (
        joinedload(Proposal.department).options(
            joinedload(Department.modality), joinedload(Department.site).joinedload(Site.trust)
        ),
        joinedload(Proposal.requirement).options(
            joinedload(Requirement.block),
            joinedload(Requirement.plan_line).options(
                joinedload(PlanLine.block), joinedload(PlanLine.rotation).selectinload(Rotation.blocks)
            ),
            joinedload(Requirement.learner).options(
                joinedload(Learner.hei),
                joinedload(Learner.cohort).options(
                    joinedload(Cohort.stage), joinedload(Cohort.programme).joinedload(Programme.learner_group)
                ),
            ),
            selectinload(Requirement.own_modalities),
        ),
    )


def proposal_by_id(session: Session, viewer: Viewer, proposal_id: int) -> Proposal:
    """One proposal; raises NotFound where there is none that this person may see."""
    found = session.scalar(
        visible_proposals(viewer)
        .where(Proposal.id == proposal_id)
        .options(joinedload(Proposal.round), *_all_that_a_page_says())
    )
    if found is None:
        raise NotFound("There is no such proposed place.")
    return found


@dataclass(frozen=True)
class ProposedPlace:
    """A proposal with what is said of it: its weeks, whether the learner is ready (checks not in order yet,
    in words), and whether it is published as it is."""

    proposal: Proposal
    block: str
    mondays: Sequence[date]
    not_ready: str
    is_published: bool

    @property
    def learner(self) -> Learner:
        return self.proposal.requirement.learner

    @property
    def weekdays(self) -> str:
        return self.proposal.requirement.weekdays_of_learner

    @property
    def first_day(self) -> date:
        return self.mondays[0] + timedelta(days=int(self.weekdays[0]) - 1)

    @property
    def last_day(self) -> date:
        return self.mondays[-1] + timedelta(days=int(self.weekdays[-1]) - 1)

    @property
    def is_overdue(self) -> bool:
        """Whether the day to answer has passed without an answer."""
        by = self.proposal.answer_by
        return self.proposal.state in WAITING and by is not None and by < today()

    @property
    def was_late(self) -> bool:
        """Whether it was answered after the day by which an answer was asked for."""
        decided, by = self.proposal.decided_utc, self.proposal.answer_by
        if decided is None or by is None or self.proposal.state not in ("confirmed", "declined"):
            return False
        return decided.astimezone(LONDON).date() > by


def with_facts(
    session: Session, viewer: Viewer, round_: Round, proposals: Sequence[Proposal]
) -> list[ProposedPlace]:
    """The proposals with what a page says of each; the caller has been let see them."""
    if not proposals:
        return []
    checks = RoundChecks(session, round_)
    published = published_as_proposed(session, viewer, round_.id, [row.requirement_id for row in proposals])
    found = []
    for proposal in proposals:
        requirement = proposal.requirement
        block, mondays = weeks_of(proposal)
        place = ProposedPlace(
            proposal, block, mondays, "", (requirement.id, proposal.department_id, mondays[0]) in published
        )
        learner = requirement.learner
        findings = checks.findings(
            learner.record_id, learner.hei_id, place.first_day, place.last_day, today()
        )
        found.append(ProposedPlace(proposal, block, mondays, checks_of(findings)[1], place.is_published))
    return found


def weeks_of(proposal: Proposal) -> tuple[str, list[date]]:
    """The block's name and the Mondays of a proposal; the first only where the plan has changed since."""
    requirement = proposal.requirement
    planned = requirement.plan_line
    for block in requirement.possible_blocks:
        mondays = planned.mondays_of(block) if planned is not None else block.mondays()
        if mondays and mondays[0] == proposal.first_week:
            return block.name, mondays
    return requirement.when, [proposal.first_week]


def published_as_proposed(
    session: Session, viewer: Viewer, round_id: int, requirement_ids: Collection[int]
) -> set[tuple[int, int, date]]:
    """Of these requirements the places in the newest publication: requirement, department and first week."""
    newest = newest_publication(session, viewer, round_id)
    if newest is None:
        return set()
    lines = session.execute(
        visible_lines(viewer)
        .where(
            PublicationLine.publication_id == newest.id,
            PublicationLine.requirement_id.in_(requirement_ids),
            PublicationLine.department_id.is_not(None),
        )
        .with_only_columns(
            PublicationLine.requirement_id, PublicationLine.department_id, PublicationLine.first_week
        )
    )
    return {(requirement, department or 0, week) for requirement, department, week in lines}


@dataclass(frozen=True)
class Answered:
    """How many of a trust's proposals stand how; `late`: waiting although the day to answer has passed."""

    trust_id: int
    trust: str
    counts: Mapping[str, int]
    late: int

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def waiting(self) -> int:
        return sum(self.counts.get(state, 0) for state in WAITING)


def answered_by_trust(session: Session, viewer: Viewer, round_id: int) -> list[Answered]:
    """How each trust has answered, by name; those to which nothing is proposed are left out."""
    rows = session.execute(
        visible_proposals(viewer)
        .where(Proposal.round_id == round_id, Proposal.state != "withdrawn")
        .with_only_columns(
            Trust.id,
            Trust.name,
            Proposal.state,
            func.count(),
            func.sum(case((is_overdue(), 1), else_=0)),
        )
        .group_by(Trust.id, Trust.name, Proposal.state)
        .order_by(Trust.name, Trust.id)
    )
    counts: dict[tuple[int, str], dict[str, int]] = {}
    late: dict[int, int] = {}
    for trust_id, trust, state, number, overdue in rows:
        counts.setdefault((trust_id, trust), {})[state] = number
        late[trust_id] = late.get(trust_id, 0) + int(overdue or 0)
    return [Answered(trust_id, trust, of, late[trust_id]) for (trust_id, trust), of in counts.items()]


@dataclass(frozen=True)
class Choices:
    """What a round's proposals that somebody sees can be filtered by."""

    trusts: Sequence[tuple[int, str]]
    sites: Sequence[tuple[int, str]]
    weeks: Sequence[date]


def choices_of_round(session: Session, viewer: Viewer, round_id: int) -> Choices:
    """The trusts, sites and first weeks of the proposals that this person may see."""
    of_round = visible_proposals(viewer).where(Proposal.round_id == round_id)
    trusts = session.execute(of_round.with_only_columns(Trust.id, Trust.name).distinct().order_by(Trust.name))
    sites = session.execute(of_round.with_only_columns(Site.id, Site.name).distinct().order_by(Site.name))
    weeks = session.scalars(
        of_round.with_only_columns(Proposal.first_week).distinct().order_by(Proposal.first_week)
    )
    return Choices(
        [(row_id, name) for row_id, name in trusts],
        [(row_id, name) for row_id, name in sites],
        list(weeks),
    )


def stamp_of(session: Session, found: Select[Proposal]) -> str:
    """What a list of proposals was when it was read: another one once any has changed, come or gone."""
    rows = session.execute(
        found.with_only_columns(Proposal.id, Proposal.version).order_by(None).order_by(Proposal.id)
    )
    text = ",".join(f"{row_id}.{version}" for row_id, version in rows)
    return sha256(text.encode()).hexdigest()[:16]


def declines_waiting(session: Session, viewer: Viewer, round_id: int, run_locks: Collection[LockKey]) -> int:
    """How many declines a run does not know of: those whose ban is in force and not among the run's locks."""
    rows = session.scalars(
        visible_proposals(viewer)
        .join(Lock, and_(Lock.origin == "decline", Lock.origin_id == Proposal.id, Lock.lifted_utc.is_(None)))
        .where(Proposal.round_id == round_id)
        .with_only_columns(Lock)
    )
    return sum(key_of_lock(lock) not in run_locks for lock in rows)


def answered_by(session: Session, proposal: Proposal) -> str:
    """The name of whoever answered or asked last; "" where nobody did."""
    if proposal.decided_by_id is None:
        return ""
    return session.scalar(select(Person.name).where(Person.id == proposal.decided_by_id)) or ""


def first_day_to_answer(session: Session, viewer: Viewer, round_id: int) -> date | None:
    """The first day by which a place that waits is to be answered; None where there is none."""
    return session.scalar(
        visible_proposals(viewer)
        .where(Proposal.round_id == round_id, Proposal.state.in_(WAITING))
        .with_only_columns(func.min(Proposal.answer_by))
    )
