"""Whether some requirements can all be placed within some limits and nothing else but the rules of a single
placing: by trying, each limit counted plainly from what it says."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

import networkx as nx

from matching.certificates import FullLimit
from matching.recount import Recount, Stay, covers, may_supervise, thousandths
from matching.recount_rules import places_of, repeats
from matching.recount_supervision import own_wte


def can_place(count: Recount, keys: Iterable[str], limits: Iterable[FullLimit]) -> bool:
    """Depth first over the requirements; every limit holds for fewer placings if it does for more."""
    requirements = [count.requirements[key] for key in keys]
    limits = list(limits)

    def place(depth: int, stays: list[Stay]) -> bool:
        if not all(holds(count, limit, stays) for limit in limits) or not supervised(count, limits, stays):
            return False
        if depth == len(requirements):
            return True
        return any(place(depth + 1, [*stays, stay]) for stay in count.open_to(requirements[depth]))

    return place(0, [])


def holds(count: Recount, limit: FullLimit, stays: list[Stay]) -> bool:
    """Whether placings keep to one limit; supervision is looked at apart, all of it together."""
    weeks = [count.week[monday] for monday in limit.weeks]
    if limit.rule == "supervision":
        return True
    if limit.rule == "places":
        most = places_of(count, limit.level, limit.key)
        return most is None or all(
            sum(w in s.weeks and under(s, limit) for s in stays) <= most[w] for w in weeks
        )
    if limit.rule == "accommodation":
        beds = count.sites[limit.key].accommodation or (0,) * len(count.problem.weeks)
        asleep = [s for s in stays if count.in_bed(s) and s.site.key == limit.key]
        return all(sum(w in s.weeks for s in asleep) <= beds[w] for w in weeks)
    if limit.rule == "rotation":
        there = [s for s in stays if s.requirement.rotation == limit.key and s.block == limit.at]
        return len(there) <= 1
    if limit.rule == "companions":
        return all(apart_or_together(count, limit.key, a, b) for a, b in combinations(stays, 2))
    if limit.rule == "agreements":
        agreement = count.agreements[limit.key]
        there = [s for s in stays if s.site.trust == agreement.trust and covers(agreement, s.learner)]
        return agreement.most is None or len(there) <= agreement.most
    mine = [s for s in stays if s.learner.key == limit.key]
    learner = count.learners[limit.key]
    if limit.rule == "one_place_a_week":
        return all(sum(w in s.weeks for s in mine) <= 1 for w in weeks)
    if limit.rule == "site_repeats":
        there = sum(s.site.key == limit.at for s in mine)
        most = learner.site_repeats
        return most is None or not there or there + learner.attended.count(limit.at) <= most
    assert limit.rule == "different_sites"
    return not mine or repeats(learner, mine) <= count.most_repeats(learner)


def under(stay: Stay, limit: FullLimit) -> bool:
    """Whether a placing counts under an offer, department, site or trust."""
    above = {
        "offer": stay.offer.key,
        "department": stay.department.key,
        "site": stay.site.key,
        "trust": stay.site.trust,
    }
    return above[limit.level] == limit.key


def apart_or_together(count: Recount, key: str, a: Stay, b: Stay) -> bool:
    """Whether two placings keep to what companions ask."""
    (item,) = (c for c in count.problem.companions if c.key == key)
    if not {a.learner.key, b.learner.key} <= set(item.learners) or a.learner.key == b.learner.key:
        return True
    return set(a.weeks).isdisjoint(b.weeks) or (a.site.key == b.site.key) == (item.kind == "together")


def supervised(count: Recount, limits: list[FullLimit], stays: list[Stay]) -> bool:
    """Whether the limits of supervision hold with the best split, week by week, as a greatest flow. A
    department's limit has its own WTE and each of its educators' whole WTE, for learners whom they may
    supervise; an educator's own limit is over all departments together. Learners at once have limits of the
    same form, in departments and weeks without own WTE."""
    for at in (None, "learners"):
        named = [limit for limit in limits if limit.rule == "supervision" and limit.at == at]
        if not all(carried(count, named, stays, w) for w in range(len(count.problem.weeks))):
            return False
    return True


def carried(count: Recount, named: list[FullLimit], stays: list[Stay], w: int) -> bool:
    """Whether the limits named, all of WTE or all of learners at once, hold in a week."""
    asked, graph, monday = 0, nx.DiGraph(), count.problem.weeks[w]
    graph.add_nodes_from(["from", "to"])
    for limit in named:
        if limit.level != "department" or monday not in limit.weeks:
            continue
        department, heads = count.departments[limit.key], limit.at is not None
        if heads and not count.counts_learners(department, w):
            continue
        own = 0 if heads else own_wte(count, department, w)
        assert own is not None
        graph.add_edge(limit.key, "to", capacity=count.within(own / 1000))
        for s in stays:
            weight = thousandths(s.requirement.weight)
            if s.department.key != limit.key or w not in s.weeks or not weight:
                continue
            asked += 1 if heads else weight
            kind = (limit.key, s.learner.group, s.learner.stage)
            before = graph.get_edge_data("from", kind, {"capacity": 0})["capacity"]
            graph.add_edge("from", kind, capacity=before + (1 if heads else weight))
            graph.add_edge(kind, limit.key)
            for e in count.serving.get(limit.key, ()):
                if not may_supervise(count.educators[e], *kind[1:]):
                    continue
                graph.add_edge(kind, (limit.key, e))
                graph.add_edge((limit.key, e), ("educator", e), **whole(count, e, w, heads))
                alone = [x for x in named if x.level == "educator" and x.key == e and monday in x.weeks]
                graph.add_edge(("educator", e), "to", **(whole(count, e, w, heads) if alone else {}))
    return not asked or nx.maximum_flow_value(graph, "from", "to") == asked


def whole(count: Recount, educator: str, week: int, heads: bool) -> dict[str, int]:
    """The capacity of all that an educator can supervise in a week; none given where nothing limits it."""
    item = count.educators[educator]
    if not heads:
        return {"capacity": count.within(item.wte[week])}
    return {} if item.most is None else {"capacity": item.most[week]}
