"""What would have to change for a learner to go to a place: the fewest changes, each of them needed.

First the rules that refuse the placing by itself (`single_changes.py`): each asks for one change, and for a
long journey there may be two ways. Then everybody stays where they are, the requirement is put there, and a
small integer program finds the fewest limits to raise and placings to give up (`fewest_changes.py`). At last
those who leave are placed again as well as can be. With all changes made the checker's rules are counted.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from matching.aims import load, supervised
from matching.certificates import key_of
from matching.changes import Change, changed
from matching.columns import RowName
from matching.fewest_changes import Fewest, fewest_changes, limit_of, rigid
from matching.next_best import Move, block_of, move
from matching.policy import Policy
from matching.problem import Problem
from matching.recount import Recount
from matching.recount_rules import broken_together
from matching.resolve import resolve, soon
from matching.result import Result
from matching.rules import supervision
from matching.single_changes import Placement, caps, ways_in, wte_for
from matching.standing import Standing
from matching.stop import Never, Stop
from matching.tables import Ints, thousandths
from matching.tiers import placings_of
from matching.validation import ProblemError


@dataclass(frozen=True)
class WayThere:
    """The fewest changes with which a requirement can go to an offer (in a block) while everybody else stays:
    `changes` of the problem or policy, and `moves` of others to another place or to none. With any one left
    out the placing breaks a rule."""

    requirement: str
    offer: str
    block: str | None
    changes: tuple[Change, ...]
    moves: tuple[Move, ...]

    @property
    def number(self) -> int:
        """How many changes and moves there are."""
        return len(self.changes) + len(self.moves)


def what_must_change(
    problem: Problem,
    policy: Policy,
    result: Result,
    requirement: str,
    offer: str,
    *,
    seconds: float = 20.0,
    stop: Stop | None = None,
) -> WayThere | None:
    """The fewest changes for a requirement to go to an offer, over the blocks that it may take; none where
    there is room. None where no change would do: it cannot be reached, or supervision is set to 0.

    Raises `ProblemError` for an unknown requirement or offer, `OutOfTime` where stopped or out of `seconds`,
    AssertionError should the check of the changes fail.
    """
    r, o = problem.requirement_index.get(requirement), problem.offer_index.get(offer)
    if r is None or o is None:
        name, value = ("requirement", requirement) if r is None else ("offer", offer)
        raise ProblemError("what_must_change", name, value, f"the key of {name} in this problem")
    item, there = problem.requirements[r], problem.offers[o]
    rotation = problem.rotation_of(item)
    blocks: list[tuple[str | None, tuple[int, ...]]] = [(None, item.weeks)]
    if rotation is not None:
        blocks = list(zip(rotation.blocks, rotation.weeks, strict=True))
    ends, best = soon(seconds), None
    for block, weeks in blocks:
        at = Placement(item, there, block, weeks)
        for first in ways_in(problem, policy, at):
            way = _Way(problem, policy, result, at, first, stop or Never(), ends).found()
            if best is None or (way.number, len(way.moves)) < (best.number, len(best.moves)):
                best = way
    return best


@dataclass(frozen=True, eq=False)
class _Way:
    """One block and one way in; see `what_must_change`."""

    problem: Problem
    policy: Policy
    result: Result
    at: Placement
    first: list[Change]
    stop: Stop
    ends: float

    def found(self) -> WayThere:
        before = self._near(self._standing(self.first, ()))
        known = {_about(c) for c in self.first}
        names = {limit_of(name) for name in before.names if not rigid(name)}
        rows = {name for name in names if _named(before.problem, name) in known}
        fewest = fewest_changes(before, self._choice(before), rows, self.stop, self.ends - soon(0.0))
        gone = tuple(before.problem.requirements[q].key for q in fewest.leaving)
        changes = self._changes(self._standing(self.first, gone), fewest)
        after = self._standing(changes, gone, there=True)
        self._check(after)
        moves = self._moves(after, before, gone)
        return WayThere(self.at.requirement.key, self.at.offer.key, self.at.block, changes, moves)

    def _standing(self, changes: Iterable[Change], gone: tuple[str, ...], there: bool = False) -> Standing:
        """The answer in hand with changes made, without some placings; asks about the requirement, which has
        no place, or (`there`) about those who are gone, and it has its new one."""
        problem, policy = changed(self.problem, self.policy, changes)
        key, away = self.at.requirement.key, {*gone, self.at.requirement.key}
        assignment = {k: o for k, o in self.result.assignment.items() if k not in away}
        blocks = {k: b for k, b in self.result.blocks.items() if k not in away}
        if there:
            assignment[key] = self.at.offer.key
            if self.at.block is not None:
                blocks[key] = self.at.block
        result = dataclasses.replace(self.result, assignment=assignment, blocks=blocks)
        about = [problem.requirement_index[k] for k in (gone if there else (key,))]
        return Standing(problem, policy, result, np.array(about, np.int64))

    def _near(self, standing: Standing) -> Standing:
        """The same with those alone who can count under a limit that the placing counts under: in the trust,
        in departments with which its educators are shared, of the learner and their companions."""
        tables, problem = standing.tables, standing.problem
        o = problem.offer_index[self.at.offer.key]
        group, d = standing.load_group, tables.offer_department[o]
        near = (tables.offer_trust == tables.offer_trust[o]) | (group[tables.offer_department] == group[d])
        learner = self.at.requirement.learner
        theirs = {key for item in problem.companions if learner in item.learners for key in item.learners}
        people = [problem.learner_index[key] for key in theirs | {learner}]
        among = np.isin(tables.requirement_learner, people)
        placed = np.flatnonzero(standing.held_pair >= 0)
        among[placed[near[standing.eligible.offer[standing.held_pair[placed]]]]] = True
        return standing.narrowed(standing.about, np.flatnonzero(among))

    def _choice(self, standing: Standing) -> int:
        problem, at = standing.problem, self.at
        r, o = problem.requirement_index[at.requirement.key], problem.offer_index[at.offer.key]
        for k in range(standing.start[r], standing.start[r + 1]):
            if standing.choices.offer[k] == o and block_of(standing, k) == at.block:
                return int(k)
        raise AssertionError(f"{at.requirement.key} is still refused {at.offer.key}")

    def _check(self, after: Standing) -> None:
        count = Recount(after.problem, after.policy, after.result)
        stays = count.stays()
        wrong = next(count.pairs(stays), None) or next(broken_together(count, stays), None)
        if wrong is not None:
            raise AssertionError(f"the changes are not enough: {wrong}")
        if load(after.tables, after.policy, placings_of(after.choices, after.taken)) is None:
            raise AssertionError("the changes are not enough: supervision")

    def _moves(self, after: Standing, before: Standing, gone: tuple[str, ...]) -> tuple[Move, ...]:
        """Where those who leave go: each as well as can be, the others in place."""
        if not gone:
            return ()
        leaving = np.array([after.problem.requirement_index[key] for key in gone], np.int64)
        found = resolve(after, leaving, self.stop, self.ends).after
        out = []
        for r in leaving.tolist():
            new, key = move(after, r, found[r]), after.problem.requirements[r].key
            offer, block = self.result.assignment[key], self.result.blocks.get(key)
            out.append(dataclasses.replace(new, before=offer, block_before=block))
        return tuple(out)

    # -- figures ------------------------------------------------------------

    def _changes(self, standing: Standing, fewest: Fewest) -> tuple[Change, ...]:
        """The changes for the placing by itself, with what the limits raised need over all who stay."""
        raised = {_named(standing.problem, name): name for name in fewest.raised}
        out = [change for change in self.first if _about(change) not in raised]
        for what in sorted(raised):
            before = next((c for c in self.first if _about(c) == what), None)
            out.append(self._raise(standing, raised[what], fewest, before))
        return tuple(out)

    def _raise(self, standing: Standing, name: RowName, fewest: Fewest, before: Change | None) -> Change:
        problem, key = self.problem, key_of(self.problem, name)
        learner = problem.learners[problem.learner_index[self.at.requirement.learner]]
        if name.rule == "supervision":
            return self._more_wte(standing, name.position, fewest, before)
        if name.rule in ("places", "accommodation"):
            return self._one_more(standing, name, key)
        if name.rule == "companions":
            return Change("companions", "companions", key, learner.key)
        if name.rule == "agreements":
            rows = [i for i, other in enumerate(standing.names) if other == name and standing.most[i] >= 0]
            there = max(len(standing.holders(i)) for i in rows)
            return Change("agreements", "agreement", key, problem.agreements[name.position].most, there + 1)
        chosen = standing.choices
        mine = standing.taken & (chosen.learner == name.position)
        site = problem.departments[problem.department_index[self.at.offer.department]].site
        sites = [problem.sites[s].key for s in chosen.site[mine].tolist()] + [site]
        if name.rule == "site_repeats":
            needed = learner.attended.count(site) + sites.count(site)
            return Change("site_repeats", "learner", key, learner.site_repeats, needed)
        repeats = len(sites) - len(set(sites) - set(learner.attended))
        needed = int(standing.tables.asked[name.position]) + len(set(learner.attended)) - repeats
        return Change("different_sites", "learner", key, learner.different_sites, needed)

    def _one_more(self, standing: Standing, name: RowName, key: str) -> Change:
        """One more place, or bed, in the weeks that are full."""
        chosen, problem = standing.choices, self.problem
        if name.rule == "places":
            of = {
                "offer": chosen.offer,
                "department": chosen.department,
                "site": chosen.site,
                "trust": chosen.trust,
            }[name.level]
            there = standing.taken & (of == name.position)
            declared = next(p for level, _, p in caps(problem, self.at.offer) if level == name.level)
        else:
            there = standing.taken & chosen.bed & (chosen.site == name.position)
            declared = problem.sites[name.position].accommodation
        used: Ints = standing.tables.week_set_weeks[chosen.week_set[there]].sum(axis=0)
        holds = declared or (0,) * len(problem.weeks)
        full = [w for w in self.at.weeks if used[w] >= holds[w]]
        weeks = tuple(problem.weeks[w] for w in full)
        return Change(name.rule, name.level, key, min(holds[w] for w in full), 1, weeks)

    def _more_wte(self, standing: Standing, d: int, fewest: Fewest, before: Change | None) -> Change:
        """Own WTE of a department for what it must supervise beyond what there is."""
        problem, limit = self.problem, self.policy.supervision
        assert limit is not None  # noqa: S101 - no limit, no row
        department = problem.departments[d]
        served = bool(standing.tables.educators_of[d])
        holds = department.wte or (0.0,) * len(problem.weeks)
        weight = supervised(standing.tables, placings_of(standing.choices, standing.taken))[d]
        more: dict[int, int] = {}
        for w in self.at.weeks:
            own, had = thousandths(holds[w]), 0
            if before is not None and problem.weeks[w] in before.weeks:
                had = thousandths(float(before.needed or 0))
            if served:
                needed = supervision.limit(own + had, limit) + fewest.more.get(w, 0)
            else:
                needed = int(weight[w]) + thousandths(self.at.requirement.weight)
            more[w] = wte_for(own, needed, limit) or 0
        weeks = tuple(problem.weeks[w] for w, extra in more.items() if extra)
        now = min(holds[w] for w, extra in more.items() if extra)
        return Change("supervision", "department", department.key, now, max(more.values()) / 1000, weeks)


def _named(problem: Problem, name: RowName) -> tuple[str, str, str]:
    return name.rule, name.level, key_of(problem, name)


def _about(change: Change) -> tuple[str, str, str]:
    return change.rule, change.level, change.key
