"""The caps above a set of offers as a tree of nodes: offer, department, site, trust, sink.

A node that is the only one under its parent is fused with it (least of the limits, sum of the marginal
costs), so that a department with one offer is one node; a department, site or trust without a limit or cost
is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from matching.components import Part, limited
from matching.costs import above_preferred_costs, load_costs
from matching.policy import Policy
from matching.rules import supervision
from matching.tables import Bools, Ints, Tables, thousandths


@dataclass(frozen=True)
class Limit:
    """One limit on a node: at most `places` learners at once, so tight in `weeks`."""

    level: str
    key: str
    rule: str
    places: int
    weeks: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class CapTree:
    """By node: its parent, its limits, the costs of its 1st, 2nd ... learner as far as it holds (in
    thousandths of a point), and what one more than it holds would cost."""

    parent: Ints
    limits: tuple[tuple[Limit, ...], ...]
    marginals: list[Ints]
    beyond: Ints


@dataclass
class _Node:
    """`marginal` has one entry for each learner of the part and one more; `room` is how many the node
    holds."""

    limits: tuple[Limit, ...]
    marginal: Ints
    children: list[_Node]
    index: int = -1

    @property
    def room(self) -> int:
        room = min([len(self.marginal) - 1, *(limit.places for limit in self.limits)])
        return min(room, sum(child.room for child in self.children)) if self.children else room


def cap_tree(tables: Tables, policy: Policy, part: Part, offers: Ints, weight: Ints) -> CapTree:
    """The caps above a part's offers.

    `weight` [departments] is the one supervision weight, in thousandths, of the learners who can go there.
    Nodes are ordered: one a column in the order of `offers`, "unplaced", shared caps (children first), the
    sink.
    """
    problem, caps = tables.problem, limited(tables, policy)
    weeks = tables.week_sets[part.week_set]
    most = len(part.requirements) + 1

    def department(position: int) -> _Node:
        limits, marginal = _places("department", problem.departments[position], policy, weeks, most)
        wte = problem.departments[position].wte
        if wte is not None:
            price = load_costs(policy, wte, weeks, int(weight[position]), most)
            marginal = marginal + policy.tiers[0].get("supervisor_load", 0) * price
            limit = _wte_limit(problem.departments[position].key, wte, weeks, int(weight[position]), policy)
            if limit is not None:
                limits = (*limits, limit)
        return _Node(limits, marginal, [])

    def plain(level: str, position: int) -> _Node:
        item = problem.sites[position] if level == "site" else problem.trusts[position]
        return _Node(*_places(level, item, policy, weeks, most), [])

    leaves = [_offer(tables, policy, int(o), weeks, most) for o in offers]
    heads = [int(d) for d in tables.offer_department[offers]]
    tops, heads = _raise(leaves, heads, caps.department, department)
    tops, heads = _raise(
        tops, [int(tables.department_site[h]) for h in heads], caps.site, lambda s: plain("site", s)
    )
    tops, _ = _raise(
        tops, [int(tables.site_trust[h]) for h in heads], caps.trust, lambda t: plain("trust", t)
    )
    return _flatten(leaves, tops)


def _raise(
    nodes: list[_Node], heads: list[int], has: Bools, make: Callable[[int], _Node]
) -> tuple[list[_Node], list[int]]:
    """Puts the nodes of each limited head under one new node, or fuses it into its only child."""
    groups: dict[int, list[_Node]] = {}
    out: list[tuple[_Node, int]] = []
    for node, head in zip(nodes, heads, strict=True):
        if has[head]:
            groups.setdefault(head, []).append(node)
        else:
            out.append((node, head))
    for head, members in groups.items():
        above = make(head)
        if len(members) > 1:
            above.children = members
            out.append((above, head))
        else:
            only = members[0]
            only.marginal = only.marginal + above.marginal
            only.limits += above.limits
            out.append((only, head))
    return [node for node, _ in out], [head for _, head in out]


def _flatten(leaves: list[_Node], tops: list[_Node]) -> CapTree:
    ordered = list(leaves)
    for position, leaf in enumerate(leaves):
        leaf.index = position
    shared: list[_Node] = []

    def visit(node: _Node) -> None:
        for child in node.children:
            visit(child)
        if node.index < 0:
            node.index = len(leaves) + 1 + len(shared)
            shared.append(node)

    for top in tops:
        visit(top)
    sink = len(leaves) + 1 + len(shared)
    parent = np.full(sink + 1, sink, np.int64)
    parent[sink] = -1
    for node in shared:
        for child in node.children:
            parent[child.index] = node.index
    bare = _Node((), np.zeros(1, np.int64), [])
    ordered += [bare, *shared, bare]
    rooms = [node.room for node in ordered]
    return CapTree(
        parent,
        tuple(node.limits for node in ordered),
        [node.marginal[:room] for node, room in zip(ordered, rooms, strict=True)],
        np.array([node.marginal[room] for node, room in zip(ordered, rooms, strict=True)], np.int64),
    )


def _offer(tables: Tables, policy: Policy, position: int, weeks: tuple[int, ...], most: int) -> _Node:
    offer = tables.problem.offers[position]
    limits, marginal = _limited("offer", offer.key, offer.maximum if policy.places else None, weeks, most)
    for week in weeks:
        price = above_preferred_costs(policy, offer.preferred[week], offer.maximum[week], len(marginal))
        marginal = marginal + policy.tiers[0].get("above_preferred", 0) * price
    return _Node(limits, marginal, [])


def _places(
    level: str, item: object, policy: Policy, weeks: tuple[int, ...], most: int
) -> tuple[tuple[Limit, ...], Ints]:
    places: tuple[int, ...] | None = getattr(item, "places") if policy.places else None  # noqa: B009
    return _limited(level, str(getattr(item, "key")), places, weeks, most)  # noqa: B009


def _limited(
    level: str, key: str, places: tuple[int, ...] | None, weeks: tuple[int, ...], most: int
) -> tuple[tuple[Limit, ...], Ints]:
    if places is None:
        return (), np.zeros(most, np.int64)
    least = min(places[w] for w in weeks)
    limit = Limit(level, key, "places", least, tuple(w for w in weeks if places[w] == least))
    return (limit,), np.zeros(most, np.int64)


def _wte_limit(
    key: str, wte: tuple[float, ...], weeks: tuple[int, ...], weight: int, policy: Policy
) -> Limit | None:
    if policy.supervision is None or weight == 0:
        return None
    by_week = [supervision.limit(thousandths(wte[w]), policy.supervision) // weight for w in weeks]
    least = min(by_week)
    return Limit(
        "department",
        key,
        "supervision",
        least,
        tuple(w for w, n in zip(weeks, by_week, strict=True) if n == least),
    )
