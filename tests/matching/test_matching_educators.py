"""Educators who supervise some learners only, and so many at once: the two flows of supervision."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import replace

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching import (
    Addition,
    Amount,
    Change,
    Educator,
    EducatorAway,
    Placing,
    Policy,
    Problem,
    Share,
    WteCut,
    apply,
    certificate,
    changed,
    frontier,
    lose_each,
    prices,
    repair,
    solve,
    verify,
    what_must_change,
)
from matching.components import parts
from matching.contents import contents
from matching.eligibility import eligible_pairs
from matching.problem import ProblemError
from matching.recount import Recount
from matching.recount_supervision import carried, shares_given, supervision
from matching.result import Result
from matching.tables import Tables
from tests.matching.matching_oracle import best_by_trying
from tests.matching.matching_problems import WEEKS, mixed_policies, mixed_problems, one_site

FREE = Policy(supervisor_load=())


def named(
    *educators: Educator, stages: str = "11", own: float | None = None, weight: float = 0.5, places: int = 9
) -> Problem:
    """Learners of group "a" and some stages who need the same place, in a department of these educators."""
    problem = one_site(places, len(stages), wte=own)
    return replace(
        problem,
        educators=educators,
        learners=tuple(
            replace(x, group="a", stage=stage) for x, stage in zip(problem.learners, stages, strict=True)
        ),
        requirements=tuple(replace(r, weight=weight) for r in problem.requirements),
    )


def educator(
    key: str = "E", wte: float = 9.0, whom: tuple[tuple[str, str | None], ...] = (), most: int | None = None
) -> Educator:
    return Educator(key, ("D0",), (wte,) * 4, whom, None if most is None else (most,) * 4)


def placed(problem: Problem, policy: Policy = FREE) -> set[str]:
    result = solve(problem, policy)
    assert verify(problem, policy, result) == []
    assert {tier.name: tier.value for tier in result.tiers} == best_by_trying(problem, policy)
    return set(result.assignment)


# -- whom ------------------------------------------------------------


def test_only_learners_whom_an_educator_may_supervise_are_placed_there():
    assert placed(named(educator(whom=(("a", "1"),)), stages="1212")) == {"R0", "R2"}
    assert placed(named(educator(whom=(("a", None),)), stages="1212")) == {"R0", "R1", "R2", "R3"}
    assert placed(named(educator(whom=(("b", None),)), stages="12")) == set()


def test_who_has_nobody_to_supervise_them_is_refused_by_the_rule():
    result = solve(named(educator(whom=(("a", "1"),)), stages="12"), FREE)
    assert result.unplaced["R1"].kind == "rules"
    assert result.unplaced["R1"].rules == {"S0": "supervision"}


def test_own_wte_is_for_anybody_and_the_educators_for_whom_they_may():
    helped = named(educator(wte=0.5, whom=(("a", "1"),)), stages="12", own=0.5)
    assert placed(helped) == {"R0", "R1"}
    assert len(placed(named(educator(wte=0.5, whom=(("a", "1"),)), stages="22", own=0.5))) == 1
    assert len(placed(named(educator(wte=1.0, whom=(("a", "1"),)), stages="122", own=0.5))) == 2


def test_educators_divide_the_learners_as_they_may():
    either = educator("E", 0.5, (("a", "1"), ("a", "2")))
    assert placed(named(either, educator("F", 0.5, (("a", "1"),)), stages="12")) == {"R0", "R1"}
    assert len(placed(named(either, educator("F", 0.5, (("a", "1"),)), stages="22"))) == 1


def test_the_load_is_shared_among_those_who_may_supervise():
    policy = Policy(supervisor_load=((0, 2),), tiers=({"supervisor_load": 1},))
    for stages, shares in (("12", {"E": 0.5}), ("11", {"E": 1.0}), ("22", {})):
        problem = named(educator(wte=2.0, whom=(("a", "1"),)), stages=stages, own=1.0)
        steep = policy.replace(supervisor_load=((50, 2),))
        result = solve(problem, steep)
        assert verify(problem, steep, result) == []
        given_away = {s.educator: s.wte for s in result.shares if s.week == WEEKS[0]}
        assert sum(given_away.values()) <= sum(shares.values())
        assert result.costs["supervisor_load"] == (2 * 1000 if stages == "22" else 0)


# -- how many at once ------------------------------------------------------------


def test_no_more_are_placed_than_the_educators_take_at_once():
    assert len(placed(named(educator(most=2), stages="1111"))) == 2
    assert len(placed(named(educator("E", most=1), educator("F", most=2), stages="1111"))) == 3
    assert len(placed(named(educator("E", most=1), educator("F"), stages="1111"))) == 4
    assert placed(named(educator(most=0), stages="1")) == set()


def test_an_educators_most_is_over_all_their_departments():
    problem = replace(
        one_site(9, 4, sites=2),
        educators=(Educator("E", ("D0", "D1"), (9.0,) * 4, (), (3,) * 4),),
    )
    assert len(placed(problem)) == 3


def test_a_department_with_wte_of_its_own_is_not_limited_by_counts():
    assert len(placed(named(educator(most=1), stages="111", own=1.5))) == 3
    mixed = named(educator(most=1), stages="111", own=1.5)
    none = replace(mixed.departments[0], wte=(1.5, 0.0, 1.5, 1.5))
    assert len(placed(replace(mixed, departments=(none,)))) == 1


def test_wte_and_learners_are_two_flows():
    """F has the time and E the room: each learner counts under E in number and under F in WTE."""
    assert len(placed(named(educator("E", 0.0, most=2), educator("F", 1.0, most=0), stages="11"))) == 2


def test_learners_who_need_no_supervision_are_not_counted():
    assert len(placed(named(educator(wte=0.0, most=0), stages="111", weight=0.0))) == 3


def test_without_the_rule_neither_counts():
    policy = FREE.replace(supervision=None)
    assert len(placed(named(educator(wte=0.1, whom=(("b", None),), most=0), stages="111"), policy)) == 3


def test_a_most_by_week_counts_in_its_week():
    item = replace(educator(), most=(2, 1, 2, 2))
    assert len(placed(named(item, stages="11"))) == 1
    later = named(item, stages="11")
    needs = (later.requirements[0], replace(later.requirements[1], weeks=(2, 3), block="B2"))
    assert len(placed(replace(later, requirements=needs))) == 2


# -- nothing changes where nothing is said ------------------------------------------------------------


def every_class(problem: Problem) -> tuple[tuple[str, str | None], ...]:
    return tuple(sorted({(x.group, x.stage) for x in problem.learners}))


def told(result: Result) -> dict[str, object]:
    out = json.loads(result.to_json())
    return {name: value for name, value in out.items() if name not in ("seconds", "stages")}


@given(mixed_problems(), mixed_policies())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_naming_everybody_is_naming_nobody(problem, policy):
    bare = replace(problem, educators=tuple(replace(e, supervises=()) for e in problem.educators))
    full = replace(
        problem, educators=tuple(replace(e, supervises=every_class(problem)) for e in problem.educators)
    )
    one, two = solve(bare, policy), solve(full, policy)
    if all(e.most is None for e in problem.educators):
        assert told(one) == told(two)
    assert one.tiers == two.tiers
    assert verify(bare, policy, two) == verify(full, policy, one) == []


@given(mixed_problems(), mixed_policies())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_a_most_that_is_no_less_than_all_is_none(problem, policy):
    enough = (len(problem.requirements),) * len(problem.weeks)
    bare = replace(problem, educators=tuple(replace(e, most=None) for e in problem.educators))
    full = replace(problem, educators=tuple(replace(e, most=enough) for e in problem.educators))
    one, two = solve(bare, policy), solve(full, policy)
    assert one.tiers == two.tiers
    assert verify(bare, policy, two) == verify(full, policy, one) == []


@given(mixed_problems(), mixed_policies(), st.data())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_an_educator_who_takes_more_learners_never_hurts(problem, policy, data):
    if not any(e.limited for e in problem.educators):
        return
    i = data.draw(st.sampled_from([i for i, e in enumerate(problem.educators) if e.limited]))
    item = problem.educators[i]
    more = data.draw(
        st.sampled_from(
            [
                replace(item, supervises=()),
                replace(item, most=None),
                replace(item, most=None if item.most is None else tuple(n + 1 for n in item.most)),
                replace(item, supervises=item.supervises and (*item.supervises, ("a", None))[-1:]),
            ]
        )
    )
    if set(more.supervises) < set(item.supervises) and more.supervises:
        return
    if item.supervises and more.supervises == (("a", None),) and any(g != "a" for g, _ in item.supervises):
        return
    wider = replace(problem, educators=(*problem.educators[:i], more, *problem.educators[i + 1 :]))
    before, after = solve(problem, policy), solve(wider, policy)
    assert [t.value for t in after.tiers] <= [t.value for t in before.tiers]


def test_departments_without_such_educators_are_one_cell_each():
    tables = Tables(named(educator(), stages="12"))
    assert tables.teams.department.tolist() == [0]
    assert tables.teams.source == [("educator", 0)]
    assert len(tables.heads.department) == 0
    assert tables.measures(FREE) == (tables.teams,)


def test_cells_are_the_learners_whom_the_same_educators_may_supervise():
    problem = named(
        educator("E", whom=(("a", "1"), ("a", "2"))),
        educator("F", whom=(("a", "2"),)),
        stages="1123",
        own=1.0,
    )
    teams = Tables(problem).teams
    assert teams.department.tolist() == [0, 0, 0]
    assert teams.source == [("educator", 0), ("educator", 1), ("department", 0)]
    assert [sorted(pools) for pools in teams.pools_of] == [[0, 2], [0, 1, 2], [2]]
    assert all(own is not None and not own.any() for own in teams.own)


# -- the checker ------------------------------------------------------------


def broken(problem: Problem, result: Result, policy: Policy = FREE) -> list[tuple[str, str]]:
    """Rule and item of what the checker finds wrong with supervision."""
    count = Recount(problem, policy, result)
    stays = count.stays()
    found = [*count.pairs(stays), *supervision(count, stays, shares_given(count))]
    return [(violation.rule, violation.item) for violation in found]


def shared(problem: Problem, *parts: tuple[str, float]) -> Result:
    """Everybody placed, with the same shares in the weeks of the placing."""
    return Result(
        "optimal",
        {r.key: "O0" for r in problem.requirements},
        shares=tuple(Share(e, "D0", WEEKS[w], wte) for w in (0, 1) for e, wte in parts),
    )


def test_shares_of_learners_whom_an_educator_may_not_supervise_are_caught():
    problem = named(educator(whom=(("a", "1"),)), stages="112", own=0.5)
    assert broken(problem, shared(problem, ("E", 1.0))) == []
    assert broken(problem, shared(problem, ("E", 1.1))) == [("shares", "department D0")] * 2


def test_shares_are_checked_over_all_educators_together():
    """E and F may both take the first learner and nobody else: not both of them whole."""
    only = (("a", "1"),)
    problem = named(educator("E", whom=only), educator("F", whom=only), stages="12", own=0.5)
    assert broken(problem, shared(problem, ("E", 0.25), ("F", 0.25))) == []
    assert broken(problem, shared(problem, ("E", 0.3), ("F", 0.3))) == [("shares", "department D0")] * 2


def test_too_many_at_once_are_caught():
    for most, wrong in ((2, 0), (1, 2), (0, 4)):
        problem = named(educator(most=most), stages="11")
        found = broken(problem, shared(problem, ("E", 1.0)))
        assert len(found) == wrong
        assert {rule for rule, _ in found} <= {"supervision"}


def test_too_many_of_a_stage_at_once_are_caught():
    """There is room for two, but not for two of the second stage."""
    problem = named(educator("E", most=1), educator("F", whom=(("a", "1"),), most=1), stages="22")
    result = shared(problem, ("E", 1.0))
    assert broken(problem, result) == [("supervision", "department D0")] * 2
    fine = named(*problem.educators, stages="12")
    assert broken(fine, shared(fine, ("E", 1.0))) == []


def test_a_learner_whom_nobody_there_may_supervise_is_caught():
    problem = named(educator(whom=(("a", "1"),)), stages="2")
    assert ("supervision", "R0") in broken(problem, shared(problem))


@st.composite
def carriers(draw):
    sources, sinks = draw(st.integers(0, 5)), draw(st.integers(0, 4))
    amounts = [draw(st.integers(0, 6)) for _ in range(sources)]
    mosts = [draw(st.integers(0, 8)) for _ in range(sinks)]
    may = [draw(st.lists(st.sampled_from(range(sinks)), unique=True)) if sinks else [] for _ in amounts]
    return amounts, mosts, may


@given(carriers())
@settings(max_examples=300, deadline=None)
def test_the_checkers_flow_is_the_greatest(drawn):
    amounts, mosts, may = drawn
    graph = nx.DiGraph()
    graph.add_nodes_from(["from", "to"])
    for i, amount in enumerate(amounts):
        graph.add_edge("from", ("source", i), capacity=amount)
        for j in may[i]:
            graph.add_edge(("source", i), ("sink", j))
    for j, most in enumerate(mosts):
        graph.add_edge(("sink", j), "to", capacity=most)
    assert carried(amounts, mosts, may) == nx.maximum_flow_value(graph, "from", "to")


# -- said and written ------------------------------------------------------------


def test_it_is_written_and_read():
    problem = named(educator(whom=(("a", "1"), ("b", None)), most=3))
    text = problem.to_json()
    written = json.loads(text)["educators"][0]
    assert written["supervises"] == [["a", "1"], ["b", None]]
    assert written["most"] == [3] * 4
    assert Problem.from_json(text).educators == problem.educators
    bare = json.loads(named(educator()).to_json())["educators"][0]
    assert set(bare) == {"key", "departments", "wte"}


def test_an_older_document_is_read_without_them():
    found = json.loads(named(educator()).to_json())
    for version in (1, 2):
        older = Problem.from_json(json.dumps({**found, "version": version}))
        assert older.educators == named(educator()).educators


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("supervises", "a"),
        ("supervises", ("a",)),
        ("supervises", (("a",),)),
        ("supervises", (("a", "1", "2"),)),
        ("supervises", (("", "1"),)),
        ("supervises", ((None, "1"),)),
        ("supervises", (("a", 1),)),
        ("supervises", (("a", "1"), ("a", "1"))),
        ("most", (1, 1)),
        ("most", (1, 1, 1, -1)),
        ("most", (1, 1, 1, None)),
        ("most", 3),
    ],
)
def test_what_is_wrong_is_refused_by_name(field, value):
    with pytest.raises(ProblemError) as found:
        named(replace(educator(), **{field: value}))
    assert found.value.item == "educator 'E'"
    assert found.value.field.startswith(field)


# -- what happens ------------------------------------------------------------


def test_an_educator_who_is_away_takes_nobody():
    problem = named(educator("E", most=3), educator("F", most=1), stages="111")
    away = apply(problem, [EducatorAway("E", (1, 2))])
    assert away.educators[0].most == (3, 0, 0, 3)
    assert away.educators[1] == problem.educators[1]
    assert apply(problem, [EducatorAway("E", (1,), 0.5)]).educators[0].most == (3,) * 4


def test_one_of_no_limit_takes_nobody_either_where_learners_are_counted():
    problem = named(educator("E"), educator("F", most=1), stages="111")
    away = apply(problem, [EducatorAway("E", (0,))])
    assert len(placed(away)) == 1
    plain = named(educator("E"), educator("F"), stages="111")
    assert apply(plain, [EducatorAway("E", (0,))]).educators[0].most is None


def test_who_is_too_many_when_an_educator_is_away_is_in_need():
    problem = replace(
        named(educator("E", most=1), educator("F", whom=(("a", "1"),), most=2), stages="1112"),
    )
    standing = [Placing(r, "O0") for r in solve(problem, FREE).assignment]
    assert len(standing) == 3
    found = repair(problem, FREE, standing, [EducatorAway("E", (0, 1, 2, 3))], now_week=0)
    assert found.proven
    assert len(found.assignment) == 2


def test_without_their_own_wte_learners_are_counted_again():
    problem = named(educator(most=1), stages="111", own=2.0)
    standing = [Placing(r, "O0") for r in solve(problem, FREE).assignment]
    assert len(standing) == 3
    found = repair(problem, FREE, standing, [WteCut("D0", (1,), 0.0)], now_week=0)
    assert found.proven
    assert len(found.assignment) == 1


# -- why ------------------------------------------------------------


def test_the_proof_names_the_learners_at_once():
    problem = named(educator(most=1), stages="11")
    result = solve(problem, FREE)
    (left,) = result.unplaced
    why = certificate(problem, FREE, result, left)
    assert why.kind == "limits"
    assert why.proven
    assert {(x.rule, x.at) for x in why.limits} == {("supervision", "learners")}
    short = named(educator(wte=0.5), stages="11")
    result = solve(short, FREE)
    (left,) = result.unplaced
    assert {x.at for x in certificate(short, FREE, result, left).limits} == {None}


def test_any_own_wte_is_the_way_to_a_department_where_learners_are_counted():
    for item in (educator(most=1), educator(most=0), educator(wte=9.0, whom=(("b", None),))):
        problem = named(item, stages="11")
        result = solve(problem, FREE)
        left = min(result.unplaced)
        way = what_must_change(problem, FREE, result, left, "O0")
        assert way is not None
        assert [(c.rule, c.level, c.key) for c in way.changes] == [("supervision", "department", "D0")]
        assert way.moves == ()
        after, _ = changed(problem, FREE, way.changes)
        assert left in placed(after) or len(placed(after)) > len(result.assignment)
    problem = named(educator(most=1), stages="11")
    result = solve(problem, FREE)
    way = what_must_change(problem, FREE, result, min(result.unplaced), "O0")
    assert way is not None
    assert way.changes == (Change("supervision", "department", "D0", 0.0, 0.001, WEEKS[:2]),)


def test_any_own_wte_is_what_growth_would_add():
    """A tenth of a WTE of its own, where it has none, and learners are counted no more."""
    problem = replace(named(educator(most=1), stages="111", own=0.0), companions=())
    addition = Addition("more", (Amount("wte", "D0", 0.1),))
    base, step = frontier(problem, FREE, additions=[addition], steps=1)
    assert next(t.value for t in base.tiers) == 2
    assert step.added == ("more",)
    assert next(t.value for t in step.tiers) == 0
    assert next(iter(step.bound.values())) == 0
    found = solve(problem, FREE)
    value = next(
        v for v in prices(problem, FREE, found) if v.limit.level == "department" and v.limit.what == "wte"
    )
    assert dict(value.gain)["unplaced_priority_1"] == 2
    assert value.proven


def test_losing_an_educator_displaces_whom_nobody_else_may_take():
    problem = named(educator("E", most=2), educator("F", whom=(("a", "1"),), most=1), stages="122")
    standing = [Placing(r, "O0") for r in solve(problem, FREE).assignment]
    assert len(standing) == 3
    lost = {x.key: x for x in lose_each(problem, FREE, standing, kinds=["educator"], now_week=0)}
    assert len(lost["E"].left) == 2
    assert len(lost["F"].left) == 1


def test_what_is_in_a_problem_says_so():
    text = contents(named(educator("E", whom=(("a", "1"),)), educator("F", most=2)))
    assert "1 educator for some learners only" in " ".join(text.split())
    assert "1 educator with a most at once" in " ".join(text.split())


def test_they_are_why_a_part_is_beyond_a_flow():
    for item, words in (
        (educator(), "an educator is shared between departments"),
        (educator(most=1), "an educator supervises some learners only, or so many at once"),
    ):
        tables = Tables(named(item))
        (part,) = parts(tables, FREE, eligible_pairs(tables, FREE))
        assert part.beyond_flow == words


def test_fields_of_an_educator_that_say_nothing_are_their_defaults():
    assert {f.name: f.default for f in dataclasses.fields(Educator)}["supervises"] == ()
    assert not educator().limited
    assert educator(most=0).limited
    assert educator(whom=(("a", None),)).may_supervise("a", "7")
    assert not educator(whom=(("a", "1"),)).may_supervise("a", "7")
