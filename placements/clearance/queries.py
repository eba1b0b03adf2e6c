"""Reads about checks: the kinds, what a round makes of each, what learners had, and who is not clear."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from hashlib import sha256

from sqlalchemy import ColumnElement, Select, and_, exists, false, not_, or_, select, true
from sqlalchemy.orm import Session, aliased, joinedload

from placements.access import Role, Viewer
from placements.clearance.models import CheckKind, CheckRule, LearnerCheck
from placements.clearance.rule import Asked, Finding, Had, judge
from placements.cohorts.demand import is_there
from placements.cohorts.models import Cohort, Interruption, Learner, Requirement
from placements.cohorts.queries import visible_cohorts
from placements.errors import NotFound
from placements.organisations.models import Hei, Programme, Stage
from placements.rounds.models import Block, PlanLine, Round
from placements.rounds.queries import plan
from placements.web.formats import friday

# A learner's record and a kind of check.
Key = tuple[int, int]


def visible_kinds(viewer: Viewer) -> Select[CheckKind]:
    """The network's kinds of check and, for an officer, those of the own HEI; for an academy lead, all."""
    kinds = (
        select(CheckKind)
        .options(joinedload(CheckKind.hei))
        .order_by(CheckKind.hei_id.is_not(None), CheckKind.hei_id, CheckKind.position, CheckKind.id)
    )
    if viewer.role is Role.ACADEMY_LEAD:
        return kinds.where(CheckKind.network_id == viewer.network_id)
    if viewer.role is Role.PLACEMENT_OFFICER:
        network = select(Hei.network_id).where(Hei.id == viewer.hei_id).scalar_subquery()
        return kinds.where(
            CheckKind.network_id == network,
            or_(CheckKind.hei_id.is_(None), CheckKind.hei_id == viewer.hei_id),
        )
    return kinds.where(false())


def kind_by_id(session: Session, viewer: Viewer, kind_id: int) -> CheckKind:
    """One kind of check; raises NotFound where there is none that this person may see."""
    found = session.scalar(visible_kinds(viewer).where(CheckKind.id == kind_id))
    if found is None:
        raise NotFound("There is no such check.")
    return found


def kinds_of_hei(session: Session, viewer: Viewer, hei_id: int) -> list[CheckKind]:
    """The kinds of check that an HEI's learners are asked for, retired ones left out."""
    return list(
        session.scalars(
            visible_kinds(viewer).where(
                CheckKind.is_retired.is_(False), or_(CheckKind.hei_id.is_(None), CheckKind.hei_id == hei_id)
            )
        )
    )


@dataclass(frozen=True)
class KindRule:
    """A kind of check in a round: what it does there and when it is due; `is_own` where the round says
    otherwise than the kind itself."""

    kind: CheckKind
    effect: str
    weeks_before: int
    is_own: bool


def rules_of_round(session: Session, round_: Round) -> list[KindRule]:
    """What a round makes of each kind of check of its network that is not retired."""
    own = {
        row.kind_id: row for row in session.scalars(select(CheckRule).where(CheckRule.round_id == round_.id))
    }
    kinds = session.scalars(
        select(CheckKind)
        .where(CheckKind.network_id == round_.network_id, CheckKind.is_retired.is_(False))
        .options(joinedload(CheckKind.hei))
        .order_by(CheckKind.hei_id.is_not(None), CheckKind.hei_id, CheckKind.position, CheckKind.id)
    )
    return [
        KindRule(kind, rule.effect, rule.weeks_before, rule is not kind)
        for kind in kinds
        for rule in (own.get(kind.id, kind),)
    ]


def version_of_rules(rules: Collection[KindRule]) -> str:
    """Says whether anybody changed what a round makes of the checks since it was read."""
    words = [f"{rule.kind.id}:{rule.effect}:{rule.weeks_before}" for rule in rules]
    return sha256(" ".join(words).encode()).hexdigest()[:16]


def newest_checks(session: Session, which: ColumnElement[bool]) -> dict[Key, Had]:
    """The newest check of each kind that learners had, by record and kind; `which` is about LearnerCheck."""
    rows = session.execute(
        select(LearnerCheck.record_id, LearnerCheck.kind_id, LearnerCheck.done_on, LearnerCheck.expires_on)
        .where(which)
        .order_by(LearnerCheck.done_on)
    )
    return {
        (record_id, kind_id): Had(done_on, expires_on) for record_id, kind_id, done_on, expires_on in rows
    }


def of_cohort(cohort_id: int) -> ColumnElement[bool]:
    """The condition on checks that they are of a cohort's learners."""
    return LearnerCheck.record_id.in_(select(Learner.record_id).where(Learner.cohort_id == cohort_id))


class RoundChecks:
    """What a round asks of each HEI's learners, and the newest checks that they had: read once, when first
    asked for."""

    def __init__(self, session: Session, round_: Round, hei_id: int | None = None) -> None:
        self._asked = [
            Asked(rule.kind.id, rule.kind.name, rule.effect, rule.weeks_before, rule.kind.hei_id)
            for rule in rules_of_round(session, round_)
            if rule.effect != "not_asked"
        ]
        self._learners = select(Learner.record_id).where(Learner.round_id == round_.id)
        if hei_id is not None:
            self._learners = self._learners.where(Learner.hei_id == hei_id)
        self._session = session
        self._of_hei: dict[int, list[Asked]] = {}

    def only_of(self, which: ColumnElement[bool]) -> None:
        """Read no checks but those of some learners."""
        self._learners = self._learners.where(which)

    @cached_property
    def _had(self) -> dict[Key, Had]:
        if not self._asked:
            return {}
        return newest_checks(self._session, LearnerCheck.record_id.in_(self._learners))

    @property
    def asks_anything(self) -> bool:
        """Whether any HEI's learners are asked for any check."""
        return bool(self._asked)

    @property
    def most_weeks_before(self) -> int:
        """How many weeks before a placement the first of the checks falls due."""
        return max((one.weeks_before for one in self._asked), default=0)

    def lacking(self, last_day: date) -> ColumnElement[bool]:
        """Of learners: whether of some check that they are asked for the newest does not hold to a day."""
        return or_(
            false(),
            *(
                and_(
                    true() if one.hei_id is None else Learner.hei_id == one.hei_id,
                    not_(_newest_holds(one.kind_id, last_day)),
                )
                for one in self._asked
            ),
        )

    def asked_of(self, hei_id: int) -> list[Asked]:
        """The checks that an HEI's learners are asked for."""
        if hei_id not in self._of_hei:
            self._of_hei[hei_id] = [one for one in self._asked if one.hei_id in (None, hei_id)]
        return self._of_hei[hei_id]

    def findings(
        self, record_id: int, hei_id: int, first_day: date, last_day: date, today: date
    ) -> list[Finding]:
        """How a learner stands with each check before a placement, those that they are clear by left out."""
        found = (
            judge(
                asked,
                self._had.get((record_id, asked.kind_id)),
                first_day=first_day,
                last_day=last_day,
                today=today,
            )
            for asked in self.asked_of(hei_id)
        )
        return [finding for finding in found if not finding.is_clear]


def _newest_holds(kind_id: int, last_day: date) -> ColumnElement[bool]:
    """Of learners: whether the newest check of a kind holds to a day."""
    # Aliases, so that neither is taken for the checks of the statement around.
    had, newer = aliased(LearnerCheck), aliased(LearnerCheck)
    return exists().where(
        had.record_id == Learner.record_id,
        had.kind_id == kind_id,
        or_(had.expires_on.is_(None), had.expires_on >= last_day),
        ~exists().where(
            newer.record_id == had.record_id, newer.kind_id == kind_id, newer.done_on > had.done_on
        ),
    )


@dataclass(frozen=True)
class Wanted:
    """A placement that a learner needs, whether or not a place has been found: a requirement's days. Where it
    floats in a rotation, the days from its first possible block to its last."""

    requirement_id: int
    learner_id: int
    record_id: int
    cohort_id: int
    hei_id: int
    hei: str
    programme: str
    stage: str
    reference: str
    when: str
    first_day: date
    last_day: date


def wanted(
    session: Session,
    viewer: Viewer,
    round_: Round,
    cohort_id: int | None = None,
    *,
    only: ColumnElement[bool] | None = None,
    begins_by: date = date.max,
) -> list[Wanted]:
    """What the learners whom this person may see need in a round, by HEI and reference: without what falls on
    days when they are away, and without what they are exempt from. `only`: of some learners; `begins_by`: and
    only what may begin by a day."""
    cohorts = visible_cohorts(viewer).where(Cohort.round_id == round_.id)
    if cohort_id is not None:
        cohorts = cohorts.where(Cohort.id == cohort_id)
    seen = cohorts.with_only_columns(Cohort.id).order_by(None)
    which = and_(Learner.cohort_id.in_(seen), true() if only is None else only)
    lines = {line.id: line for line in plan(session, round_.id)}
    blocks = {block.id: block for block in round_.blocks}
    away: dict[int, list[Interruption]] = defaultdict(list)
    for interruption in session.scalars(select(Interruption).join(Interruption.learner).where(which)):
        away[interruption.learner_id].append(interruption)
    rows = session.execute(
        select(
            Requirement.id,
            Requirement.block_id,
            Requirement.plan_line_id,
            Learner.id.label("learner_id"),
            Learner.record_id,
            Learner.cohort_id,
            Learner.hei_id,
            Learner.reference,
            Learner.available_from,
            Learner.available_until,
            Hei.name.label("hei"),
            Programme.name.label("programme"),
            Stage.name.label("stage"),
        )
        .join(Requirement.learner)
        .join(Learner.cohort)
        .join(Cohort.programme)
        .join(Programme.hei)
        .join(Cohort.stage)
        .where(
            which, Requirement.state == "needed", _may_begin_by(begins_by, lines.values(), blocks.values())
        )
        .order_by(Hei.name, Learner.reference, Requirement.id)
    )
    # Thousands of learners share a few plan lines and blocks.
    spans_of: dict[tuple[int | None, int | None], tuple[str, list[list[date]]]] = {}
    found = []
    for row in rows:
        key = (row.plan_line_id, row.block_id)
        if key not in spans_of:
            spans_of[key] = _spans(lines.get(row.plan_line_id), blocks.get(row.block_id))
        when, spans = spans_of[key]
        there = [
            mondays
            for mondays in spans
            if mondays and is_there(mondays, row.available_from, row.available_until, away[row.learner_id])
        ]
        if there:
            found.append(
                Wanted(
                    row.id,
                    row.learner_id,
                    row.record_id,
                    row.cohort_id,
                    row.hei_id,
                    row.hei,
                    row.programme,
                    row.stage,
                    row.reference,
                    when,
                    min(mondays[0] for mondays in there),
                    max(friday(mondays[-1]) for mondays in there),
                )
            )
    return found


def _may_begin_by(day: date, lines: Iterable[PlanLine], blocks: Iterable[Block]) -> ColumnElement[bool]:
    """Of requirements: whether some block that they may take begins by a day."""
    if day == date.max:
        return true()
    near = [block.id for block in blocks if block.first_week <= day]
    floating = [line.id for line in lines if any(block.id in near for block in line.possible_blocks)]
    return or_(
        Requirement.block_id.in_(near),
        and_(Requirement.block_id.is_(None), Requirement.plan_line_id.in_(floating)),
    )


def _spans(line: PlanLine | None, block: Block | None) -> tuple[str, list[list[date]]]:
    """What a requirement is called, and the Mondays of each block that it may take."""
    if block is not None:
        return block.name, [line.mondays_of(block) if line is not None else block.mondays()]
    if line is not None:
        return line.when, [line.mondays_of(possible) for possible in line.possible_blocks]
    return "", []


@dataclass(frozen=True)
class NotClear:
    """A learner who is not clear by one check for a placement that has not ended."""

    wanted: Wanted
    finding: Finding


def not_clear(
    session: Session,
    viewer: Viewer,
    round_: Round,
    today: date,
    cohort_id: int | None = None,
    *,
    due_by: date | None = None,
) -> list[NotClear]:
    """Who is not clear for what in a round, of the learners whom this person may see: what is due first comes
    first. Placements that have ended are left out; with `due_by` what falls due later may be."""
    checks = RoundChecks(session, round_, viewer.hei_id)
    if not checks.asks_anything:
        return []
    lacking = checks.lacking(max((block.last_day for block in round_.blocks), default=today))
    checks.only_of(lacking)
    begins_by = due_by + timedelta(weeks=checks.most_weeks_before) if due_by is not None else date.max
    asked = wanted(session, viewer, round_, cohort_id, only=lacking, begins_by=begins_by)
    needs = [need for need in asked if need.last_day >= today]
    found = [
        NotClear(need, finding)
        for need in needs
        for finding in checks.findings(need.record_id, need.hei_id, need.first_day, need.last_day, today)
    ]
    return sorted(found, key=lambda row: row.finding.due_on)


def history_of(session: Session, record_id: int) -> Mapping[int, list[LearnerCheck]]:
    """Every check recorded of a learner whom the caller has been let see, by kind, the newest first."""
    rows = session.scalars(
        select(LearnerCheck)
        .where(LearnerCheck.record_id == record_id)
        .options(joinedload(LearnerCheck.kind))
        .order_by(LearnerCheck.done_on.desc())
    )
    found: dict[int, list[LearnerCheck]] = defaultdict(list)
    for row in rows:
        found[row.kind_id].append(row)
    return found


def learners_of_cohort(session: Session, cohort_id: int) -> list[Learner]:
    """The learners of a cohort that the caller has been let see, by reference."""
    return list(
        session.scalars(
            select(Learner).where(Learner.cohort_id == cohort_id).order_by(Learner.reference, Learner.id)
        )
    )


def all_checks(session: Session, cohort_id: int) -> dict[tuple[int, int, date], Had]:
    """Every check recorded of a cohort's learners, by learner, kind and day."""
    rows = session.execute(
        select(Learner.id, LearnerCheck.kind_id, LearnerCheck.done_on, LearnerCheck.expires_on)
        .join(Learner, Learner.record_id == LearnerCheck.record_id)
        .where(Learner.cohort_id == cohort_id)
    )
    return {
        (learner_id, kind_id, done_on): Had(done_on, expires_on)
        for learner_id, kind_id, done_on, expires_on in rows
    }
