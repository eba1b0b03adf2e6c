"""What a large part is bounded by: portions, classes and the guide, each against an exact answer to the same
small problem."""

import dataclasses
import math
from collections import Counter
from unittest import mock

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from matching import UNREACHABLE, Agreement, Learner, Policy, Requirement
from matching.classes import Alone, classes
from matching.generate_year import generate_year
from matching.guide import fewest_left
from matching.stop import Never
from matching.tables import Tables
from tests.matching.large_parts import (
    SECONDS,
    as_program,
    exact,
    held_at,
    near,
    no_more,
    obeyed,
    relaxed,
    set_up,
    setups,
    year,
)
from tests.matching.matching_problems import mixed_problems, one_site

SEEDS = (1, 2, 3)

# -- portions ------------------------------------------------------------


def all_of_it(made):
    whole = made.whole
    part = whole.portion(np.arange(whole.n), made.cost, whole.most)
    assert part.n == whole.n
    assert near(exact(part.program)[1], exact(as_program(whole, made.cost))[1])


@pytest.mark.parametrize("seed", SEEDS)
def test_the_portion_of_everyone_has_the_optimum_of_the_whole_in_a_year(seed):
    all_of_it(year(seed))


@given(setups())
@settings(max_examples=20, deadline=None)
def test_the_portion_of_everyone_has_the_optimum_of_the_whole(made):
    all_of_it(made)


def beside_the_others(made, seed):
    """Some are free, the others stay: whatever the free ones want, all of it together obeys every row."""
    whole, rng = made.whole, np.random.default_rng(seed)
    learners = rng.random(made.chosen.learner.max() + 1) < 0.5
    free = np.flatnonzero(learners[made.chosen.learner])
    stay = made.found.taken.copy()
    stay[free] = False
    cost = np.zeros(len(whole.upper))
    cost[: whole.n] = rng.integers(-9, 3, whole.n)
    part = whole.portion(free, cost, whole.most - whole.used(stay.astype(np.float64)))
    x, value = exact(part.program)
    stay[free[x[: part.n] > 0.5]] = True
    assert obeyed(whole, stay)
    return free, stay, cost, value


@pytest.mark.parametrize("seed", SEEDS)
def test_an_answer_of_a_portion_fits_beside_the_others_in_a_year(seed):
    made = year(seed)
    for wish in range(4):
        free, answer, cost, value = beside_the_others(made, wish)
        upper = made.whole.upper.copy()
        upper[: made.whole.n] = answer
        upper[free] = 1.0
        # As good as the whole's with the others fixed where they are.
        fixed = cost.copy()
        others = np.setdiff1d(np.flatnonzero(answer), free)
        fixed[others] = -1e4
        whole = exact(as_program(made.whole, fixed, upper))[1] + 1e4 * len(others)
        assert near(value, whole)


@given(setups(), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_an_answer_of_a_portion_fits_beside_the_others(made, seed):
    beside_the_others(made, seed)


def folded(made, seed):
    whole = made.whole
    cost = np.zeros(len(whole.upper))
    cost[: whole.n] = np.random.default_rng(seed).integers(-9, 3, whole.n)
    part = whole.portion(np.arange(whole.n), cost, whole.most, prices=False)
    assert not np.isin(part.columns, whole.family("step", "load")).any()
    x, value = exact(part.program)
    assert near(value, exact(as_program(whole, cost))[1])
    assert obeyed(whole, x[: whole.n] > 0.5)


@pytest.mark.parametrize("seed", SEEDS)
def test_without_prices_only_the_room_of_steps_counts_in_a_year(seed):
    made = year(seed)
    assert len(made.whole.family("step"))
    assert len(made.whole.family("load"))
    folded(made, seed)


@given(setups(), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_without_prices_only_the_room_of_steps_counts(made, seed):
    folded(made, seed)


# -- classes ------------------------------------------------------------


def classed(problem, most):
    """Classes of a problem by key of requirement, with what must be so of any."""
    tables = Tables(problem)
    with mock.patch("matching.classes.MOST", most):
        found = classes(tables, np.arange(len(problem.requirements)))
    of = tables.requirement_learner
    assert sorted(r for those in found for r in those.tolist()) == list(range(len(problem.requirements)))
    kinds = []
    for those in found:
        kind = {
            (
                problem.requirements[r].priority,
                -int(tables.weight[r]),
                problem.learners[of[r]].group,
                problem.learners[of[r]].stage,
            )
            for r in those
        }
        assert len(kind) == 1
        kinds.append(kind.pop())
        each = Counter(of[those].tolist())
        assert len(those) < most + max(each.values())
    assert kinds == sorted(kinds)
    return tables, found, kinds


def whole_learners(problem, most):
    tables, found, kinds = classed(problem, most)
    seen = [
        (kind, who)
        for kind, those in zip(kinds, found, strict=True)
        for who in set(tables.requirement_learner[those].tolist())
    ]
    assert len(seen) == len(set(seen))
    return found


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("most", [1, 3, 4, 3_000])
def test_classes_of_a_year(seed, most):
    problem = generate_year("tiny", seed)
    found = whole_learners(problem, most)
    assert len(found) > 5 or most > 100


@given(mixed_problems(most_requirements=6), st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_classes_part_the_requirements_by_urgency(problem, most):
    classed(problem, most)


@pytest.mark.parametrize("most", [1, 3, 4])
def test_classes_never_split_a_learner_however_requirements_are_named(most):
    problem = generate_year("tiny", 1)
    order = np.random.default_rng(1).permutation(len(problem.requirements))
    shuffled = tuple(problem.requirements[r] for r in order)
    whole_learners(dataclasses.replace(problem, requirements=shuffled), most)


def fewest(made, cost, free):
    """The fewest left over of some choices alone."""
    upper = made.whole.upper.copy()
    upper[: made.whole.n] = 0.0
    upper[free] = 1.0
    return len(np.unique(made.chosen.requirement[free])) + round(
        exact(as_program(made.whole, cost, upper))[1]
    )


def each_alone(made):
    """Every class alone; how many bounds were the very number."""
    sharp = 0
    for tier in made.large.earlier:
        for mine in made.large.members if tier.placing else []:
            free = mine[tier.cost[mine] != 0]
            if not len(free):
                continue
            least_of = fewest(made, tier.cost, free)
            alone = Alone(made.whole, tier.cost, free, made.chosen)
            for step in (alone.relax, alone.search):
                step(Never(), SECONDS)
                assert 0 <= alone.low <= least_of
            sharp += alone.low == least_of
    return sharp


@pytest.mark.parametrize("seed", SEEDS)
def test_a_class_alone_leaves_no_fewer_over_than_its_bound_in_a_year(seed):
    assert each_alone(year(seed)) >= 3


@given(setups())
@settings(max_examples=20, deadline=None)
def test_a_class_alone_leaves_no_fewer_over_than_its_bound(made):
    each_alone(made)


# -- the guide ------------------------------------------------------------


def bounded(made, seed):
    """At what several answers reach in the earlier tiers, the least of the soft ones is no lower."""
    large, rng = made.large, np.random.default_rng(seed)
    costs = [t.cost for t in large.earlier]
    whole = as_program(made.whole, large.soft)
    best, _ = exact(as_program(made.whole, made.cost))
    answers = [best[: made.whole.n] > 0.5, made.found.taken, np.zeros(made.whole.n, np.bool_)]
    answers.append(made.found.taken & (rng.random(made.whole.n) < 0.7))
    windows, held = made.windows(), made.reached(answers[0])
    guides = []
    for ceilings in ([], made.ceilings()):
        kept = windows.worth | made.found.taken
        # A choice that was missed costs the bound what it would have been worth: once more, with those.
        for _ in range(4):
            guides.append(made.guide(windows, held, ceilings, kept))
            kept = kept | guides[-1].worth
    guides.append(made.guide(windows, held, gap=0.05))
    for answer in answers[1:]:
        further = guides[0].corner.reaching(made.reached(answer), Never(), SECONDS)
        guides += [] if further is None else [further]
    assert len(guides) == 8 + 1 + len(answers) - 1
    for guide in guides:
        assert math.isfinite(guide.value)
        assert (guide.price >= 0).all()
        for answer in answers:
            reached = made.reached(answer)
            assert no_more(guide.bound(reached), exact(held_at(whole, costs, reached))[1])
    last = (guides[3].bound(held), guides[7].bound(held))
    return *last, relaxed(held_at(whole, costs, held))[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_guide_bounds_the_soft_tiers_of_a_year_at_what_is_held(seed):
    bound, under, right = bounded(year(seed), seed)
    assert 0.9 * right <= bound <= right * (1 + 1e-6)
    assert under >= 0.9 * right


@given(setups(), st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_the_guide_bounds_the_soft_tiers_at_what_is_held(made, seed):
    assume(len(made.large.earlier))
    bounded(made, seed)


def fewest_bounded(made):
    """What all tiers of placing leave over together is no less than is said, and how much that is."""
    costs = [t.cost for t in made.large.earlier if t.placing]
    nobody = np.zeros(made.whole.n, np.bool_)
    bound = fewest_left(made.whole, made.chosen, costs, made.ceilings(), nobody, Never(), SECONDS)
    best = exact(as_program(made.whole, np.sum(costs, axis=0, dtype=np.float64)))[1]
    assert math.isfinite(bound)
    assert no_more(bound, best)
    return bound, best


@pytest.mark.parametrize("seed", SEEDS)
def test_what_all_tiers_of_placing_leave_over_is_bounded_in_a_year(seed):
    bound, best = fewest_bounded(year(seed))
    assert bound > best - 3


@given(setups())
@settings(max_examples=15, deadline=None)
def test_what_all_tiers_of_placing_leave_over_is_bounded(made):
    assume(any(t.placing for t in made.large.earlier))
    fewest_bounded(made)


def test_a_relaxation_lets_pass_whatever_agreements_cannot_have():
    """Nine are agreed on where two learners are: seven short, of one agreement."""
    problem = dataclasses.replace(
        one_site(places=9, learners=2), agreements=(Agreement("A", "H", "T", 9, None),)
    )
    made = set_up(problem, Policy())
    held = [0 - t.constant for t in made.large.earlier]
    guide = made.guide(made.windows(), held)
    best = made.reached(np.ones(made.whole.n, np.bool_))
    assert best[0] == 7
    assert no_more(guide.bound(best), 2 * 20.0)
    assert near(guide.taken.sum(), 2)


def test_a_relaxation_that_keeps_to_what_classes_leave_over_is_nearer():
    """Three learners at each of two sites of one place, each of them there with one of the others at a time:
    in halves, three of the near site and one of the far one are two places; in whole learners, one each."""
    problem = dataclasses.replace(
        one_site(places=1, learners=6, sites=2),
        learners=tuple(Learner(f"L{i}", "radiography", str(i % 2), "H") for i in range(6)),
        requirements=tuple(
            Requirement(f"R{i}", f"L{i}", "B1", ("xray",), ((0, 1), (1, 2), (0, 2))[i // 2]) for i in range(6)
        ),
        travel_minutes=np.array([[10, UNREACHABLE], [UNREACHABLE, 50]] * 3, np.uint16),
    )
    made = set_up(problem, Policy())
    assert [(c.most, len(c.free)) for c in made.ceilings()] == [(1, 3), (1, 3)]
    costs, whole = [t.cost for t in made.large.earlier], as_program(made.whole, made.large.soft)
    windows, held = made.windows(), [-2]
    best = exact(held_at(whole, costs, held))[1]
    assert near(best, 10 + 70)
    assert near(made.guide(windows, held).bound(held), 1.5 * 10 + 0.5 * 70)
    assert near(made.guide(windows, held, made.ceilings()).bound(held), best)


@pytest.mark.parametrize("seed", SEEDS)
def test_choices_missed_are_those_that_a_relaxation_lacks(seed):
    made = year(seed)
    windows, held = made.windows(), made.reached(made.found.taken)
    costs = [t.cost for t in made.large.earlier]
    right = relaxed(held_at(as_program(made.whole, made.large.soft), costs, held))[0]
    bounds = {}
    for rounds in (0, 30):
        with mock.patch("matching.guide.MISSING", rounds):
            guide = made.guide(windows, held, kept=made.found.taken)
        bounds[rounds] = guide.bound(held)
        assert no_more(bounds[rounds], right)
        assert (guide.worth >= guide.corner.relaxation.kept).all()
    assert guide.corner.relaxation.kept.sum() < made.whole.n
    assert bounds[0] < 0.999 * right <= bounds[30]
