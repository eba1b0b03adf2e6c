"""What would have to change: all of it together makes the placing possible, any one left out does not, and
nothing less does."""

import dataclasses
from itertools import combinations

import pytest
from hypothesis import event, given, settings

from matching import Agreement, Companions, Lock, Policy, ProblemError, Result, Site, Trust, solve
from matching.changes import Change, changed
from matching.recount import Recount
from matching.recount_rules import broken_together
from matching.recount_supervision import supervision
from matching.way_there import WayThere, what_must_change
from tests.matching.matching_oracle import Trying
from tests.matching.matching_problems import mixed_policies, mixed_problems, one_site


def possible(problem, policy, assignment, blocks) -> bool:
    """Whether placings are within every rule, with the educators' time split somehow."""
    trying = Trying(problem, policy)
    count = Recount(problem, policy, Result("gap", assignment, blocks=blocks))
    stays = count.stays()
    whole = trying.shares(stays)
    if whole is None or list(count.pairs(stays)) or list(broken_together(count, stays)):
        return False
    return not list(supervision(count, stays, whole))


def after(result, way: WayThere, moves) -> tuple[dict[str, str], dict[str, str]]:
    """Who is where with some of the moves made and the requirement there."""
    assignment, blocks = dict(result.assignment), dict(result.blocks)
    for move in moves:
        del assignment[move.requirement]
        blocks.pop(move.requirement, None)
        if move.after is not None:
            assignment[move.requirement] = move.after
        if move.block_after is not None:
            blocks[move.requirement] = move.block_after
    assignment[way.requirement] = way.offer
    blocks.pop(way.requirement, None)
    if way.block is not None:
        blocks[way.requirement] = way.block
    return assignment, blocks


@given(mixed_problems(most_requirements=4), mixed_policies())
@settings(max_examples=120, deadline=None, derandomize=True)
def test_all_of_it_makes_it_possible_and_any_one_left_out_does_not(problem, policy):
    result = solve(problem, policy)
    for r in problem.requirements:
        for offer in problem.offers:
            way = what_must_change(problem, policy, result, r.key, offer.key)
            if way is None:
                learner = problem.learner_index[r.learner]
                site = problem.departments[problem.department_index[offer.department]].site
                assert problem.travel_minutes[learner, problem.site_index[site]] == 65535
                continue
            event(f"{len(way.moves)} moves {sorted({c.rule for c in way.changes})}")
            new = changed(problem, policy, way.changes)
            assert possible(*new, *after(result, way, way.moves))
            for change in way.changes:
                less = changed(problem, policy, [c for c in way.changes if c != change])
                assert not possible(*less, *after(result, way, way.moves)), change
            for move in way.moves:
                assert (result.assignment[move.requirement], result.blocks.get(move.requirement)) == (
                    move.before,
                    move.block_before,
                )
                assert not possible(*new, *after(result, way, [m for m in way.moves if m != move])), move


def everything(problem, policy, requirement, offer, weeks) -> list[Change]:
    """Every change that could help, generously."""
    learner = problem.learners[problem.learner_index[requirement.learner]]
    department = problem.departments[problem.department_index[offer.department]]
    site = problem.sites[problem.site_index[department.site]]
    trust = problem.trusts[problem.trust_index[site.trust]]
    mondays = tuple(problem.weeks[w] for w in weeks)
    out = [
        Change("exclusion", "learner", learner.key, site.key),
        Change("employer", "learner", learner.key),
        Change("travel_limit", "policy", learner.mode, 0, 1440),
        Change("accommodation", "learner", learner.key),
        Change("accommodation", "site", site.key, 0, 1, mondays),
        Change("supervision", "department", department.key, 0, 9.0, mondays),
    ]
    if department.modality not in requirement.modalities:
        out.append(Change("modality_fit", "requirement", requirement.key, None, department.modality))
    for name, ours, theirs in (
        ("group", learner.group, offer.groups),
        ("stage", learner.stage, offer.stages),
    ):
        if theirs and ours not in theirs:
            out.append(Change("group_fit", "offer", offer.key, name, ours))
    missing = set(learner.access_needs) - set(site.access)
    out += [Change("access", "site", site.key, None, need) for need in missing]
    out += [
        Change("locks", "requirement", requirement.key, lock=x)
        for x in problem.locks
        if x.requirement == requirement.key
    ]
    if learner.travel_limit_minutes is not None:
        out.append(Change("travel_limit", "learner", learner.key, 0, 1440))
    if learner.site_repeats is not None:
        out.append(Change("site_repeats", "learner", learner.key, 0, 20))
    if learner.different_sites is not None:
        out.append(Change("different_sites", "learner", learner.key, 0, 0))
    for level, item in (("offer", offer), ("department", department), ("site", site), ("trust", trust)):
        if level == "offer" or item.places is not None:
            out.append(Change("places", level, item.key, 0, 1, mondays))
    for item in problem.companions:
        if learner.key in item.learners:
            out.append(Change("companions", "companions", item.key, learner.key))
    out += [
        Change("agreements", "agreement", a.key, a.most, 99) for a in problem.agreements if a.most is not None
    ]
    return out


@given(mixed_problems(most_requirements=4), mixed_policies())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_nothing_less_makes_it_possible(problem, policy):
    result = solve(problem, policy)
    for r in problem.requirements[:2]:
        for offer in problem.offers[:3]:
            way = what_must_change(problem, policy, result, r.key, offer.key)
            if way is None or not way.number or way.number > 3:
                continue
            rotation = problem.rotation_of(r)
            spans = [(None, r.weeks)]
            if rotation is not None:
                spans = list(zip(rotation.blocks, rotation.weeks, strict=True))
            for block, weeks in spans:
                held = dataclasses.replace(way, block=block, moves=())
                others = [k for k in result.assignment if k != r.key]
                options = [*everything(problem, policy, r, offer, weeks), *others]
                for some in combinations(options, way.number - 1):
                    assignment, blocks = after(result, held, ())
                    for key in some:
                        if isinstance(key, str):
                            del assignment[key]
                            blocks.pop(key, None)
                    made = changed(problem, policy, [c for c in some if isinstance(c, Change)])
                    assert not possible(*made, assignment, blocks), (way, some)


# -- by hand ------------------------------------------------------------


def way_to(problem, policy=None, requirement="R0", offer="O0"):
    policy = policy or Policy()
    return what_must_change(problem, policy, solve(problem, policy), requirement, offer)


def test_a_longer_journey():
    (change,) = way_to(one_site(minutes=97)).changes
    assert change == Change("travel_limit", "policy", "car", 90, 97)


def test_own_limit_and_policy_or_a_bed():
    problem = one_site(minutes=97, learners=1)
    near = dataclasses.replace(problem.learners[0], travel_limit_minutes=30, accommodation=True)
    problem = dataclasses.replace(problem, learners=(near,))
    assert way_to(problem).changes == (Change("accommodation", "site", "S0", 0, 1, problem.weeks[:2]),)
    awake = dataclasses.replace(problem, learners=(dataclasses.replace(near, accommodation=False),))
    assert [(c.level, c.now, c.needed) for c in way_to(awake).changes] == [
        ("policy", 90, 97),
        ("learner", 30, 97),
    ]


def test_one_more_place_in_the_weeks_that_are_full_rather_than_a_move():
    problem = one_site(places=1, learners=2)
    (left,) = solve(problem).unplaced
    way = way_to(problem, requirement=left)
    assert way.changes == (Change("places", "offer", "O0", 1, 1, problem.weeks[:2]),)
    assert way.moves == ()


def test_so_much_more_wte():
    problem = one_site(places=3, learners=3, wte=1.2)
    (left,) = solve(problem).unplaced
    (change,) = way_to(problem, requirement=left).changes
    assert change == Change("supervision", "department", "D0", 1.2, 0.3, problem.weeks[:2])
    (change,) = way_to(problem, Policy(supervision=0.9), left).changes
    assert (change.needed, change.now) == (0.467, 1.2)


def test_one_learner_who_moves_is_fewer_than_two_limits_raised():
    problem = one_site(places=1, learners=2)
    problem = dataclasses.replace(problem, sites=(Site("S0", "T", (1,) * 4),), trusts=(Trust("T", (1,) * 4),))
    (left,) = solve(problem).unplaced
    way = way_to(problem, requirement=left)
    assert way.changes == ()
    (move,) = way.moves
    assert (move.before, move.after) == ("O0", None)


def test_a_lock_an_employer_a_companion_and_an_agreement():
    problem = one_site(places=2, learners=2, sites=2)
    learner, other = problem.learners
    problem = dataclasses.replace(
        problem,
        learners=(dataclasses.replace(learner, employer="U"), other),
        trusts=(Trust("T"), Trust("U")),
        locks=(Lock("R0", "S0", "ban"), Lock("R0", "S1", "pin")),
        companions=(Companions("C", "apart", ("L0", "L1")),),
        agreements=(Agreement("A", "H", "T", most=1),),
    )
    result = solve(problem)
    assert list(result.assignment) == ["R1"]
    here = result.assignment["R1"]
    way = what_must_change(problem, Policy(), result, "R0", here)
    locks = 2 if here == "O0" else 0
    assert len(way.moves) == 1  # one move makes way for both the companions and the agreement
    assert [c.rule for c in way.changes] == ["employer", *["locks"] * locks]


def test_there_is_no_way_to_a_site_that_cannot_be_reached():
    assert way_to(one_site(minutes=65535)) is None
    assert way_to(one_site(wte=1.0), Policy(supervision=0.0)) is None


def test_where_there_is_room_nothing_has_to_change():
    problem = one_site(places=2, sites=2)
    way = way_to(problem, requirement="R0", offer="O1")
    assert (way.changes, way.moves, way.number) == ((), (), 0)


def test_what_is_not_there_is_refused():
    with pytest.raises(ProblemError, match="requirement"):
        way_to(one_site(), requirement="nobody")
    with pytest.raises(ProblemError, match="offer"):
        way_to(one_site(), offer="nowhere")
