"""A match stated in full as a linear program over whole numbers: what the peers are given.

It is written from the problem alone, not from the rows of the engine, and tested against trying everything
and against the engine (tests/matching/test_matching_peers.py). It is meant to be a good statement: weeks in
which the same learners may be there are one row, and what cannot bind is left out.

    x[option] in {0, 1}: a requirement at an offer, in a block of its rotation
    q[department, week] = supervised there - sum of the educators' shares; 0 <= q <= limit
    y[educator, department, week] >= 0, whole thousandths of a WTE; for each group and stage apart, with the
    department's own, where the educators may not all supervise the same
    z[educator, department, group and stage, week] >= 0, learners on an educator where they are counted
    n[learner, site] in {0, 1}: a site where the learner has not been is used; repeats = placings - sum n
    the least load cost, shortfalls, and the worst of something: columns above what they must cover
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.sparse import csr_matrix

from benchmarks.options import Ints, Options, options, thousandths, within
from benchmarks.sheet import Aim, Sheet, Sum, by, spells
from benchmarks.statement_aims import POINT, agreed, priced_placings, worst_placings
from matching import Policy, Problem


@dataclass(frozen=True, eq=False)
class Statement:
    """Options are the first columns. `low` and `high` are [columns], `least` and `most` [rows] (FREE: no
    limit), `tiers` what is made small first, second ..."""

    problem: Problem
    policy: Policy
    options: Options
    low: Ints
    high: Ints
    rows: csr_matrix
    least: Ints
    most: Ints
    tiers: tuple[Aim, ...]


def state(problem: Problem, policy: Policy) -> Statement:
    """The whole match. O(options x weeks that differ)."""
    writer = _Writer(problem, policy)
    writer.write()
    sheet = writer.sheet
    return Statement(
        problem,
        policy,
        writer.options,
        np.array(sheet.low, np.int64),
        np.array(sheet.high, np.int64),
        sheet.matrix(),
        np.array(sheet.least, np.int64),
        np.array(sheet.most, np.int64),
        tuple(writer.tiers()),
    )


class _Writer:
    def __init__(self, problem: Problem, policy: Policy) -> None:
        self.problem, self.policy = problem, policy
        self.options = options(problem, policy)
        self.sheet = Sheet(len(self.options))
        self.named = {aim for tier in policy.tiers for aim in tier}
        self.sums = {aim: Sum() for aim in self.named}
        self.short = Sum()
        self.wanted = Counter(r.learner for r in problem.requirements)
        self.serving: dict[int, list[int]] = {}
        for e, educator in enumerate(problem.educators):
            for key in educator.departments:
                self.serving.setdefault(problem.department_index[key], []).append(e)
        self.shares: dict[tuple[int, int], list[int]] = {}
        self.heads: dict[tuple[int, int], list[int]] = {}

    def write(self) -> None:
        policy = self.policy
        for _, mine in by(self.options.requirement):
            self.sheet.row([(mine, 1)], most=1)
        self.offers()
        if policy.places:
            problem, at = self.problem, self.options
            self.at_most(at.department, [d.places for d in problem.departments])
            self.at_most(at.site, [s.places for s in problem.sites])
            self.at_most(at.trust, [t.places for t in problem.trusts])
        if policy.accommodation:
            beds = [s.accommodation for s in self.problem.sites]
            self.at_most(self.options.site, beds, np.flatnonzero(self.options.bed))
        self.supervision()
        for learner, mine in by(self.options.learner):
            self.learner(learner, mine)
        if policy.rotation:
            self.rotations()
        if policy.companions:
            self.companions()
        if policy.agreements:
            self.agreements()
        priced_placings(self.problem, policy, self.options, self.sums)
        worst_placings(self.problem, self.options, self.sheet, self.sums)

    def tiers(self) -> list[Aim]:
        """Placing first, by priority, then the policy's tiers."""
        problem, policy = self.problem, self.policy
        pinned = {lock.requirement for lock in problem.locks if lock.kind == "pin" and policy.locks}
        rank = [0 if r.key in pinned else r.priority for r in problem.requirements]
        of = np.array(rank, np.int64)
        out = []
        for p in sorted(set(rank)):
            mine = np.flatnonzero(of[self.options.requirement] == p)
            name = f"unplaced_priority_{p}" if p else "unplaced_pinned"
            out.append(Aim(name, mine, np.full(len(mine), -1, np.int64), int((of == p).sum())))
        if policy.agreements and any(a.least > 0 for a in problem.agreements):
            out.insert(int(0 in rank), self.aim("agreement_shortfall", [(self.short, 1)]))
        for name, tier in zip(policy.tier_names, policy.tiers, strict=True):
            out.append(self.aim(name, [(self.sums[aim], weight) for aim, weight in tier.items()]))
        return out

    def aim(self, name: str, parts: Sequence[tuple[Sum, int]]) -> Aim:
        dense = np.zeros(len(self.sheet.low), np.int64)
        for part, weight in parts:
            for columns, values in zip(part.columns, part.values, strict=True):
                np.add.at(dense, columns, weight * values)
        columns = np.flatnonzero(dense)
        return Aim(name, columns, dense[columns], sum(part.constant * weight for part, weight in parts))

    # -- by week ------------------------------------------------------------

    def spells(self, members: Ints) -> list[tuple[list[int], Ints]]:
        return list(spells(self.options.week_set, self.options.covers, members))

    def asking(self, members: Ints) -> int:
        """How many requirements some options are of."""
        return len(np.unique(self.options.requirement[members]))

    def at_most(self, of: Ints, declared: list[tuple[int, ...] | None], only: Ints | None = None) -> None:
        for position, members in by(of, only):
            places = declared[position]
            if places is not None:
                for weeks, inside in self.spells(members):
                    most = min(places[w] for w in weeks)
                    if most < self.asking(inside):
                        self.sheet.row([(inside, 1)], most=most)

    def offers(self) -> None:
        """Places of each offer, and the price of those above preferred: the n-th in a week costs no less
        than the one before, so that the columns that carry it fill in order."""
        policy = self.policy
        for o, members in by(self.options.offer):
            offer = self.problem.offers[o]
            for weeks, inside in self.spells(members):
                asking = self.asking(inside)
                most = min([asking, *(offer.maximum[w] for w in weeks)]) if policy.places else asking
                if most < asking:
                    self.sheet.row([(inside, 1)], most=most)
                if "above_preferred" not in self.named:
                    continue
                price = np.zeros(most, np.int64)
                for w in weeks:
                    low, span = offer.preferred[w], max(1, offer.maximum[w] - offer.preferred[w])
                    above = np.clip(np.arange(1, most + 1) - low, 0, span)
                    price += POINT * policy.above_preferred * above // span
                free = int((price == 0).sum())
                if free < most:
                    levels, counts = np.unique(price[free:], return_counts=True)
                    steps = np.array([self.sheet.column(int(n)) for n in counts], np.int64)
                    self.sheet.row([(inside, 1), (steps, -1)], most=free)
                    self.sums["above_preferred"].add(steps, levels)

    # -- supervision ------------------------------------------------------------

    def supervision(self) -> None:
        for d, members in by(self.options.department):
            wte, educators = self.problem.departments[d].wte, self.serving.get(d, [])
            if wte is None and not educators:
                continue
            for weeks, inside in self.spells(members):
                inside = inside[self.options.weight[inside] > 0]
                own = [0 if wte is None else thousandths(wte[w]) for w in weeks]
                if not len(inside):
                    continue
                if educators:
                    for w, available in zip(weeks, own, strict=True):
                        self.supervised(inside, [available], [(e, w) for e in educators])
                        self.counted(inside, available, [(e, w) for e in educators])
                else:
                    self.supervised(inside, own, [])
        for (e, w), shares in self.shares.items():
            available = thousandths(self.problem.educators[e].wte[w])
            total = sum(self.sheet.high[y] for y in shares)
            used = self.sheet.column(min(total, within(self.policy, available)))
            self.sheet.row([(np.array(shares, np.int64), 1), (used, -1)], 0, 0)
            self.load(used, [available])
        for (e, w), heads in self.heads.items():
            most = self.problem.educators[e].most
            if most is not None:
                self.sheet.row([(np.array(heads, np.int64), 1)], most=most[w])

    def kinds(self, inside: Ints, educators: list[int]) -> list[tuple[Ints, list[int]]]:
        """Options by group and stage, with the educators who may supervise those learners."""
        learners, items = self.problem.learners, self.problem.educators
        if not any(items[e].supervises for e in educators):
            return [(inside, educators)]
        out: dict[tuple[str, str], list[int]] = {}
        for k in inside.tolist():
            learner = learners[self.options.learner[k]]
            out.setdefault((learner.group, learner.stage), []).append(k)
        return [
            (
                np.array(mine, np.int64),
                [
                    e
                    for e in educators
                    if not items[e].supervises
                    or any(g == group and s in (None, stage) for g, s in items[e].supervises)
                ],
            )
            for (group, stage), mine in out.items()
        ]

    def counted(self, inside: Ints, own: int, educators: list[tuple[int, int]]) -> None:
        """Every learner on an educator, where a department has no WTE of its own and someone there takes
        some learners only, or so many at once."""
        there = [self.problem.educators[e] for e, _ in educators]
        if self.policy.supervision is None or own or all(e.most is None and not e.supervises for e in there):
            return
        w = educators[0][1]
        for mine, those in self.kinds(inside, [e for e, _ in educators]):
            asking = self.asking(mine)
            columns = [self.sheet.column(asking) for _ in those]
            for e, column in zip(those, columns, strict=True):
                self.heads.setdefault((e, w), []).append(column)
            self.sheet.row([(mine, 1), (np.array(columns, np.int64), -1)], 0, 0)

    def supervised(self, inside: Ints, own: list[int], educators: list[tuple[int, int]]) -> None:
        """What a department supervises of its own in weeks with so much WTE, the rest is its educators'."""
        weight = self.options.weight[inside]
        _, first = np.unique(self.options.requirement[inside], return_index=True)
        total = int(weight[first].sum())
        most = min(total, within(self.policy, min(own)))
        if not educators:
            grid = int(np.gcd.reduce(weight))
            most = most // grid * grid
            if most == total and "supervisor_load" not in self.named:
                return
        used = self.sheet.column(most)
        kinds = self.kinds(inside, [e for e, _ in educators])
        owns = [used] if len(kinds) == 1 else [self.sheet.column(most) for _ in kinds]
        for (mine, those), part in zip(kinds, owns, strict=True):
            shares = []
            for e in those:
                w = educators[0][1]
                available = thousandths(self.problem.educators[e].wte[w])
                shares.append(self.sheet.column(min(total, within(self.policy, available))))
                self.shares.setdefault((e, w), []).append(shares[-1])
            weight = self.options.weight[mine]
            self.sheet.row([(mine, weight), (np.array(shares, np.int64), -1), (part, -1)], 0, 0)
        if len(kinds) > 1:
            self.sheet.row([(np.array(owns, np.int64), 1), (used, -1)], 0, 0)
        self.load(used, own)

    def load(self, used: int, available: list[int]) -> None:
        """The price of the load in weeks with so much WTE."""
        if "supervisor_load" not in self.named:
            return
        prices: dict[int, int] = {}
        for wte in available:
            for percent, price in self.policy.supervisor_load:
                start = wte * percent // 100
                prices[start] = prices.get(start, 0) + price
        for start, price in prices.items():
            most = self.sheet.high[used] - start
            if price and most > 0:
                above = self.sheet.column(most)
                self.sheet.row([(used, 1), (above, -1)], most=start)
                self.sums["supervisor_load"].add(above, price)

    # -- by learner ------------------------------------------------------------

    def learner(self, position: int, mine: Ints) -> None:
        learner, policy, problem = self.problem.learners[position], self.policy, self.problem
        if policy.one_place_a_week:
            for _, inside in self.spells(mine):
                if self.asking(inside) > 1:
                    self.sheet.row([(inside, 1)], most=1)
        if policy.site_repeats and learner.site_repeats is not None:
            for s, here in by(self.options.site, mine):
                most = max(0, learner.site_repeats - learner.attended.count(problem.sites[s].key))
                if most < self.asking(here):
                    self.sheet.row([(here, 1)], most=most)
        been = set(learner.attended)
        most = max(0, self.wanted[learner.key] + len(been) - (learner.different_sites or 0))
        limited = policy.different_sites and most < self.asking(mine)
        if not limited and "variety" not in self.named:
            return
        again, new = [np.zeros(0, np.int64)], []
        for s, here in by(self.options.site, mine):
            if problem.sites[s].key not in been:
                if self.asking(here) == 1:
                    continue
                new.append(self.sheet.column(1))
                self.sheet.row([(here, 1), (new[-1], -1)], least=0)
            again.append(here)
        placed, fresh = np.concatenate(again), np.array(new, np.int64)
        if limited:
            self.sheet.row([(placed, 1), (fresh, -1)], most=most)
        if "variety" in self.named:
            self.sums["variety"].add(placed, POINT)
            self.sums["variety"].add(fresh, -POINT)

    def rotations(self) -> None:
        index = self.problem.rotation_index
        of = np.array([index.get(r.rotation or "", -1) for r in self.problem.requirements], np.int64)
        rotation = of[self.options.requirement]
        for _, members in by(rotation, np.flatnonzero(rotation >= 0)):
            for _, inside in by(self.options.block, members):
                if self.asking(inside) > 1:
                    self.sheet.row([(inside, 1)], most=1)

    # -- between learners ------------------------------------------------------------

    def companions(self) -> None:
        of = dict(by(self.options.learner)) if self.problem.companions else {}
        for item in self.problem.companions:
            mine = [of[p] for p in map(self.problem.learner_index.__getitem__, item.learners) if p in of]
            for one, two in combinations(mine, 2):
                for left in self.stays(one):
                    for right in self.stays(two):
                        self.kept(item.kind == "together", left, right)

    def stays(self, mine: Ints) -> list[Ints]:
        """A learner's options by requirement and block."""
        return [
            stay for _, each in by(self.options.requirement, mine) for _, stay in by(self.options.block, each)
        ]

    def kept(self, together: bool, left: Ints, right: Ints) -> None:
        """Not one here and the other elsewhere (together), or not both here (apart), in a common week."""
        covers, site = self.options.covers, self.options.site
        if not (covers[self.options.week_set[left[0]]] & covers[self.options.week_set[right[0]]]).any():
            return
        for s, here in by(site, left):
            other = right[(site[right] == s) != together]
            if len(other):
                self.sheet.row([(here, 1), (other, 1)], most=1)

    def agreements(self) -> None:
        for item in self.problem.agreements:
            covered = np.array([agreed(item, x) for x in self.problem.learners], np.bool_)
            there = self.options.trust == self.problem.trust_index[item.trust]
            inside = np.flatnonzero(there & covered[self.options.learner])
            if item.most is not None and item.most < self.asking(inside):
                self.sheet.row([(inside, 1)], most=item.most)
            if item.least:
                short = self.sheet.column(item.least)
                self.sheet.row([(inside, 1), (short, 1)], least=item.least)
                self.short.add(short, 1)
