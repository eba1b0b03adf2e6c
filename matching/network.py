"""A pure-flow part as a network: requirements choose columns, columns pass learners up a tree of caps to
the sink.

Nodes: one a column (an offer, fused with whatever lies above it alone), one for "unplaced", one a
department, site or trust whose limit several columns share, and the sink. An arc up from a node has one
marginal cost a learner, never falling, as many as the node holds.

Three tiers are carried in one whole number, cost = tier x M + points x T + draw, exact in 64 bits, with
points in units of the largest whole number that divides every price of the part (its grain). A
residual cycle that visits each node once makes at most C + 1 moves of learners (C columns) and passes each
tree arc at most once up and once down, so its draw part stays within (C + 1) x 2^b < T and its points part
within X = (C + 1) x dearest pair + 2 x the sum of the dearest marginals; with M > X x T + T no cycle that
worsens a higher tier can look cheap. Placements form a gammoid (a matroid), so any falling weights on the
priorities give the lexicographic best; 1, 2, 3 ... are used. The draw keeps as many bits as fit; where not
one does, the part is no flow that this module can hold, and is searched as a program of whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matching.aims import Placings, points
from matching.components import Part
from matching.costs import draw
from matching.eligibility import Eligible
from matching.policy import Policy
from matching.tables import Ints, Tables
from matching.tree import Limit, cap_tree

MOST_COST = 1 << 59
DRAW_BITS = 16


@dataclass(frozen=True, eq=False)
class Network:
    """The arrays of one flow. Pairs of row r are `start[r]:start[r + 1]`, the last of them its "unplaced"
    arc.

    Nodes: 0 .. columns - 1 the columns, `columns` unplaced, then shared caps, `nodes - 1` the sink.
    `marginal[marginal_start[v]:marginal_start[v + 1]]` are the costs of the 1st, 2nd ... learner up from
    node v. Costs are combined (tier x M + points x T + draw), points in units of `grain` thousandths.
    """

    columns: int
    parent: Ints
    start: Ints
    row: Ints
    column: Ints
    cost: Ints
    marginal_start: Ints
    marginal: Ints
    points_unit: int
    tier_unit: int
    grain: int

    @property
    def rows(self) -> int:
        """How many requirements there are."""
        return len(self.start) - 1

    @property
    def nodes(self) -> int:
        """How many nodes there are, the sink among them."""
        return len(self.parent)


@dataclass(frozen=True, eq=False)
class Layout:
    """Where a network came from: requirement of each row, offer of each column, limits of each node, rank
    weight of each row, and the pair (position in `Eligible`) of each pair of the network (-1: unplaced)."""

    requirements: Ints
    offers: Ints
    limits: tuple[tuple[Limit, ...], ...]
    beyond: Ints
    rank: Ints
    pair: Ints


def rank_weights(priority: Ints, pinned: Ints) -> Ints:
    """[rows] 1 for the lowest priority present, 2 for the next ...; a pinned requirement stands above them
    all."""
    level = np.where(pinned > 0, 0, priority)
    _, position = np.unique(-level, return_inverse=True)
    return position.astype(np.int64) + 1


def build(
    tables: Tables, policy: Policy, eligible: Eligible, part: Part, pinned: Ints
) -> tuple[Network, Layout] | None:
    """The network of a pure-flow part; `pinned` is 1 for each requirement of the problem that a pin names.
    None where its prices are too far apart for whole numbers of 64 bits: then it is searched as a program."""
    requirement = eligible.requirement[part.pairs]
    offer = eligible.offer[part.pairs]
    offers, column = np.unique(offer, return_inverse=True)
    weight = np.zeros(len(tables.problem.departments), np.int64)
    weight[tables.offer_department[offer]] = tables.weight[requirement]
    tree = cap_tree(tables, policy, part, offers, weight)
    marginals = tree.marginals
    rows, row = np.unique(requirement, return_inverse=True)
    rank = rank_weights(
        np.array([tables.problem.requirements[r].priority for r in rows], np.int64), pinned[rows]
    )
    placings = Placings(requirement, offer, eligible.week_set[part.pairs], eligible.variant[part.pairs])
    cost = points(tables, policy, policy.tiers[0], placings)
    # All placed alike: how many are placed is settled by the tiers above.
    cost = cost - min(0, int(cost.min(initial=0)))
    grain = max(1, int(np.gcd.reduce(np.concatenate([cost, *marginals, tree.beyond]))))
    cost, marginals = cost // grain, [marginal // grain for marginal in marginals]
    fitting = units(len(offers), cost, marginals, int(rank.max()))
    if fitting is None:
        return None
    points_unit, tier_unit, bits = fitting
    names = [
        f"{tables.problem.requirements[r].learner}\0{tables.problem.requirements[r].block}" for r in rows
    ]
    drawn = draw(policy.seed, names, [tables.problem.offers[o].key for o in offers], row, column, bits)
    n, k = len(rows), len(offers)
    all_rows = np.concatenate([row, np.arange(n)])
    order = np.argsort(all_rows, kind="stable")
    network = Network(
        columns=k,
        parent=tree.parent,
        start=np.searchsorted(all_rows[order], np.arange(n + 1)).astype(np.int64),
        row=all_rows[order],
        column=np.concatenate([column, np.full(n, k, np.int64)])[order],
        cost=np.concatenate([cost * points_unit + drawn, rank * tier_unit])[order],
        marginal_start=np.concatenate([[0], np.cumsum([len(m) for m in marginals])]).astype(np.int64),
        marginal=np.concatenate(marginals).astype(np.int64) * points_unit,
        points_unit=points_unit,
        tier_unit=tier_unit,
        grain=grain,
    )
    pair = np.concatenate([part.pairs, np.full(n, -1, np.int64)])[order]
    return network, Layout(rows, offers, tree.limits, tree.beyond // grain * points_unit, rank, pair)


def units(columns: int, points: Ints, marginals: list[Ints], ranks: int) -> tuple[int, int, int] | None:
    """T, M and the bits of the draw (see the head of this module); None where nothing fits."""
    dearest = int(points.max(initial=0)) * (columns + 1)
    dearest += 2 * sum(int(m[-1]) for m in marginals if len(m))
    for bits in range(DRAW_BITS, 0, -1):
        unit = (columns + 1) * 2**bits + 1
        tier = (dearest + 1) * unit + unit
        if (ranks + 2) * tier < MOST_COST:
            return unit, tier, bits
    return None
