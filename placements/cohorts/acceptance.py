"""What accepting an upload does: its rows compared with the learners that the round already has.

The preview shows a `Comparison`, and accepting saves the same one, so that what was seen is what is done.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from placements.cohorts.constraints import (
    access_needs_by_learner,
    companion_groups,
    companions_by_learner,
    earlier_sites_by_record,
)
from placements.cohorts.models import Cohort, Learner, Requirement, Upload
from placements.cohorts.planned import is_asked
from placements.cohorts.queries import (
    cohort_of_upload,
    exclusions_by_learner,
    plan_of_stage,
    preferences_by_learner,
    trusts_of_network,
)
from placements.cohorts.uploads import LearnerRow, ParsedUpload
from placements.organisations.models import Programme, Stage
from placements.organisations.queries import access_needs, sites_of_network
from placements.rounds.models import PlanLine


@dataclass(frozen=True)
class LearnerValues:
    """All that is saved of a learner: sites, trust and access needs by id, the plan lines of the blocks
    needed, other learners by reference in small letters, and how often each earlier site was attended."""

    reference: str
    postcode: str
    term_postcode: str | None
    travel_mode: str
    travel_limit_minutes: int | None
    employer_trust_id: int | None
    available_from: date | None
    priority: int | None
    preferences: tuple[int, ...]
    exclusions: frozenset[int]
    plan_lines: frozenset[int]
    released: bool = False
    accommodation: bool = False
    available_until: date | None = None
    hub_trust_id: int | None = None
    priority_reason: str = ""
    weekdays: str | None = None
    access_needs: frozenset[int] = frozenset()
    together: frozenset[str] = frozenset()
    apart: frozenset[str] = frozenset()
    earlier_sites: frozenset[tuple[int, int]] = frozenset()

    @property
    def columns(self) -> dict[str, object]:
        """The values that stand in the learner's own row."""
        return {name: getattr(self, name) for name in OWN_COLUMNS}


# A site attended more often before counts as this often.
MOST_TIMES = 20
OWN_COLUMNS = (
    "reference",
    "postcode",
    "term_postcode",
    "travel_mode",
    "travel_limit_minutes",
    "employer_trust_id",
    "hub_trust_id",
    "available_from",
    "priority",
    "released",
    "accommodation",
    "available_until",
    "priority_reason",
    "weekdays",
)


@dataclass(frozen=True)
class Change:
    """A learner who is there already, and is to become something else."""

    learner_id: int
    record_id: int
    before: LearnerValues
    after: LearnerValues


@dataclass(frozen=True)
class Clash:
    """A row whose reference stands in another cohort of the same HEI and round."""

    line: int
    reference: str
    cohort: str


@dataclass(frozen=True)
class Comparison:
    """What accepting would do, row by row; it cannot be done where there are `clashes` or `unknown` names."""

    cohort: Cohort | None
    plan: tuple[PlanLine, ...]
    new: tuple[LearnerValues, ...]
    changed: tuple[Change, ...]
    unchanged: int
    staying: tuple[str, ...]
    without_block: tuple[LearnerRow, ...]
    clashes: tuple[Clash, ...]
    unknown: tuple[str, ...]
    outcome_by_line: dict[int, str]
    # Those who ranked sites themselves, and whose order the file's takes the place of.
    ranked_themselves: tuple[str, ...] = ()

    @property
    def changes_anything(self) -> bool:
        return bool(self.new or self.changed)

    @property
    def is_possible(self) -> bool:
        return not self.clashes and not self.unknown


def compare(session: Session, upload: Upload, parsed: ParsedUpload) -> Comparison:
    """The rows of an upload against what is there; the caller has been let see the upload. Of what the file
    does not speak of, everything stays as it is."""
    rows = parsed.rows
    cohort = cohort_of_upload(session, upload)
    plan = plan_of_stage(session, upload.round_id, upload.programme_id, upload.stage_id)
    network_id = upload.round.network_id
    sites = {site.name: site.id for site in sites_of_network(session, network_id)}
    trusts = {trust.ods: trust.id for trust in trusts_of_network(session, network_id)}
    needs = access_needs(session)
    named = {name for row in rows for name in (*row.preferences, *row.excluded_sites, *row.earlier_sites)}
    named_trusts = {ods for row in rows for ods in (row.employer, row.hub) if ods}
    unknown = (*sorted(named - sites.keys()), *sorted(named_trusts - trusts.keys()))
    known = _Known(plan, sites, trusts, {need.key: need.id for need in needs}, _companions(rows))

    existing = _existing(session, cohort) if cohort is not None else {}
    elsewhere = _elsewhere(session, upload, cohort)
    new: list[LearnerValues] = []
    changed: list[Change] = []
    unchanged = 0
    outcome: dict[int, str] = {}
    for row in rows if not unknown else ():
        found = existing.pop(row.reference.casefold(), None)
        values = _values(row, parsed.fields, known, found.values if found is not None else None)
        if row.reference.casefold() in elsewhere:
            outcome[row.line] = "in another cohort"
            continue
        if found is None:
            new.append(values)
            outcome[row.line] = "new"
        elif found.values == values:
            unchanged += 1
            outcome[row.line] = "unchanged"
        else:
            changed.append(Change(found.id, found.record_id, before=found.values, after=values))
            outcome[row.line] = "changed"
    return Comparison(
        cohort=cohort,
        plan=tuple(plan),
        new=tuple(new),
        changed=tuple(changed),
        unchanged=unchanged,
        staying=tuple(sorted(one.values.reference for one in existing.values())),
        without_block=tuple(row for row in rows if not _lines_for(row.available_from, plan)),
        clashes=tuple(
            Clash(row.line, row.reference, elsewhere[row.reference.casefold()])
            for row in rows
            if row.reference.casefold() in elsewhere
        ),
        unknown=unknown,
        outcome_by_line=outcome,
        ranked_themselves=_ranked_themselves(session, changed),
    )


def _lines_for(available_from: date | None, plan: Sequence[PlanLine]) -> frozenset[int]:
    """The plan lines of the blocks that begin once the learner is there."""
    return frozenset(line.id for line in plan if is_asked(line.possible_blocks, available_from))


@dataclass(frozen=True)
class _Known:
    """What the names in rows stand for: the plan, sites by name, trusts by code, access needs by key, and for
    each kind the learners with whom rows of the file pair each, by reference in small letters."""

    plan: Sequence[PlanLine]
    sites: dict[str, int]
    trusts: dict[str, int]
    access_needs: dict[str, int]
    companions: dict[str, dict[str, set[str]]]


def _values(
    row: LearnerRow, fields: frozenset[str], known: _Known, before: LearnerValues | None
) -> LearnerValues:
    """What a row makes of a learner; what the file does not speak of stays as it was."""
    sites = known.sites
    key = row.reference.casefold()
    employer = known.trusts[row.employer] if row.employer else None
    said: dict[str, tuple[str, object]] = {
        "term_postcode": ("term postcode", row.term_postcode),
        "travel_mode": ("travel mode", row.travel_mode),
        "travel_limit_minutes": ("travel limit", row.travel_limit_minutes),
        "employer_trust_id": ("employer", employer),
        "hub_trust_id": ("hub", known.trusts[row.hub] if row.hub else None),
        "available_from": ("available from", row.available_from),
        "available_until": ("available until", row.available_until),
        "priority": ("priority", row.priority),
        "priority_reason": ("priority reason", row.priority_reason),
        "released": ("released", row.released),
        "accommodation": ("accommodation", row.accommodation),
        "weekdays": ("days", row.weekdays),
        "preferences": ("preferences", tuple(sites[name] for name in row.preferences)),
        "exclusions": ("excluded sites", frozenset(sites[name] for name in row.excluded_sites)),
        "access_needs": ("access needs", frozenset(known.access_needs[need] for need in row.access_needs)),
        "earlier_sites": (
            "earlier sites",
            frozenset(
                (sites[name], min(times, MOST_TIMES)) for name, times in Counter(row.earlier_sites).items()
            ),
        ),
        "together": ("together with", frozenset(known.companions["together"].get(key, ()))),
        "apart": ("apart from", frozenset(known.companions["apart"].get(key, ()))),
    }
    values: dict[str, Any] = {
        name: value if before is None or field in fields else getattr(before, name)
        for name, (field, value) in said.items()
    }
    # An employer's release goes with the employer.
    values["released"] = values["released"] and values["employer_trust_id"] is not None
    return LearnerValues(
        reference=row.reference,
        postcode=row.postcode,
        plan_lines=_lines_for(values["available_from"], known.plan),
        **values,
    )


def _companions(rows: Sequence[LearnerRow]) -> dict[str, dict[str, set[str]]]:
    """Who goes with whom, and who never does: one naming the other is enough."""
    found: dict[str, dict[str, set[str]]] = {"together": defaultdict(set), "apart": defaultdict(set)}
    for kind, others in found.items():
        pairs = ((row.reference.casefold(), other.casefold()) for row in rows for other in getattr(row, kind))
        for group in companion_groups(kind, pairs):
            for reference in group:
                others[reference] |= group - {reference}
    return found


@dataclass(frozen=True)
class _Existing:
    id: int
    record_id: int
    values: LearnerValues


def _existing(session: Session, cohort: Cohort) -> dict[str, _Existing]:
    """The cohort's learners as they are, by reference in any capitals."""
    mine = Learner.cohort_id == cohort.id
    preferences = preferences_by_learner(session, mine)
    exclusions = exclusions_by_learner(session, mine)
    needs = access_needs_by_learner(session, mine)
    earlier = earlier_sites_by_record(session, mine)
    companions = companions_by_learner(session, mine)
    plan_lines: dict[int, set[int]] = defaultdict(set)
    for learner_id, line_id in session.execute(
        select(Requirement.learner_id, Requirement.plan_line_id).join(Requirement.learner).where(mine)
    ):
        if line_id is not None:
            plan_lines[learner_id].add(line_id)
    columns = [getattr(Learner, name) for name in OWN_COLUMNS]
    return {
        row.reference.casefold(): _Existing(
            row.id,
            row.record_id,
            LearnerValues(
                **{name: getattr(row, name) for name in OWN_COLUMNS},
                preferences=tuple(preferences[row.id]),
                exclusions=frozenset(exclusions[row.id]),
                plan_lines=frozenset(plan_lines[row.id]),
                access_needs=frozenset(needs[row.id]),
                earlier_sites=frozenset(earlier[row.record_id].items()),
                together=frozenset(companions["together", row.id]),
                apart=frozenset(companions["apart", row.id]),
            ),
        )
        for row in session.execute(select(Learner.id, Learner.record_id, *columns).where(mine))
    }


def _ranked_themselves(session: Session, changed: Sequence[Change]) -> tuple[str, ...]:
    differing = {
        change.learner_id: change.after.reference
        for change in changed
        if change.before.preferences != change.after.preferences
    }
    if not differing:
        return ()
    by_learner = session.scalars(select(Learner.id).where(Learner.preferences_by == "learner"))
    return tuple(sorted(differing[id_] for id_ in by_learner if id_ in differing))


def _elsewhere(session: Session, upload: Upload, cohort: Cohort | None) -> dict[str, str]:
    """References of the HEI's other cohorts in the round, with the name of each one's cohort."""
    rows = session.execute(
        select(Learner.reference, Programme.name, Stage.name, Cohort.intake)
        .join(Learner.cohort)
        .join(Cohort.programme)
        .join(Cohort.stage)
        .where(
            Learner.round_id == upload.round_id,
            Learner.hei_id == upload.hei_id,
            Learner.cohort_id != (cohort.id if cohort is not None else 0),
        )
    )
    return {
        reference.casefold(): f"{programme}, {stage}, {intake} intake"
        for reference, programme, stage, intake in rows
    }
