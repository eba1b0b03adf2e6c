"""Why a requirement is left over: the rule that refused each site, or the shortage, as a certificate.

The certificate is a minimum cut. From an unplaced requirement's columns, walk the residual graph (who could
move where, which cap has room): it never reaches a free place, or the requirement would be placed. The caps
at which the walk stops are full, everyone counted behind them can go nowhere else, and they are more than
the caps hold (Hall's condition, broken). Anyone can check it by counting; `verify` does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matching.columns import Model, RowName, groups
from matching.eligibility import NO_DEPARTMENT, refused_by_site
from matching.flow import REACHED, Flow, shortest
from matching.greedy import Room
from matching.network import Layout, Network
from matching.policy import Policy
from matching.result import FullCap, Price, Reason
from matching.tables import Bools, Ints, Tables
from matching.tree import Limit


@dataclass(frozen=True)
class Shortage:
    """Who competes for what: keys as in `Reason`."""

    departments: tuple[str, ...]
    competing: tuple[str, ...]
    caps: tuple[FullCap, ...]
    proven: bool


def refused_sites(tables: Tables, policy: Policy, requirements: Ints) -> list[dict[str, str]]:
    """For each requirement, the rule that removed each site of a right modality from it (keys in site order).

    Where a site makes several offers, the rule of the one that came closest. A department with no offer has
    no place in any week. Where no site has a right modality, every site is listed under modality_fit.
    """
    sites = tables.problem.sites
    names, closest = refused_by_site(tables, policy, requirements)
    out = []
    for codes in closest:
        if (codes == NO_DEPARTMENT).all():
            out.append({site.key: "modality_fit" for site in sites})
            continue
        out.append({sites[s].key: names[codes[s] - 1] for s in np.flatnonzero(codes > 0).tolist()})
    return out


def shortages(tables: Tables, network: Network, layout: Layout, flow: Flow) -> dict[int, Shortage]:
    """The certificate of each unplaced row of a flow, by requirement. Equal ones are one object."""
    at = network.column[flow.pair]
    open_arc = flow.move < REACHED
    open_arc[network.columns, :] = open_arc[:, network.columns] = False
    known: dict[bytes, Shortage] = {}
    walks: dict[bytes, Bools] = {}
    out = {}
    for row in np.flatnonzero(at == network.columns).tolist():
        seen = np.zeros(network.nodes, np.bool_)
        seen[network.column[network.start[row] : network.start[row + 1] - 1]] = True
        begin = seen.tobytes()
        if begin not in walks:
            walks[begin] = _closure(open_arc, seen)
        reached = walks[begin]
        mark = reached.tobytes()
        if mark not in known:
            known[mark] = _certificate(tables, network, layout, flow, reached)
        out[int(layout.requirements[row])] = known[mark]
    return out


def _closure(open_arc: Bools, seen: Bools) -> Bools:
    front = seen
    while front.any():
        found = open_arc[front].any(axis=0) & ~seen
        seen = seen | found
        front = found
    return seen


def _certificate(tables: Tables, network: Network, layout: Layout, flow: Flow, reached: Bools) -> Shortage:
    problem = tables.problem
    if reached[-1]:
        raise AssertionError("an unplaced requirement could reach a free place")
    inside = reached[network.column] | (network.column == network.columns)
    rows = np.flatnonzero(np.logical_and.reduceat(inside, network.start[:-1]))
    caps = []
    for v in np.flatnonzero(reached).tolist():
        if not reached[network.parent[v]]:
            caps.extend(_full_caps(tables, network, layout, v))
    departments = sorted(
        {int(tables.offer_department[layout.offers[c]]) for c in np.flatnonzero(reached[: network.columns])}
    )
    return Shortage(
        tuple(problem.departments[d].key for d in departments),
        tuple(problem.requirements[r].key for r in layout.requirements[rows]),
        tuple(caps),
        True,
    )


def _full_caps(tables: Tables, network: Network, layout: Layout, v: int) -> list[FullCap]:
    held = int(network.marginal_start[v + 1] - network.marginal_start[v])
    tight = [limit for limit in layout.limits[v] if limit.places <= held]
    if tight:
        return [full_cap(tables, min(tight, key=lambda limit: limit.places))]
    return [
        c
        for u in np.flatnonzero(network.parent == v).tolist()
        for c in _full_caps(tables, network, layout, u)
    ]


def full_cap(tables: Tables, limit: Limit) -> FullCap:
    """A network's limit in the terms of a reason."""
    return FullCap(limit.level, limit.key, tables.problem.weeks[limit.weeks[0]], limit.places, limit.rule)


def cap_prices(tables: Tables, network: Network, layout: Layout, flow: Flow) -> list[Price]:
    """What one more place under each full cap is worth: exactly the fall in the objective, tier by tier,
    were that cap alone raised by one in its tightest weeks (with the offer's other prices as they are).

    One more learner up from the cap must come back down to it from its parent by the cheapest way there is
    through the residual graph: one shortest-path search a parent.
    """
    out = []
    weeks = tables.problem.weeks
    reduced = flow.move - flow.price[:, None] + flow.price[None, :]
    away: dict[int, Ints] = {}
    for v in range(network.nodes - 1):
        held = int(network.marginal_start[v + 1] - network.marginal_start[v])
        tight = [limit for limit in layout.limits[v] if limit.places == held]
        if v == network.columns or len(tight) != 1 or flow.through[v] < held:
            continue
        up = int(network.parent[v])
        if up not in away:
            away[up] = shortest(reduced, np.arange(network.nodes) == up)[0]
        worth = int(flow.price[v] - flow.price[up] - layout.beyond[v] - away[up][v])
        if away[up][v] >= REACHED or worth < network.points_unit // 2:
            continue
        placed, rest = divmod(worth + network.tier_unit // 2, network.tier_unit)
        points = network.grain * round((rest - network.tier_unit // 2) / network.points_unit) / 1000
        limit = tight[0]
        at = tuple(weeks[w] for w in limit.weeks)
        out.append(Price(limit.level, limit.key, at[0], at, limit.rule, limit.places, min(1, placed), points))
    return out


def blocked(
    tables: Tables, policy: Policy, model: Model, taken: Bools, requirements: Ints
) -> dict[int, Shortage]:
    """For requirements left over outside the pure flow: the limits that are full in the answer found (choices
    `taken` of `model`), and who holds them. It states facts of this answer, not a proof (`proven` is
    False)."""
    problem, chosen, room = tables.problem, model.choices, Room(tables, policy, model)
    for k in np.flatnonzero(taken).tolist():
        room.take(k)
    mine = dict(groups(chosen.requirement))
    out = {}
    for r in requirements.tolist():
        caps: dict[FullCap, None] = {}
        departments, competing = set(), {r}
        for k in mine[r].tolist():
            found = room.full(k)
            if found is None:
                continue
            name, holders = found
            departments.add(int(chosen.department[k]))
            weeks = tables.week_sets[int(chosen.week_set[k])]
            caps[_named(tables, name, weeks[0], len(holders))] = None
            competing.update(int(chosen.requirement[h]) for h in holders)
        out[r] = Shortage(
            tuple(problem.departments[d].key for d in sorted(departments)),
            tuple(problem.requirements[q].key for q in sorted(competing)),
            tuple(caps),
            False,
        )
    return out


def _named(tables: Tables, name: RowName, week: int, places: int) -> FullCap:
    """A row of a model in the terms of a reason: what it limits, in its first week."""
    problem = tables.problem
    items: dict[str, tuple[object, ...]] = {
        "offer": problem.offers,
        "department": problem.departments,
        "site": problem.sites,
        "trust": problem.trusts,
        "learner": problem.learners,
        "rotation": problem.rotations,
        "companions": problem.companions,
        "agreement": problem.agreements,
    }
    key = str(getattr(items[name.level][name.position], "key"))  # noqa: B009 - every part has one
    by_week = name.level in ("offer", "department", "site", "trust", "learner") and name.rule in (
        "places",
        "supervision",
        "accommodation",
        "one_place_a_week",
    )
    first = name.weeks[0] if by_week and name.weeks else week
    return FullCap(name.level, key, problem.weeks[first], places, name.rule)


def reason(rules: dict[str, str], shortage: Shortage | None) -> Reason:
    """Both halves in one `Reason`."""
    if shortage is None:
        return Reason("rules", rules)
    return Reason("shortage", rules, shortage.departments, shortage.competing, shortage.caps, shortage.proven)
