"""Whether some requirements can all be placed within some limits and nothing else but the rules of a single
placing: by trying, each limit counted plainly from what it says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

import networkx as nx

from matching.certificates import FullLimit
from matching.recount import Recount, Stay, covers, thousandths
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
    department's limit has its own WTE and each of its educators' whole WTE; an educator's own limit is over
    all departments together."""
    named = [limit for limit in limits if limit.rule == "supervision"]
    for w, monday in enumerate(count.problem.weeks):
        asked, graph = 0, nx.DiGraph()
        graph.add_nodes_from(["from", "to"])
        for limit in named:
            if limit.level != "department" or monday not in limit.weeks:
                continue
            department = count.departments[limit.key]
            there = [s for s in stays if s.department.key == limit.key and w in s.weeks]
            weight = sum(thousandths(s.requirement.weight) for s in there)
            asked += weight
            own = own_wte(count, department, w)
            assert own is not None
            graph.add_edge("from", limit.key, capacity=weight)
            graph.add_edge(limit.key, "to", capacity=count.within(own / 1000))
            for e in count.serving.get(limit.key, ()):
                whole = count.within(count.educators[e].wte[w])
                graph.add_edge(limit.key, ("educator", e), capacity=whole)
                graph.add_edge(("educator", e), "to", **dict(educators_most(count, named, e, w)))
        if asked and nx.maximum_flow_value(graph, "from", "to") < asked:
            return False
    return True


def educators_most(
    count: Recount, named: list[FullLimit], educator: str, week: int
) -> Iterator[tuple[str, int]]:
    """The capacity of an educator in a week, where a limit names it."""
    monday = count.problem.weeks[week]
    if any(x.level == "educator" and x.key == educator and monday in x.weeks for x in named):
        yield "capacity", count.within(count.educators[educator].wte[week])
