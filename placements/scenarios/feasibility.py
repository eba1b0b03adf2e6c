"""What a cohort could expect were the match run now: which sites each learner may go to at all, and which
block has too few places. Draft or submitted, the cohort is counted beside the other submitted ones, over what
the trusts have approved so far; what is said is the engine's own reduction, and its bounds are proven."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

import matching
from placements.access import Role, Viewer
from placements.cohorts.models import Cohort, Learner
from placements.cohorts.queries import cohort_by_id
from placements.errors import Refused
from placements.organisations.models import Department, Icb, Modality, Site, Trust
from placements.organisations.queries import sites_of_network
from placements.rounds.models import Round
from placements.scenarios.describing import RULES
from placements.scenarios.policy_words import MODES, joined
from placements.scenarios.published import adopted_run
from placements.scenarios.queries import departments_by_id, inputs_of_round, own_scenario
from placements.scenarios.snapshot import default_policy, problem_of
from placements.web.formats import count

# A learner with so many sites or fewer has few.
FEW = 3
# Seconds to which the counts of places may take; what is not proven by then is not said to be short.
SECONDS = 5.0
# A site whose department has no approved places yet: no rule of the match, but nothing that it could use.
UNDECLARED = "undeclared"
WORDS: Mapping[str, tuple[str, str]] = {
    **RULES,
    UNDECLARED: ("has no approved places yet", "have no approved places yet"),
}


@dataclass(frozen=True)
class SiteWithin:
    """A site within reach: minutes one way in the learner's own way of travelling."""

    name: str
    minutes: int


@dataclass(frozen=True)
class Out:
    """Sites that one rule puts out of reach: "14 sites are beyond the travel limit"."""

    rule: str
    sites: Sequence[str]

    @property
    def words(self) -> str:
        return f"{len(self.sites):,} {WORDS[self.rule][len(self.sites) != 1]}"


@dataclass(frozen=True)
class Need:
    """Requirements of one learner in the same modalities with the same sites, by the blocks' names."""

    blocks: Sequence[str]
    modalities: str
    within: Sequence[SiteWithin]
    out: Sequence[Out]


@dataclass(frozen=True)
class LearnerLine:
    """A learner with what they need, the hardest first; `sites` are within reach of any of it."""

    id: int
    reference: str
    sites: int
    needs: Sequence[Need]

    @property
    def fewest(self) -> int:
        """The sites of the hardest need."""
        return len(self.needs[0].within)


@dataclass(frozen=True)
class Count:
    """Places wanted, the most of them that can be had, and by how many there are too few at least; `exact`
    says that no more need be missing. `full` are the departments that it is for, with their weeks."""

    wanted: int
    most: int
    short: int
    nowhere: int
    exact: bool
    full: Sequence[str] = ()


@dataclass(frozen=True)
class BlockLine:
    """What the cohort wants in a block, or in a rotation's, and what there is: for the cohort alone, and for
    all who could go to the same departments in those weeks."""

    name: str
    modalities: str
    floats: bool
    own: Count
    everyone: Count


@dataclass(frozen=True)
class Feasibility:
    """The picture of a cohort; `problem` says in words why there is none. `departments` are those of the
    network, of which so many have `approved` places; `drafts` are other cohorts that are not submitted;
    `policy` says by which it goes."""

    cohort: Cohort
    departments: int
    drafts: int
    approved: int = 0
    learners: Sequence[LearnerLine] = ()
    without_needs: int = 0
    blocks: Sequence[BlockLine] = ()
    policy: str = ""
    problem: str = ""

    def with_sites(self, least: int, most: int) -> list[LearnerLine]:
        """Learners whose hardest need has from `least` to `most` sites."""
        return [line for line in self.learners if least <= line.fewest <= most]

    @property
    def short(self) -> list[BlockLine]:
        """The blocks that are short for everyone or for the cohort alone."""
        return [line for line in self.blocks if line.everyone.short or line.own.short]


def feasibility(session: Session, viewer: Viewer, cohort_id: int) -> Feasibility:
    """The picture of a cohort that this person may see. An academy lead is told which departments are full;
    of other trusts and HEIs an officer is told totals only. Raises NotFound."""
    cohort = cohort_by_id(session, viewer, cohort_id)
    round_ = cohort.round
    departments = _departments(session, round_.network_id)
    found = Feasibility(
        cohort, sum(len(sites) for sites in departments.values()), _other_drafts(session, cohort)
    )
    people = {
        f"l{row.id}": row
        for row in session.execute(
            select(Learner.id, Learner.reference).where(Learner.cohort_id == cohort.id)
        )
    }
    if not people:
        return replace(found, problem="This cohort has no learners yet.")
    try:
        problem, _ = problem_of(session, round_, cohort_ids=[cohort.id])
    except Refused as refusal:
        return replace(found, problem=_why_not(session, viewer, cohort, refusal))
    found = replace(found, approved=len(problem.departments))
    mine = [r.key for r in problem.requirements if r.learner in people]
    if not mine:
        return replace(found, problem="No learner of this cohort needs a place in this round.")
    policy, said = _policy(session, viewer, round_)
    told = _Telling(session, viewer, cohort, problem, departments)
    lines = told.learners(matching.reach(problem, policy, mine), people)
    needs = matching.block_needs(problem, policy, mine, seconds=SECONDS)
    return replace(
        found,
        learners=sorted(lines, key=lambda line: (line.fewest, line.sites, line.reference)),
        without_needs=len(people) - len(lines),
        blocks=[told.block(need) for need in needs],
        policy=said,
    )


def _policy(session: Session, viewer: Viewer, round_: Round) -> tuple[matching.Policy, str]:
    """The policy of the run that was adopted, or else the round's own, and which it is in words."""
    run = adopted_run(session, round_.id)
    usual = matching.Policy.from_json(default_policy())
    if run is not None:
        policy, which = matching.Policy.from_json(run.policy), "the policy of the match that was adopted"
        if viewer.role is Role.ACADEMY_LEAD:
            which += f" (scenario “{run.scenario.name}”)"
    else:
        own = own_scenario(session, round_.id)
        policy = matching.Policy.from_json(own.policy) if own is not None else usual
        which = "the round’s own policy"
        if policy == usual:
            which = "the usual policy, as the academy has set none for this round"
    limits = [f"{count(policy.travel_limit[mode], 'minute')} {words}" for mode, words in MODES.items()]
    return policy, f"{which}: at most {joined(limits)}, one way"


def _other_drafts(session: Session, cohort: Cohort) -> int:
    drafts = select(func.count()).where(
        Cohort.round_id == cohort.round_id, Cohort.state == "draft", Cohort.id != cohort.id
    )
    return session.scalar(drafts) or 0


def _why_not(session: Session, viewer: Viewer, cohort: Cohort, refusal: Refused) -> str:
    """Why there is no picture. What is wrong may be another HEI's learner: not for an officer to read."""
    if not inputs_of_round(session, cohort.round_id).departments:
        return "No department has approved places in this round yet, so nobody has a site."
    if viewer.role is Role.ACADEMY_LEAD:
        return refusal.message
    return "The match could not be run with what there is so far. The academy can see why."


def _departments(session: Session, network_id: int) -> dict[str, set[int]]:
    """The sites of a network that have a modality, by its key."""
    found: dict[str, set[int]] = defaultdict(set)
    for key, site_id in session.execute(
        select(Modality.key, Department.site_id)
        .join(Department.modality)
        .join(Department.site)
        .join(Site.trust)
        .join(Trust.icb)
        .where(Icb.network_id == network_id)
    ):
        found[key].add(site_id)
    return found


class _Telling:
    """Names in place of the engine's keys."""

    def __init__(
        self,
        session: Session,
        viewer: Viewer,
        cohort: Cohort,
        problem: matching.Problem,
        departments: Mapping[str, set[int]],
    ) -> None:
        self.session, self.problem, self.departments = session, problem, departments
        self.tells_full = viewer.role is Role.ACADEMY_LEAD
        self.sites = {f"s{site.id}": site.name for site in sites_of_network(session, cohort.round.network_id)}
        self.blocks = {str(block.id): block.name for block in cohort.round.blocks}
        self.modalities = {row.key: row.name for row in session.scalars(select(Modality))}
        self.requirements = {r.key: r for r in problem.requirements}

    # -- learners ------------------------------------------------------------

    def learners(self, reach: matching.Reach, people: Mapping[str, Row[int, str]]) -> list[LearnerLine]:
        """Each learner who needs a place."""
        of: dict[str, list[matching.Reached]] = defaultdict(list)
        for item in reach.requirements:
            of[item.learner].append(item)
        found = []
        for learner in reach.learners:
            learner_id, reference = people[learner.learner]
            needs = sorted(self._needs(of[learner.learner]), key=lambda need: len(need.within))
            found.append(LearnerLine(learner_id, reference, len(learner.sites), needs))
        return found

    def _needs(self, items: Sequence[matching.Reached]) -> list[Need]:
        """Alike needs of a learner, told once."""
        alike: dict[tuple[object, ...], list[matching.Reached]] = {}
        for item in items:
            wanted = self.requirements[item.requirement].modalities
            alike.setdefault((wanted, item.sites, tuple(sorted(item.refused.items()))), []).append(item)
        return [self._need(those) for those in alike.values()]

    def _need(self, items: Sequence[matching.Reached]) -> Need:
        first = items[0]
        wanted = self.requirements[first.requirement].modalities
        minutes = self.problem.travel_minutes[self.problem.learner_index[first.learner]]
        within = [
            SiteWithin(self.sites[key], int(minutes[self.problem.site_index[key]])) for key in first.sites
        ]
        return Need(
            blocks=list(dict.fromkeys(name for item in items for name in self._blocks_of(item.requirement))),
            modalities=self._named(wanted),
            within=sorted(within, key=lambda site: (site.minutes, site.name)),
            out=self._out(first.refused, wanted),
        )

    def _out(self, refused: Mapping[str, str], wanted: Sequence[str]) -> list[Out]:
        """Sites by rule, the most first; one that has the modality but nothing approved is no site without
        it."""
        has = {f"s{site_id}" for key in wanted for site_id in self.departments.get(key, ())}
        by_rule: dict[str, list[str]] = defaultdict(list)
        for key, rule in refused.items():
            by_rule[UNDECLARED if rule == "modality_fit" and key in has else rule].append(self.sites[key])
        found = [Out(rule, sorted(sites)) for rule, sites in by_rule.items()]
        return sorted(found, key=lambda out: (-len(out.sites), out.rule))

    def _blocks_of(self, requirement: str) -> list[str]:
        item = self.requirements[requirement]
        rotation = self.problem.rotation_of(item)
        return [self.blocks[key] for key in ((item.block,) if rotation is None else rotation.blocks)]

    def _named(self, modalities: Sequence[str]) -> str:
        return " or ".join(self.modalities[key] for key in modalities)

    # -- blocks ------------------------------------------------------------

    def block(self, need: matching.BlockNeed) -> BlockLine:
        """One block, or a rotation's together."""
        names = [self.blocks[key] for key in need.blocks]
        return BlockLine(
            name=", ".join(names),
            modalities=self._named(need.modalities),
            floats=len(names) > 1,
            own=self._count(need.own),
            everyone=self._count(need.everyone),
        )

    def _count(self, found: matching.MostPlaced) -> Count:
        return Count(
            wanted=found.needed,
            most=found.most,
            short=found.short,
            nowhere=found.nowhere,
            exact=found.exact,
            full=self._full(found.full) if self.tells_full else (),
        )

    def _full(self, limits: Sequence[matching.FullLimit]) -> list[str]:
        """The departments and sites at their limit."""
        offered = {offer.key: offer.department for offer in self.problem.offers}
        keys = {
            offered.get(limit.key, limit.key) for limit in limits if limit.level in ("offer", "department")
        }
        rows = departments_by_id(self.session, [int(key[1:]) for key in keys])
        found = {row.name for row in rows.values()}
        found |= {self.sites[limit.key] for limit in limits if limit.level == "site"}
        return sorted(found)
