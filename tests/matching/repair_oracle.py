"""The best repair of a small problem by trying everything, and what may happen to one: for the tests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence

import networkx as nx
import numpy as np
from hypothesis import strategies as st

from matching import (
    Agreement,
    Companions,
    Department,
    Educator,
    Learner,
    Offer,
    Placing,
    Policy,
    Problem,
    Requirement,
    Result,
    Rotation,
    Site,
    Trust,
    solve,
)
from matching.events import (
    EducatorAway,
    Event,
    LateLearner,
    MustMove,
    PlacesCut,
    SiteClosed,
    Withdrawal,
    WteCut,
    apply,
)
from matching.recount import Stay, covers, may_supervise, thousandths
from matching.recount_aims import aims, tiers
from matching.recount_rules import broken_together, repeats
from matching.recount_supervision import own_wte, supervision
from tests.matching.matching_oracle import Kind, Trying
from tests.matching.matching_problems import WEEKS, among


def joined(who: dict[Kind, tuple[str, ...]], own: set[Kind]) -> list[set[Kind]]:
    """Learners by department, group and stage who could draw on the same educators, directly or through
    others, or (those in `own`) on the same department."""
    graph = nx.Graph()
    graph.add_nodes_from(who)
    for kind, educators in who.items():
        graph.add_edges_from((kind, ("educator", e)) for e in educators)
        if kind in own or not educators:
            graph.add_edge(kind, ("own", kind[0], not educators and kind not in own))
    return [group & set(who) for group in nx.connected_components(graph)]


class RepairByTrying:
    """Every allocation of what the events leave, by the tiers of a repair in their words."""

    def __init__(
        self,
        before: Problem,
        policy: Policy,
        events: Sequence[Event],
        now_week: int,
        may_move: Collection[str],
        waiting: bool,
    ) -> None:
        self.problem = apply(before, events)
        self.trying = Trying(self.problem, policy)
        self.count = self.trying.count
        count = self.count
        self.waiting = waiting
        known = {r.key for r in before.requirements}
        self.stood = {p.requirement: p for p in self.problem.published}
        stays = []
        for p in self.problem.published:
            stay = count.stay(count.requirements[p.requirement], count.offers[p.offer], p.block)
            if next(count.broken(stay), None) is None:
                stays.append(stay)
        self.stands = {s.requirement.key: s for s in stays}
        self.question = self.in_question(stays)
        self.late = {r.key for r in self.problem.requirements if r.key not in known}
        self.need = {key for key in self.stood if key not in self.stands} | self.question | self.late
        self.held = {
            s.requirement.key for s in stays if min(s.weeks) < now_week and s.requirement.key not in may_move
        }
        self.best: tuple[int, ...] | None = None
        self.names: list[str] = []

    def in_question(self, stays: list[Stay]) -> set[str]:
        """Who stands in a limit that does not hold."""
        count, policy, out = self.count, self.count.policy, set[str]()
        inside: dict[tuple[str, str, int], list[Stay]] = defaultdict(list)
        for s in stays:
            for w in s.weeks:
                if policy.places:
                    inside["offer", s.offer.key, w].append(s)
                    inside["department", s.department.key, w].append(s)
                    inside["site", s.site.key, w].append(s)
                    inside["trust", s.site.trust, w].append(s)
                if policy.one_place_a_week:
                    inside["learner", s.learner.key, w].append(s)
                if policy.accommodation and count.in_bed(s):
                    inside["bed", s.site.key, w].append(s)
        parts = {
            "offer": lambda key: count.offers[key].maximum,
            "department": lambda key: count.departments[key].places,
            "site": lambda key: count.sites[key].places,
            "trust": lambda key: count.trusts[key].places,
            "learner": lambda key: (1,) * len(self.problem.weeks),
            "bed": lambda key: count.sites[key].accommodation,
        }
        for (level, key, w), those in inside.items():
            most = parts[level](key)
            if most is not None and len(those) > most[w]:
                out |= {s.requirement.key for s in those}
        for agreement in self.problem.agreements:
            those = [s for s in stays if s.site.trust == agreement.trust and covers(agreement, s.learner)]
            if policy.agreements and agreement.most is not None and len(those) > agreement.most:
                out |= {s.requirement.key for s in those}
        for learner in self.problem.learners:
            mine = [s for s in stays if s.learner is learner]
            if policy.different_sites and repeats(learner, mine) > count.most_repeats(learner):
                out |= {s.requirement.key for s in mine}
            for s in mine:
                here = [x for x in mine if x.site is s.site]
                most = learner.site_repeats
                now = len(here) + learner.attended.count(s.site.key)
                if policy.site_repeats and most is not None and now > most:
                    out.add(s.requirement.key)
                same = [
                    x for x in mine if x.block == s.block and x.requirement.rotation == s.requirement.rotation
                ]
                if policy.rotation and s.block is not None and len(same) > 1:
                    out.add(s.requirement.key)
        for item in self.problem.companions if policy.companions else ():
            for a in stays:
                for b in stays:
                    pair = {a.learner.key, b.learner.key}
                    meet = len(pair) == 2 and pair <= set(item.learners) and set(a.weeks) & set(b.weeks)
                    if meet and (a.site is b.site) != (item.kind == "together"):
                        out |= {a.requirement.key, b.requirement.key}
        return out | self._unsupervised(stays)

    def _unsupervised(self, stays: list[Stay]) -> set[str]:
        """Who is among learners whom the same educators could supervise, and cannot: in WTE, or so many at
        once."""
        count, out = self.count, set[str]()
        if count.policy.supervision is None:
            return out
        classes = sorted({(x.group, x.stage) for x in self.problem.learners})
        who = {
            (d, *pair): tuple(e for e in count.serving.get(d, ()) if may_supervise(count.educators[e], *pair))
            for d in count.departments
            for pair in classes
        }
        own = {kind for kind in who if count.departments[kind[0]].wte is not None}
        capped = {
            kind: educators
            for kind, educators in who.items()
            if educators and all(count.educators[e].most is not None for e in educators)
        }
        for w in range(len(self.problem.weeks)):
            weight: dict[Kind, int] = defaultdict(int)
            heads: dict[Kind, int] = defaultdict(int)
            for s in stays:
                if w in s.weeks and thousandths(s.requirement.weight):
                    kind = (s.department.key, s.learner.group, s.learner.stage)
                    weight[kind] += thousandths(s.requirement.weight)
                    heads[kind] += kind in capped and count.counts_learners(s.department, w)
            short: set[Kind] = set()
            for group in joined(who, own):
                held = sorted((kind, weight[kind]) for kind in group if weight.get(kind))
                limited = all(own_wte(count, count.departments[d], w) is not None for (d, _, _), _ in held)
                if held and limited and self.trying._split(w, held) is None:
                    short |= group
            for group in joined(capped, set()):
                if not self._fit({kind: n for kind, n in heads.items() if kind in group and n}, w):
                    short |= group
            out |= {
                s.requirement.key
                for s in stays
                if w in s.weeks and (s.department.key, s.learner.group, s.learner.stage) in short
            }
        return out

    def _fit(self, heads: dict[Kind, int], week: int) -> bool:
        """Whether each learner can be on an educator who may supervise them, in a week."""
        graph = nx.DiGraph()
        graph.add_nodes_from(["from", "to"])
        for kind, n in heads.items():
            graph.add_edge("from", kind, capacity=n)
            for e in self.count.serving[kind[0]]:
                educator = self.count.educators[e]
                if may_supervise(educator, *kind[1:]):
                    graph.add_edge(kind, ("educator", e))
                    graph.add_edge(("educator", e), "to", capacity=educator.most[week])
        return nx.maximum_flow_value(graph, "from", "to") == sum(heads.values())

    def value(self) -> dict[str, int]:
        """The best tiers, by name in order."""
        requirements = sorted(self.problem.requirements, key=lambda r: r.key not in self.need)
        self._try(requirements, 0, [])
        assert self.best is not None
        return dict(zip(self.names, self.best, strict=True))

    def _first_tiers(self, stays: list[Stay], decided: set[str]) -> dict[str, int]:
        at = {s.requirement.key: s for s in stays}
        out: dict[str, int] = {}
        on_site = sorted(self.held & self.question)
        same = {k for k, s in at.items() if k in self.stands and self.is_same(s, self.stands[k])}
        if on_site:
            out["on_site_moved"] = sum(k in decided and k not in same for k in on_site)
        for who, word in ((self.need, "unplaced"), (None, "moved"), (self.others(), "waiting")):
            if who is None:
                out["moved"] = sum(k in decided and k not in same for k in self.stands)
                continue
            if word == "waiting" and not self.waiting:
                continue
            names = {k: self.tier(k) for k in who}
            for name in sorted(set(names.values()), key=lambda n: (n != "pinned", n)):
                out[f"{word}_{name}"] = sum(names[k] == name and k in decided and k not in at for k in names)
        return out

    def others(self) -> set[str]:
        """Those without a place before."""
        return {r.key for r in self.problem.requirements} - set(self.stood) - self.late

    def tier(self, key: str) -> str:
        pinned = self.count.policy.locks and self.count.pins.get(key)
        return "pinned" if pinned else f"priority_{self.count.requirements[key].priority}"

    @staticmethod
    def is_same(one: Stay, two: Stay) -> bool:
        return one.offer is two.offer and one.block == two.block

    def _try(self, requirements: list[Requirement], depth: int, stays: list[Stay]) -> None:
        count = self.count
        if next(broken_together(count, stays), None) is not None:
            return
        shares = self.trying.shares(stays)
        if shares is None or next(supervision(count, stays, shares), None) is not None:
            return
        first = self._first_tiers(stays, {r.key for r in requirements[:depth]})
        if self.best is not None and tuple(first.values()) > self.best[: len(first)]:
            return
        if depth == len(requirements):
            counted = tiers(count, stays, aims(count, stays, shares))
            last = {n: v for n, v in counted.items() if not n.startswith("unplaced")}
            value = (*first.values(), *last.values())
            if self.best is None or value < self.best:
                self.best, self.names = value, [*first, *last]
            return
        r = requirements[depth]
        key = r.key
        options: list[Stay | None] = []
        if key in self.held and key not in self.question:
            options = [self.stands[key]]
        elif key in self.others() and not self.waiting:
            options = [None]
        else:
            options = list(count.open_to(r))
            if key in self.stands:
                options.sort(key=lambda s: s is not None and not self.is_same(s, self.stands[key]))
            if key not in self.stands or key in self.question:
                options.append(None)
        for option in options:
            self._try(requirements, depth + 1, stays if option is None else [*stays, option])


@st.composite
def crowded_problems(draw: Callable) -> Problem:
    """Learners with a place or two within reach and hardly room for all, so that one who loses theirs makes
    others move; with weights, educators, floating blocks, companions and different sites now and then."""
    maybe = st.integers(0, 3).map(lambda x: x == 3)
    n_sites, n_learners = draw(st.integers(2, 4)), draw(st.integers(3, 5))
    weighed, overlapping = draw(st.booleans()), draw(st.booleans())
    sites = tuple(Site(f"S{j}", "T0" if j < 2 else "T1") for j in range(n_sites))
    wte = among(0.5, 1.0, 0.75)
    departments = tuple(
        Department(f"D{j}", f"S{j}", "xray", wte=(draw(wte),) * 4 if weighed else None)
        for j in range(n_sites)
    )
    offers = []
    for j in range(n_sites):
        places = (draw(st.integers(1, 2)) + 2 * weighed,) * 4
        offers.append(Offer(f"O{j}", f"D{j}", preferred=places, maximum=places))
    educators = ()
    named = draw(maybe)
    if weighed and draw(maybe):
        educators = (Educator("E", ("D0", "D1"), (0.5,) * 4),)
    elif named:
        kinds = among((), (("a", "1"),), (("a", None),), (("a", "2"), ("b", None)))
        most = st.none() | st.integers(1, 2).map(lambda n: (n,) * 4)
        educators = tuple(
            Educator(f"E{i}", ("D0", "D1")[i:], (1.0 + i,) * 4, draw(kinds), draw(most)) for i in range(2)
        )
    different = draw(maybe)
    learners = tuple(
        Learner(
            f"L{i}",
            "a",
            draw(among(*"112")) if named else "1",
            draw(among(*"HG")),
            different_sites=2 if different else None,
        )
        for i in range(n_learners)
    )
    requirements, rotations = [], []
    for i in range(n_learners):
        weight = draw(among(0.25, 0.5, 0.75)) if weighed else 0.5
        weeks = draw(among((0, 1), (1, 2))) if overlapping else (1, 2)
        floats = not rotations and draw(maybe)
        if floats:
            rotations.append(Rotation("F", f"L{i}", ("B0", "B1"), ((0, 1), (2, 3))))
        when = ("", ()) if floats else ("B", weeks)
        requirements.append(
            Requirement(
                f"R{i}",
                f"L{i}",
                when[0],
                ("xray",),
                when[1],
                weight,
                draw(st.integers(1, 2)),
                "F" if floats else None,
            )
        )
    if different:
        requirements.append(Requirement("RX", "L0", "B", ("xray",), (3,), 0.25))
    minutes = [[draw(among(5, 40, 65535)) for _ in sites] for _ in learners]
    companions = ()
    if draw(maybe):
        companions = (Companions("C", draw(among("together", "apart")), ("L0", "L1")),)
    agreements = (Agreement("A", "H", "T0", 0, draw(st.integers(1, 2))),) if draw(maybe) else ()
    return Problem(
        weeks=WEEKS,
        trusts=(Trust("T0"), Trust("T1")),
        sites=sites,
        departments=departments,
        offers=tuple(offers),
        learners=learners,
        requirements=tuple(requirements),
        rotations=tuple(rotations),
        educators=educators,
        companions=companions,
        agreements=agreements,
        travel_minutes=np.array(minutes, np.uint16),
    )


@st.composite
def happenings(draw: Callable, problem: Problem, most: int = 2) -> list[Event]:
    """One event or two that may happen to a problem."""
    out: list[Event] = []
    now = problem
    for i in range(draw(st.integers(1, most))):
        made = _happening(draw, now, i)
        if made is not None:
            out.append(made)
            now = apply(now, [made])
    return out


def _happening(draw: Callable, problem: Problem, i: int) -> Event | None:
    weeks = tuple(sorted(draw(st.sets(st.integers(0, 3), min_size=1))))
    kind = draw(st.integers(0, 7))
    pick = lambda items: draw(st.sampled_from(items))  # noqa: E731
    if kind == 0 and problem.learners:
        return Withdrawal(pick(problem.learners).key, draw(st.integers(0, 3)))
    if kind == 1:
        minutes = tuple(draw(among(5, 30, 46, 65535)) for _ in problem.sites)
        key = f"N{i}"
        needs = tuple(
            Requirement(f"N{i}{j}", key, "b", ("xray",), pick([(0, 1), (2, 3)]), 0.5, draw(st.integers(1, 2)))
            for j in range(draw(st.integers(1, 2)))
        )
        return LateLearner(Learner(key, "a", "1", "H"), needs, minutes)
    if kind in (2, 7) and problem.offers:
        level = pick(["offer", "department", "site", "trust"])
        item = pick(getattr(problem, level + "s"))
        field = item.maximum if level == "offer" else item.places
        most = min((9,) if field is None else (field[w] for w in weeks))
        return PlacesCut(level, item.key, weeks, min(most, draw(st.integers(0, 1))))
    if kind == 3 and problem.educators:
        item = pick(problem.educators)
        return EducatorAway(item.key, weeks, draw(st.sampled_from([0.0, min(item.wte[w] for w in weeks)])))
    if kind == 4:
        some = [d for d in problem.departments if d.wte is not None]
        if some:
            item = pick(some)
            least = min(item.wte[w] for w in weeks)
            return WteCut(item.key, weeks, draw(st.sampled_from([0.0, least / 2])))
    if kind == 5:
        return SiteClosed(pick(problem.sites).key, weeks)
    if kind == 6 and problem.published:
        placing = pick(problem.published)
        offer = problem.offers[problem.offer_index[placing.offer]]
        department = problem.departments[problem.department_index[offer.department]]
        return MustMove(placing.requirement, pick([department.key, department.site]))
    return None


@st.composite
def blows(draw: Callable, problem: Problem) -> list[Event]:
    """Something that takes a place away from someone who stands, or brings someone who can go to one site."""
    if not problem.published or draw(st.integers(0, 4)) == 4:
        draw_site = draw(st.integers(0, len(problem.sites) - 1))
        minutes = tuple(5 if j == draw_site else 65535 for j in range(len(problem.sites)))
        need = Requirement("NN", "N", "b", ("xray",), (1, 2), draw(among(0.25, 0.5)), 1)
        return [LateLearner(Learner("N", "a", "1", "H"), (need,), minutes)]
    placing = draw(st.sampled_from(problem.published))
    offer = problem.offers[problem.offer_index[placing.offer]]
    department = problem.departments[problem.department_index[offer.department]]
    kind = draw(st.integers(0, 3))
    if kind == 0:
        return [MustMove(placing.requirement, department.site)]
    if kind == 1:
        return [SiteClosed(department.site, draw(among((1,), (1, 2), (0, 1, 2, 3))))]
    if kind == 2 and department.wte is not None:
        return [WteCut(department.key, (0, 1, 2, 3), department.wte[0] - 0.25)]
    return [PlacesCut("offer", offer.key, (1,), offer.maximum[1] - 1)]


def as_published(result: Result) -> tuple[Placing, ...]:
    """A result as a publication."""
    return tuple(Placing(r, o, result.blocks.get(r)) for r, o in sorted(result.assignment.items()))


def standing_of(draw: Callable, problem: Problem, policy: Policy) -> tuple[Placing, ...]:
    """What stands: the best answer, less one or two of it; or the publication as it is, in whatever state."""
    if draw(st.integers(0, 3)) == 0:
        return problem.published
    found = as_published(solve(problem, policy))
    return tuple(p for p in found if draw(st.integers(0, 9)) < 9)
