"""The best answer to a small problem by trying everything: the oracle for the solver, of every rule and aim.

The rules and aims are counted by the checker, which shares nothing with the solver; the split of educators'
time is NetworkX's, a flow of least cost for each week.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from itertools import pairwise

import networkx as nx

from matching import Policy, Problem, Reason, Requirement, Result, Share, Tier
from matching.recount import Recount, Stay, covers, thousandths
from matching.recount_aims import aims, costs, tiers
from matching.recount_rules import broken_together
from matching.recount_supervision import own_wte, supervision
from matching.verify_reasons import Reasons

# A department, learner group and stage.
Kind = tuple[str, str, str]


def best_by_trying(problem: Problem, policy: Policy) -> dict[str, int]:
    """The lexicographic best value of every tier, by name in order, over every assignment, block and split of
    the educators' time that the checker allows."""
    return Trying(problem, policy).best()


def best_result(problem: Problem, policy: Policy) -> Result:
    """A right answer found by trying, with every claim that a result makes."""
    trying = Trying(problem, policy)
    values = trying.best()
    return trying.result(values)


class Trying:
    """Depth first over the requirements, each at every placing open to it or left over.

    A branch is given up where it breaks a rule (none is mended by placing more) or where the tiers of what is
    decided, with all undecided placed at no cost, are no better than the best so far.
    """

    def __init__(self, problem: Problem, policy: Policy) -> None:
        self.count = Recount(problem, policy, Result("optimal"))
        self.splits: dict[tuple[int, tuple[tuple[Kind, int], ...]], dict[tuple[str, str], int] | None] = {}
        self.value: dict[str, int] = {}
        self.stays: list[Stay] = []

    def best(self) -> dict[str, int]:
        """The best tiers; `stays` are then placings that reach them."""
        self.value = {}
        self._try(0, [])
        return self.value

    def _try(self, depth: int, stays: list[Stay]) -> None:
        if next(broken_together(self.count, stays), None) is not None:
            return
        shares = self.shares(stays)
        if shares is None or next(supervision(self.count, stays, shares), None) is not None:
            return
        undecided = self.count.problem.requirements[depth:]
        value = self._least(stays, shares, undecided)
        if self.value and tuple(value.values()) >= tuple(self.value.values()):
            return
        if not undecided:
            self.value, self.stays = value, stays
            return
        for stay in self.count.open_to(undecided[0]):
            self._try(depth + 1, [*stays, stay])
        self._try(depth + 1, stays)

    def _least(
        self, stays: list[Stay], shares: dict[tuple[str, str, int], int], undecided: tuple[Requirement, ...]
    ) -> dict[str, int]:
        """The tiers of some placings if all those undecided were placed, kept and cost nothing."""
        count = self.count
        aim = aims(count, stays, shares)
        left = {r.key for r in undecided}
        aim["changes"] -= 1000 * sum(p.requirement in left for p in count.problem.published)
        value = tiers(count, stays, aim)
        for r in undecided:
            pinned = count.policy.locks and count.pins[r.key]
            value["unplaced_pinned" if pinned else f"unplaced_priority_{r.priority}"] -= 1
        if "agreement_shortfall" in value and undecided:
            value["agreement_shortfall"] = sum(
                max(
                    0,
                    a.least
                    - sum(covers(a, s.learner) and s.site.trust == a.trust for s in stays)
                    - sum(covers(a, count.learners[r.learner]) for r in undecided),
                )
                for a in count.problem.agreements
            )
        return value

    def shares(self, stays: list[Stay]) -> dict[tuple[str, str, int], int] | None:
        """The split of the educators' time at the least load cost; None where there is none within the
        limits."""
        served = self.count.serving
        weights: dict[int, dict[Kind, int]] = {}
        for stay in stays:
            weight = thousandths(stay.requirement.weight)
            if served.get(stay.department.key) and weight:
                kind = (stay.department.key, stay.learner.group, stay.learner.stage)
                for w in stay.weeks:
                    here = weights.setdefault(w, {})
                    here[kind] = here.get(kind, 0) + weight
        out = {}
        for w, held in sorted(weights.items()):
            key = (w, tuple(sorted(held.items())))
            if key not in self.splits:
                self.splits[key] = self._split(w, sorted(held.items()))
            split = self.splits[key]
            if split is None:
                return None
            out.update({(e, d, w): part for (e, d), part in split.items()})
        return out

    def _split(self, week: int, held: list[tuple[Kind, int]]) -> dict[tuple[str, str], int] | None:
        """One week's split as a flow of least cost: learners of a group and stage in a department are its own
        or go to those of its educators who may supervise them, each up to a limit and at a price that
        rises."""
        count, graph = self.count, nx.MultiDiGraph()
        graph.add_node("done", demand=sum(weight for _, weight in held))
        for kind, weight in held:
            key, group, stage = kind
            graph.add_node(kind, demand=-weight)
            graph.add_edge(kind, ("department", key), key="own")
            for e in count.serving[key]:
                allowed = count.educators[e].supervises
                if not allowed or (group, None) in allowed or (group, stage) in allowed:
                    graph.add_edge(kind, ("educator", e), key="part")
        for key in {key for (key, _, _), _ in held}:
            self._supply(graph, ("department", key), own_wte(count, count.departments[key], week))
        for e in {e for (key, _, _), _ in held for e in count.serving[key]}:
            self._supply(graph, ("educator", e), thousandths(count.educators[e].wte[week]))
        try:
            _, flow = nx.network_simplex(graph)
        except nx.NetworkXUnfeasible:
            return None
        out: dict[tuple[str, str], int] = {}
        for kind, _ in held:
            for (level, e), parts in flow[kind].items():
                if level == "educator" and parts["part"]:
                    out[e, kind[0]] = out.get((e, kind[0]), 0) + parts["part"]
        return out

    def _supply(self, graph: nx.MultiDiGraph, node: tuple[str, str], wte: int) -> None:
        """Edges from a department or educator to the end, one for each step of the load's price."""
        policy = self.count.policy
        most = 10**6 if policy.supervision is None else self.count.within(wte / 1000)
        steps = [(wte * percent // 100, price) for percent, price in policy.supervisor_load]
        ends = [0, *(start for start, _ in steps), 10**6]
        for i, (start, end) in enumerate(pairwise(ends)):
            capacity = min(end, most) - start
            if capacity > 0:
                price = sum(p for _, p in steps[:i])
                graph.add_edge(node, "done", key=i, capacity=capacity, weight=price)

    # -- as a result ------------------------------------------------------------

    def result(self, value: dict[str, int]) -> Result:
        """The placings held with their claims: the tiers as if proven, a rule for each site closed, a
        shortage said to be unproven where one is open; no shares where none would do."""
        count, shares = self.count, self.shares(self.stays) or {}
        assignment = {s.requirement.key: s.offer.key for s in self.stays}
        return Result(
            "infeasible_locks" if value.get("unplaced_pinned") else "optimal",
            assignment,
            dict(self._reasons(assignment)),
            tuple(Tier(name, v, v, 0.0) for name, v in value.items()),
            objective=sum(value[name] for name in count.policy.tier_names),
            costs=costs(count, aims(count, self.stays, shares)),
            blocks={s.requirement.key: s.block for s in self.stays if s.block is not None},
            shares=tuple(
                Share(e, d, count.problem.weeks[w], part / 1000) for (e, d, w), part in shares.items()
            ),
        )

    def _reasons(self, assignment: dict[str, str]) -> Iterator[tuple[str, Reason]]:
        reasons = Reasons(self.count)
        names = [f.name for f in dataclasses.fields(Policy)]
        for r in self.count.requirements.values():
            if r.key in assignment:
                continue
            open_to = {stay.site.key for stay in self.count.open_to(r)}
            closed = reasons.of_a_right_modality(r) - open_to
            if not closed and not open_to:
                closed = set(self.count.sites)
            rules = {s: next(n for n in names if reasons.refuses(r, s, n)) for s in sorted(closed)}
            if open_to:
                yield r.key, Reason("shortage", rules, competing=(r.key,), proven=False)
            else:
                yield r.key, Reason("rules", rules)
