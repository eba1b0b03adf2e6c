"""How the best answer must move when a problem is changed in a way whose effect is known.

Nothing here needs the best answer itself, so it holds where trying everything cannot reach. Each test states
its theorem; where a rule breaks the simple form of it, the true one is tested and the exception shown.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import replace
from random import Random
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching import (
    UNREACHABLE,
    Agreement,
    Department,
    Educator,
    Learner,
    Lock,
    Offer,
    Placing,
    Policy,
    Problem,
    Requirement,
    Result,
    Site,
    Trust,
    solve,
    verify,
)
from matching.policy import ALONE
from matching.recount import Stay
from matching.recount_aims import PRICED, aims, tiers
from tests.matching.matching_oracle import Trying
from tests.matching.matching_problems import SWITCHES, WEEKS, mixed_policies, mixed_problems

TRIED = settings(max_examples=50, deadline=None, derandomize=True)
shuffles = st.randoms(use_true_random=False)


def best(problem: Problem, policy: Policy) -> dict[str, int]:
    """The proven tiers of a problem by name."""
    return proven(solve(problem, policy))


def proven(result: Result) -> dict[str, int]:
    assert all(tier.gap == 0 for tier in result.tiers)
    return {tier.name: tier.value for tier in result.tiers}


def counted(problem: Problem, policy: Policy, result: Result) -> dict[str, int]:
    """What the tiers of another problem or policy make of an answer, as far as its requirements are in it;
    the educators' time is shared anew."""
    kept = {r: o for r, o in result.assignment.items() if r in problem.requirement_index}
    trying = Trying(problem, policy)
    stays: list[Stay] = [
        trying.count.stay(trying.count.requirements[r], trying.count.offers[o], result.blocks.get(r))
        for r, o in kept.items()
    ]
    shares = trying.shares(stays)
    assert shares is not None
    return tiers(trying.count, stays, aims(trying.count, stays, shares))


def no_worse(found: dict[str, int], than: dict[str, int]) -> bool:
    """Whether tiers of the same names are lexicographically no worse than others."""
    assert list(found) == list(than)
    return tuple(found.values()) <= tuple(than.values())


# -- other names, another order ------------------------------------------------------------


def relabelled(problem: Problem, name: Callable[[str, str], str]) -> Problem:
    """The problem with `name(kind, key)` for every key, whatever its kind."""

    def all_of(kind: str, keys: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name(kind, key) for key in keys)

    def maybe(kind: str, key: str | None) -> str | None:
        return None if key is None else name(kind, key)

    return Problem(
        weeks=problem.weeks,
        trusts=tuple(replace(t, key=name("trust", t.key)) for t in problem.trusts),
        sites=tuple(
            replace(
                s, key=name("site", s.key), trust=name("trust", s.trust), access=all_of("access", s.access)
            )
            for s in problem.sites
        ),
        departments=tuple(
            replace(
                d,
                key=name("department", d.key),
                site=name("site", d.site),
                modality=name("modality", d.modality),
            )
            for d in problem.departments
        ),
        offers=tuple(
            replace(
                o,
                key=name("offer", o.key),
                department=name("department", o.department),
                groups=all_of("group", o.groups),
                stages=all_of("stage", o.stages),
            )
            for o in problem.offers
        ),
        learners=tuple(
            replace(
                x,
                key=name("learner", x.key),
                group=name("group", x.group),
                stage=name("stage", x.stage),
                hei=name("hei", x.hei),
                employer=maybe("trust", x.employer),
                excluded_sites=all_of("site", x.excluded_sites),
                preferences=all_of("site", x.preferences),
                access_needs=all_of("access", x.access_needs),
                attended=all_of("site", x.attended),
                hub=maybe("trust", x.hub),
            )
            for x in problem.learners
        ),
        requirements=tuple(
            replace(
                r,
                key=name("requirement", r.key),
                learner=name("learner", r.learner),
                block=name("block", r.block) if r.block else "",
                modalities=all_of("modality", r.modalities),
                rotation=maybe("rotation", r.rotation),
            )
            for r in problem.requirements
        ),
        locks=tuple(
            replace(
                lock,
                requirement=name("requirement", lock.requirement),
                site_or_department=name(
                    "site" if lock.site_or_department in problem.site_index else "department",
                    lock.site_or_department,
                ),
            )
            for lock in problem.locks
        ),
        travel_minutes=problem.travel_minutes,
        educators=tuple(
            replace(
                e,
                key=name("educator", e.key),
                departments=all_of("department", e.departments),
                supervises=tuple((name("group", g), maybe("stage", s)) for g, s in e.supervises),
            )
            for e in problem.educators
        ),
        rotations=tuple(
            replace(
                f,
                key=name("rotation", f.key),
                learner=name("learner", f.learner),
                blocks=all_of("block", f.blocks),
            )
            for f in problem.rotations
        ),
        companions=tuple(
            replace(c, key=name("companions", c.key), learners=all_of("learner", c.learners))
            for c in problem.companions
        ),
        agreements=tuple(
            replace(
                a,
                key=name("agreement", a.key),
                hei=name("hei", a.hei),
                trust=name("trust", a.trust),
                groups=all_of("group", a.groups),
                stages=all_of("stage", a.stages),
            )
            for a in problem.agreements
        ),
        published=tuple(
            Placing(name("requirement", p.requirement), name("offer", p.offer), maybe("block", p.block))
            for p in problem.published
        ),
    )


def new_names(problem: Problem, random: Random | None = None) -> Callable[[str, str], str]:
    """Other names for every key: drawn at random, or (None) such that the keys keep their order."""
    seen: dict[str, set[str]] = {}

    def gather(kind: str, key: str) -> str:
        seen.setdefault(kind, set()).add(key)
        return key

    relabelled(problem, gather)
    of = {}
    for kind, keys in seen.items():
        numbers = list(range(len(keys)))
        if random is not None:
            random.shuffle(numbers)
        of.update({(kind, key): f"{kind} {n:03}" for key, n in zip(sorted(keys), numbers, strict=True)})
    return lambda kind, key: of[kind, key]


# Lists whose order says nothing; preferences are ranked, a rotation's blocks belong to its weeks.
UNORDERED = (
    "groups",
    "stages",
    "access",
    "access_needs",
    "excluded_sites",
    "attended",
    "departments",
    "supervises",
)


def shuffled(problem: Problem, random: Random) -> Problem:
    """The same problem, every list whose order says nothing put in another."""

    def mixed(items: tuple) -> tuple:
        out = list(items)
        random.shuffle(out)
        return tuple(out)

    parts = {}
    order = {name: mixed(tuple(range(len(getattr(problem, name))))) for name in Problem.PARTS}
    for name in Problem.PARTS:
        items = [getattr(problem, name)[i] for i in order[name]]
        fields = (*UNORDERED, *(("modalities",) if name == "requirements" else ()))
        fields += ("learners",) if name == "companions" else ()
        parts[name] = tuple(
            replace(item, **{f: mixed(getattr(item, f)) for f in fields if hasattr(item, f)})
            for item in items
        )
    minutes = problem.travel_minutes[np.ix_(order["learners"], order["sites"])]
    return Problem(weeks=problem.weeks, travel_minutes=minutes, **parts)


BY_WEEK = ("places", "accommodation", "wte", "most", "preferred", "maximum")


def mirrored(problem: Problem) -> Problem:
    """The round with its last week first."""
    last = len(problem.weeks) - 1

    def back(weeks: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(last - w for w in reversed(weeks))

    parts = {}
    for name in ("trusts", "sites", "departments", "offers", "educators"):
        parts[name] = tuple(
            replace(item, **{f: v[::-1] for f in BY_WEEK if (v := getattr(item, f, None)) is not None})
            for item in getattr(problem, name)
        )
    return replace(
        problem,
        **parts,
        requirements=tuple(replace(r, weeks=back(r.weeks)) for r in problem.requirements),
        rotations=tuple(replace(f, weeks=tuple(map(back, f.weeks))) for f in problem.rotations),
    )


@given(mixed_problems(), mixed_policies(), shuffles, st.integers(0, 9))
@TRIED
def test_names_order_direction_of_time_and_the_draw_change_no_tier(problem, policy, random, seed):
    other = shuffled(relabelled(problem, new_names(problem, random)), random)
    assert best(other, policy) == best(problem, policy)
    assert best(mirrored(problem), policy.replace(seed=seed)) == best(problem, policy)


@given(mixed_problems(), mixed_policies(), shuffles)
@TRIED
def test_the_order_of_a_problems_parts_changes_nothing_at_all(problem, policy, random):
    one, two = solve(problem, policy), solve(shuffled(problem, random), policy)
    assert _told(one) == _told(two)


def _told(result: Result) -> dict[str, object]:
    """Everything in a result but the time it took."""
    out = {f.name: getattr(result, f.name) for f in dataclasses.fields(result)}
    del out["seconds"], out["stages"]
    return out


@given(mixed_problems(), mixed_policies(), shuffles)
@TRIED
def test_new_names_in_the_old_order_give_the_same_allocation(problem, policy, random):
    """Where there is no draw, as in a large part, equal answers are settled by the order of keys; the draw
    hashes the names themselves."""
    name = new_names(problem)
    with mock.patch("matching.integer.DRAWN", 0):
        one, two = solve(problem, policy), solve(shuffled(relabelled(problem, name), random), policy)
    assert one.paths == two.paths
    if one.paths["flow"]:
        assert proven(one) == proven(two)
        return
    renamed = {name("requirement", r): name("offer", o) for r, o in one.assignment.items()}
    assert two.assignment == renamed
    assert two.blocks == {name("requirement", r): name("block", b) for r, b in one.blocks.items()}


# -- other units ------------------------------------------------------------

TRAVELLED = ("travel", "worst_travel", "past_travel", "hei_fairness")


def weighted(policy: Policy, scaled: tuple[str, ...], factor: int) -> tuple[Policy, set[str]]:
    """A policy whose other aims weigh `factor` times as much in each tier that holds one of the `scaled`
    aims, so that the whole tier scales; and the names of those tiers."""
    made, names = [], set()
    for name, tier in zip(policy.tier_names, policy.tiers, strict=True):
        if set(tier) & set(scaled):
            names.add(name)
            tier = {aim: weight if aim in scaled else weight * factor for aim, weight in tier.items()}
        made.append(tier)
    return policy.replace(tiers=tuple(made)), names


def in_proportion(found: dict[str, int], factor: int, names: set[str]) -> dict[str, int]:
    return {name: value * factor if name in names else value for name, value in found.items()}


@given(mixed_problems(), mixed_policies(), st.sampled_from([2, 3, 10]))
@TRIED
def test_dearer_prices_scale_their_tiers(problem, policy, factor):
    dear, names = weighted(policy, PRICED, factor)
    dear = dear.replace(
        travel=tuple((start, price * factor) for start, price in policy.travel),
        supervisor_load=tuple((start, price * factor) for start, price in policy.supervisor_load),
        preference_step=policy.preference_step * factor,
        preference_unranked=policy.preference_unranked * factor,
        above_preferred=policy.above_preferred * factor,
    )
    assert best(problem, dear) == in_proportion(best(problem, policy), factor, names)


@given(mixed_problems(), mixed_policies(), st.data())
@TRIED
def test_a_tiers_weights_scale_that_tier_alone(problem, policy, data):
    position = data.draw(st.integers(0, len(policy.tiers) - 1))
    tier = policy.tiers[position]
    factor = 1000 // max(tier.values())
    made = [*policy.tiers]
    made[position] = {aim: weight * factor for aim, weight in tier.items()}
    scaled = in_proportion(best(problem, policy), factor, {policy.tier_names[position]})
    assert best(problem, policy.replace(tiers=tuple(made))) == scaled


@given(mixed_problems(), mixed_policies(), st.sampled_from([2, 3, 4]))
@TRIED
def test_longer_minutes_scale_the_tiers_of_travel(problem, policy, factor):
    """All in units of three minutes, so that no mean and no part of an hour is rounded."""
    limits = {mode: min(120, limit) for mode, limit in policy.travel_limit.items()}
    long, names = weighted(policy, TRAVELLED, factor)
    one = best(slower(problem, 3), slower_policy(policy, limits, 3))
    many = best(slower(problem, 3 * factor), slower_policy(long, limits, 3 * factor))
    assert many == in_proportion(one, factor, names)


def slower(problem: Problem, factor: int) -> Problem:
    minutes = problem.travel_minutes.astype(np.int64)
    return replace(
        problem,
        travel_minutes=np.where(minutes == UNREACHABLE, UNREACHABLE, minutes * factor).astype(np.uint16),
        learners=tuple(
            replace(
                x,
                travel_limit_minutes=None
                if x.travel_limit_minutes is None
                else x.travel_limit_minutes * factor,
            )
            for x in problem.learners
        ),
    )


def slower_policy(policy: Policy, limits: dict[str, int], factor: int) -> Policy:
    return policy.replace(
        travel_limit={mode: limit * factor for mode, limit in limits.items()},
        travel=tuple((start * factor, price) for start, price in policy.travel),
    )


@given(mixed_problems(), mixed_policies(), st.sampled_from([2, 3, 10]))
@TRIED
def test_heavier_supervision_by_more_wte_scales_the_load(problem, policy, factor):
    def heavier(wte: tuple[float, ...] | None) -> tuple[float, ...] | None:
        return None if wte is None else tuple(w * factor for w in wte)

    heavy = replace(
        problem,
        departments=tuple(replace(d, wte=heavier(d.wte)) for d in problem.departments),
        educators=tuple(replace(e, wte=heavier(e.wte)) for e in problem.educators),
        requirements=tuple(replace(r, weight=r.weight * factor) for r in problem.requirements),
    )
    other, names = weighted(policy, ("supervisor_load",), factor)
    assert best(heavy, other) == in_proportion(best(problem, policy), factor, names)


# -- more to go round ------------------------------------------------------------


@given(mixed_problems(), mixed_policies(), st.data())
@TRIED
def test_adding_capacity_never_hurts(problem, policy, data):
    """Whatever was allowed still is and costs no more. An educator who is added must not be the first
    supervision that is counted in a department (below)."""
    more = added(data.draw, problem)
    assert no_worse(best(more, policy), than=best(problem, policy))


def added(draw: Callable, problem: Problem) -> Problem:
    """The problem with one thing more, drawn."""
    kinds = ["site", *(["learner may go"] if problem.learners else [])]
    kinds += ["offer"] if problem.departments else []
    kinds += ["maximum", "preferred"] if problem.offers else []
    kinds += ["wte"] if any(d.wte for d in problem.departments) else []
    kinds += ["educator's wte", "educator's departments"] if problem.educators else []
    kinds += ["educator"] if counted_departments(problem) else []
    kinds += [f"places of {name}" for name in ("trusts", "sites", "departments")]
    kinds += ["beds"]
    kind = draw(st.sampled_from(kinds))
    pick = lambda items: draw(st.integers(0, len(items) - 1))  # noqa: E731
    week = draw(st.sampled_from([None, 0, 1, 2, 3]))

    def up(values: tuple | None, step: float, otherwise: tuple | None = None) -> tuple | None:
        if values is None:
            return otherwise
        return tuple(v + step if week in (None, w) else v for w, v in enumerate(values))

    def with_item(name: str, i: int, **changes: object) -> Problem:
        items = list(getattr(problem, name))
        items[i] = replace(items[i], **changes)
        return replace(problem, **{name: tuple(items)})

    if kind == "site":
        return with_site(draw, problem)
    if kind == "learner may go":
        minutes = problem.travel_minutes.copy()
        i, j = pick(problem.learners), pick(problem.sites)
        minutes[i, j] = draw(st.integers(0, int(minutes[i, j])))
        return replace(problem, travel_minutes=minutes)
    if kind == "offer":
        department = problem.departments[pick(problem.departments)].key
        return replace(problem, offers=(*problem.offers, new_offer(draw, department)))
    if kind == "maximum":
        i = pick(problem.offers)
        return with_item("offers", i, maximum=up(problem.offers[i].maximum, 1))
    if kind == "preferred":
        i = pick(problem.offers)
        item = problem.offers[i]
        wanted = up(item.preferred, 1)
        return with_item("offers", i, preferred=tuple(map(min, wanted, item.maximum)))
    if kind == "wte":
        i = draw(st.sampled_from([i for i, d in enumerate(problem.departments) if d.wte]))
        step = draw(st.sampled_from([0.1, 0.5, 3.0]))
        return with_item("departments", i, wte=up(problem.departments[i].wte, step))
    if kind == "educator's wte":
        i = pick(problem.educators)
        return with_item("educators", i, wte=up(problem.educators[i].wte, 0.5))
    if kind == "educator's departments":
        i = pick(problem.educators)
        served = tuple(dict.fromkeys((*problem.educators[i].departments, *counted_departments(problem))))
        return with_item("educators", i, departments=served)
    if kind == "educator":
        served = draw(st.lists(st.sampled_from(counted_departments(problem)), min_size=1, unique=True))
        educator = Educator("E new", tuple(served), (draw(st.sampled_from([0.0, 0.5, 2.0])),) * 4)
        return replace(problem, educators=(*problem.educators, educator))
    if kind == "beds":
        i = pick(problem.sites)
        return with_item("sites", i, accommodation=up(problem.sites[i].accommodation, 1, (1, 1, 1, 1)))
    name = kind.removeprefix("places of ")
    i = pick(getattr(problem, name))
    return with_item(name, i, places=up(getattr(problem, name)[i].places, 1))


def counted_departments(problem: Problem) -> list[str]:
    """Departments where supervision is counted already."""
    served = {key for e in problem.educators for key in e.departments}
    return [d.key for d in problem.departments if d.wte is not None or d.key in served]


def new_offer(draw: Callable, department: str) -> Offer:
    maximum = draw(st.tuples(*[st.integers(0, 2)] * 4))
    return Offer("O new", department, (), (), tuple(draw(st.integers(0, m)) for m in maximum), maximum)


def with_site(draw: Callable, problem: Problem) -> Problem:
    minutes = [[draw(st.sampled_from([5, 40, 91, UNREACHABLE]))] for _ in problem.learners]
    column = np.array(minutes, np.uint16).reshape(len(problem.learners), 1)
    return replace(
        problem,
        sites=(*problem.sites, Site("S new", "T0", access=("lift",))),
        departments=(
            *problem.departments,
            Department("D new", "S new", draw(st.sampled_from(["xray", "ct"]))),
        ),
        offers=(*problem.offers, new_offer(draw, "D new")),
        travel_minutes=np.hstack([problem.travel_minutes, column]),
    )


def test_the_first_educator_of_a_department_that_nobody_counted_can_hurt():
    """A department without a WTE is not limited; one that an educator serves is."""
    problem = replace(_small(), educators=())
    counted_now = replace(problem, educators=(Educator("E", ("D0",), (0.5,) * 4),))
    assert best(problem, Policy())["unplaced_priority_1"] == 0
    assert best(counted_now, Policy())["unplaced_priority_1"] == 1


def _small() -> Problem:
    """Two learners, one site with two places, weights of half a WTE."""
    return Problem(
        weeks=WEEKS,
        trusts=(Trust("T0"),),
        sites=(Site("S0", "T0"),),
        departments=(Department("D0", "S0", "xray"),),
        offers=(Offer("O0", "D0", preferred=(2,) * 4, maximum=(2,) * 4),),
        learners=(Learner("L0", "a", "1", "H"), Learner("L1", "a", "1", "H")),
        requirements=tuple(Requirement(f"R{i}", f"L{i}", "B", ("xray",), (0, 1)) for i in range(2)),
        travel_minutes=np.full((2, 1), 20, np.uint16),
    )


# -- fewer to place ------------------------------------------------------------


def without(problem: Problem, key: str) -> Problem:
    """The problem without one learner and all that is about them alone."""
    gone = {r.key for r in problem.requirements if r.learner == key}
    return replace(
        problem,
        learners=tuple(x for x in problem.learners if x.key != key),
        requirements=tuple(r for r in problem.requirements if r.key not in gone),
        rotations=tuple(f for f in problem.rotations if f.learner != key),
        locks=tuple(lock for lock in problem.locks if lock.requirement not in gone),
        published=tuple(p for p in problem.published if p.requirement not in gone),
        companions=tuple(
            replace(c, learners=left)
            for c in problem.companions
            if len(left := tuple(x for x in c.learners if x != key)) > 1
        ),
        travel_minutes=np.delete(problem.travel_minutes, problem.learner_index[key], axis=0),
    )


@given(mixed_problems(), mixed_policies(), st.data())
@TRIED
def test_striking_a_learner_out_of_the_answer_is_never_better_than_matching_without_them(
    problem, policy, data
):
    """No rule is broken by placing fewer: the old answer without the learner still stands. So the new one is
    no worse, tier by tier, agreements and all."""
    key = data.draw(st.sampled_from([x.key for x in problem.learners]))
    fewer, old = without(problem, key), solve(problem, policy)
    assert no_worse(best(fewer, policy), than=counted(fewer, policy, old))


@given(mixed_problems(), mixed_policies(), st.data())
@TRIED
def test_removing_a_learner_never_lengthens_the_unplaced_list(problem, policy, data):
    """By priority, the pinned first: true of every rule but the least of an agreement, whose tier comes
    before the learners' (below). What the learner left over themselves is not even needed."""
    problem = replace(problem, agreements=tuple(replace(a, least=0) for a in problem.agreements))
    key = data.draw(st.sampled_from([x.key for x in problem.learners]))
    old = solve(problem, policy)
    own = [r for r in old.unplaced if problem.requirements[problem.requirement_index[r]].learner == key]
    pinned = {lock.requirement for lock in problem.locks if policy.locks and lock.kind == "pin"}
    before = proven(old)
    for r in own:
        priority = problem.requirements[problem.requirement_index[r]].priority
        before["unplaced_pinned" if r in pinned else f"unplaced_priority_{priority}"] -= 1
    after = best(without(problem, key), policy)
    lists = [name for name in before if name.startswith("unplaced")]
    assert [after.get(name, 0) for name in lists] <= [before[name] for name in lists]


def test_an_agreements_least_can_lengthen_the_list_once_a_learner_is_gone():
    """L0 meets the agreement of H with T1 in the first two weeks. Without L0 it draws L2 there for the last
    two, in each of which L1 of another HEI had the one place, and can go nowhere else."""
    problem = _drawn_by_an_agreement(least=1)
    assert best(problem, Policy())["unplaced_priority_1"] == 0
    after = best(without(problem, "L0"), Policy())
    assert after["agreement_shortfall"] == 0
    assert after["unplaced_priority_1"] == 2
    assert best(without(_drawn_by_an_agreement(least=0), "L0"), Policy())["unplaced_priority_1"] == 0


def _drawn_by_an_agreement(least: int) -> Problem:
    spans = {"R0": ("L0", (0, 1)), "R1": ("L1", (2,)), "R2": ("L1", (3,)), "R3": ("L2", (2, 3))}
    return Problem(
        weeks=WEEKS,
        trusts=(Trust("T0"), Trust("T1")),
        sites=(Site("S0", "T0"), Site("S1", "T1")),
        departments=(Department("D0", "S0", "xray"), Department("D1", "S1", "xray")),
        offers=tuple(Offer(f"O{j}", f"D{j}", preferred=(1,) * 4, maximum=(1,) * 4) for j in range(2)),
        learners=tuple(Learner(f"L{i}", "a", "1", hei) for i, hei in enumerate("HGH")),
        requirements=tuple(
            Requirement(key, who, str(weeks), ("xray",), weeks) for key, (who, weeks) in spans.items()
        ),
        travel_minutes=np.array([[UNREACHABLE, 10], [UNREACHABLE, 10], [10, 10]], np.uint16),
        agreements=(Agreement("A", "H", "T1", least),),
    )


# -- two regions at once ------------------------------------------------------------


def side_by_side(one: Problem, two: Problem) -> Problem:
    """Two problems of the same weeks with nothing in common."""
    left, right = (
        relabelled(problem, lambda kind, key, side=side: f"{side} {key}")
        for side, problem in (("left", one), ("right", two))
    )
    (n, m), (k, j) = left.travel_minutes.shape, right.travel_minutes.shape
    minutes = np.full((n + k, m + j), UNREACHABLE, np.uint16)
    minutes[:n, :m], minutes[n:, m:] = left.travel_minutes, right.travel_minutes
    parts = {name: (*getattr(left, name), *getattr(right, name)) for name in Problem.PARTS}
    return Problem(weeks=one.weeks, travel_minutes=minutes, **parts)


def _alone(name: str) -> bool:
    return name in ALONE


@given(mixed_problems(most_requirements=4), mixed_policies())
@settings(TRIED, max_examples=25)
def test_a_problem_twice_side_by_side_doubles_each_tier_that_is_a_sum(problem, policy):
    """The aims that look at the worst stay as they are."""
    policy = policy.replace(group_fit=True, modality_fit=True)
    found, single = best(side_by_side(problem, problem), policy), best(problem, policy)
    assert found == {name: v if _alone(name) else 2 * v for name, v in single.items()}


@given(mixed_problems(most_requirements=4), mixed_problems(most_requirements=4), mixed_policies())
@settings(TRIED, max_examples=25)
def test_two_problems_side_by_side_cost_their_sum(one, two, policy):
    tiers_of_sums = tuple(t for t in policy.tiers if not set(t) & set(ALONE))
    policy = policy.replace(tiers=tiers_of_sums or ({"travel": 1},))
    left, right = best(one, policy), best(two, policy)
    found = best(side_by_side(one, two), policy)
    assert found == {name: left.get(name, 0) + right.get(name, 0) for name in found}
    assert set(found) == {*left, *right}


# -- looser rules ------------------------------------------------------------

# Setting these aside changes what the tiers of placing are; `accommodation` is a leave, not a limit.
OTHER_TIERS = ("locks", "agreements")


@pytest.mark.parametrize("rule", [*SWITCHES, "supervision"])
@given(problem=mixed_problems(), policy=mixed_policies())
@settings(TRIED, max_examples=20)
def test_a_rule_set_aside_never_makes_it_worse(rule, problem, policy):
    """The answer under the rule is still one without it."""
    on = 1.0 if rule == "supervision" else True
    off = None if rule == "supervision" else False
    strict, loose = policy.replace(**{rule: on}), policy.replace(**{rule: off})
    if rule == "accommodation":  # beds let learners go beyond the limit
        strict, loose = loose, strict
    old, found = solve(problem, strict), best(problem, loose)
    assert no_worse(found, than=counted(problem, loose, old))
    if rule not in OTHER_TIERS:
        assert no_worse(found, than=proven(old))


@given(mixed_problems(), mixed_policies(), st.data())
@TRIED
def test_a_limit_of_one_learner_or_agreement_lifted_never_makes_it_worse(problem, policy, data):
    assert no_worse(best(lifted(data.draw, problem), policy), than=best(problem, policy))


def lifted(draw: Callable, problem: Problem) -> Problem:
    """The problem with one limit less, drawn."""
    kind = draw(st.sampled_from(["learner", "bans", "companions", "agreements", "rotations"]))
    if kind == "bans":
        return replace(problem, locks=tuple(lock for lock in problem.locks if lock.kind == "pin"))
    if kind == "companions":
        return replace(problem, companions=problem.companions[1:])
    if kind == "agreements":
        return replace(problem, agreements=tuple(replace(a, most=None) for a in problem.agreements))
    if kind == "rotations":  # one block more to choose from
        more = tuple(
            replace(f, blocks=(*f.blocks, "B new"), weeks=(*f.weeks, draw(st.sampled_from([(0,), (2, 3)]))))
            for f in problem.rotations
        )
        return replace(problem, rotations=more)
    i = draw(st.integers(0, len(problem.learners) - 1))
    learners = list(problem.learners)
    x = learners[i]
    change = draw(
        st.sampled_from(
            [
                {"employer": None},
                {"released": True},
                {"excluded_sites": ()},
                {"access_needs": ()},
                {"site_repeats": None if x.site_repeats is None else x.site_repeats + 1},
                {"site_repeats": None},
                {"different_sites": None},
                {"different_sites": max(0, (x.different_sites or 0) - 1)},
            ]
        )
    )
    learners[i] = replace(x, **change)
    return replace(problem, learners=tuple(learners))


@given(mixed_problems(), mixed_policies(), st.sampled_from([1, 15, 46, 1000]))
@TRIED
def test_a_longer_travel_limit_never_makes_it_worse(problem, policy, more):
    """All who could be placed still can. The soft tiers too are no worse, but that a placing with a bed
    counts the limit as its minutes, which is then longer."""
    limits = {mode: min(1440, limit + more) for mode, limit in policy.travel_limit.items()}
    found, before = best(problem, policy.replace(travel_limit=limits)), best(problem, policy)
    soft = len(policy.tiers)
    assert tuple(found.values())[:-soft] <= tuple(before.values())[:-soft]
    at_home = policy.replace(accommodation=False)
    assert no_worse(best(problem, at_home.replace(travel_limit=limits)), than=best(problem, at_home))


# -- what was published ------------------------------------------------------------


@given(mixed_problems(), mixed_policies(), st.booleans())
@TRIED
def test_a_published_answer_stays_put_where_changes_come_first(problem, policy, other):
    """Even where the aims behind it are now others: it is as good as any in the tiers of placing, and keeps
    every placing."""
    old = solve(problem, policy)
    placings = tuple(Placing(r, o, old.blocks.get(r)) for r, o in old.assignment.items())
    published = replace(problem, published=placings)
    behind = ({"preferences": 1},) if other else policy.tiers
    kept = [{aim: w for aim, w in tier.items() if aim != "changes"} for tier in behind]
    first = policy.replace(tiers=({"changes": 1}, *(tier for tier in kept if tier)))
    found = solve(published, first)
    assert proven(found)["changes"] == 0
    assert found.assignment == old.assignment
    assert found.blocks == old.blocks
    assert verify(published, first, found) == []


@given(mixed_problems(), mixed_policies())
@TRIED
def test_pinning_every_placing_of_an_answer_leaves_it_as_it_is(problem, policy):
    """Who is placed, and where, is then decided; only the block of a floating requirement is not."""
    old = solve(problem, policy)
    department = {o.key: o.department for o in problem.offers}
    pins = tuple(Lock(r, department[o], "pin") for r, o in old.assignment.items())
    pinned = replace(problem, locks=(*problem.locks, *pins))
    found = best(pinned, policy.replace(locks=True))
    assert found.get("unplaced_pinned", 0) == proven(old).get("unplaced_pinned", 0) or not policy.locks
    if policy.locks:
        soft = list(policy.tier_names)
        assert [found[name] for name in soft] == [proven(old)[name] for name in soft]
