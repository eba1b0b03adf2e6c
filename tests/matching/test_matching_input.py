# ruff: noqa: E501 - the table of wrong values reads best a case a line
"""Bad input is refused with the item, the field, the value and what would be right; JSON goes both ways."""

import json

import numpy as np
import pytest
from hypothesis import given, settings

from matching import Policy, PolicyError, Problem, ProblemError, Result, ResultError, Trust, generate, solve
from tests.matching.matching_problems import WEEKS, one_site, problems

GOOD = json.loads(one_site(wte=1.5).to_json())


def with_change(path: list, value: object) -> str:
    whole = json.loads(json.dumps(GOOD))
    place = whole
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return json.dumps(whole)


OFFER, REQUIREMENT, LEARNER, DEPARTMENT = (
    ["offers", 0],
    ["requirements", 0],
    ["learners", 0],
    ["departments", 0],
)
WRONG = [
    ([*OFFER, "maximum"], [1, -1, 1, 1], "offer 'O0'", "maximum[1]", "-1", "whole number from 0 to 10,000"),
    ([*OFFER, "maximum"], [1, 1, 1, 10**9], "offer 'O0'", "maximum[3]", "1000000000", "whole number from 0"),
    ([*OFFER, "maximum"], [1, "two", 1, 1], "offer 'O0'", "maximum[1]", "'two'", "whole number"),
    ([*OFFER, "maximum"], [1, 1.5, 1, 1], "offer 'O0'", "maximum[1]", "1.5", "whole number"),
    ([*OFFER, "maximum"], [1, True, 1, 1], "offer 'O0'", "maximum[1]", "True", "whole number"),
    ([*OFFER, "maximum"], [1, 1], "offer 'O0'", "maximum", "(1, 1)", "list of 4 numbers, one a week"),
    ([*OFFER, "maximum"], "1111", "offer 'O0'", "maximum", "'1111'", "list of 4 numbers"),
    ([*OFFER, "maximum"], None, "offer 'O0'", "maximum", "None", "list of 4 numbers"),
    ([*OFFER, "preferred"], [2, 1, 1, 1], "offer 'O0'", "preferred[0]", "2", "no more than maximum[0], which is 1"),
    ([*OFFER, "department"], "D9", "offer 'O0'", "department", "'D9'", "the key of a department"),
    ([*OFFER, "colour"], "red", "offer 'O0'", "name", "'colour'", "one of key, department"),
    ([*OFFER, "groups"], ["a", "a"], "offer 'O0'", "groups", "'a'", "each entry once"),
    ([*OFFER, "groups"], "ab", "offer 'O0'", "groups", "'ab'", "a list of texts"),
    ([*OFFER, "key"], "", "offer ''", "key", "''", "not empty"),
    ([*DEPARTMENT, "wte"], [1, 1, 1, -0.1], "department 'D0'", "wte[3]", "-0.1", "number from 0"),
    ([*DEPARTMENT, "wte"], [1, 1, 1, "x"], "department 'D0'", "wte[3]", "'x'", "number from 0"),
    ([*DEPARTMENT, "key"], "S0", "department 'S0'", "key", "'S0'", "different from every site's key"),
    (["sites", 0, "trust"], "X", "site 'S0'", "trust", "'X'", "the key of a trust"),
    (["sites", 0, "places"], [1, 2, 3, -4], "site 'S0'", "places[3]", "-4", "whole number"),
    ([*LEARNER, "mode"], "horse", "learner 'L0'", "mode", "'horse'", "car or public_transport"),
    ([*LEARNER, "employer"], "X", "learner 'L0'", "employer", "'X'", "the key of a trust"),
    ([*LEARNER, "preferences"], ["S7"], "learner 'L0'", "preferences[0]", "'S7'", "the key of a site"),
    ([*LEARNER, "released"], "no", "learner 'L0'", "released", "'no'", "true or false"),
    ([*LEARNER, "travel_limit_minutes"], -5, "learner 'L0'", "travel_limit_minutes", "-5", "whole number"),
    ([*LEARNER, "key"], "L1", "learner", "key", "'L1'", "used by one learner only"),
    ([*REQUIREMENT, "learner"], "L9", "requirement 'R0'", "learner", "'L9'", "the key of a learner"),
    ([*REQUIREMENT, "weeks"], [4], "requirement 'R0'", "weeks[0]", "4", "whole number from 0 to 3"),
    ([*REQUIREMENT, "weeks"], [1, 1], "requirement 'R0'", "weeks[1]", "1", "later than the week before"),
    ([*REQUIREMENT, "weeks"], [], "requirement 'R0'", "weeks", "()", "at least one week"),
    ([*REQUIREMENT, "weight"], -1, "requirement 'R0'", "weight", "-1", "number from 0 to 100"),
    ([*REQUIREMENT, "priority"], 0, "requirement 'R0'", "priority", "0", "whole number from 1 to 9"),
    ([*REQUIREMENT, "modalities"], [], "requirement 'R0'", "modalities", "()", "at least one modality"),
    (["locks"], [{"requirement": "R0", "site_or_department": "Z", "kind": "pin"}], "locks[0]", "site_or_department", "'Z'", "key of a site or"),
    (["locks"], [{"requirement": "R0", "site_or_department": "S0", "kind": "glue"}], "locks[0]", "kind", "'glue'", "pin or ban"),
    (["weeks", 1], "2026-09-15", "problem", "weeks[1]", "'2026-09-15'", "a Monday"),
    (["weeks", 1], "2026-02-30", "problem", "weeks[1]", "'2026-02-30'", "an ISO date"),
    (["weeks", 1], "2026-09-07", "problem", "weeks[1]", "'2026-09-07'", "later than the week before"),
    (["weeks"], 7, "problem", "weeks", "7", "a list of ISO dates"),
    (["version"], 4, "problem", "version", "4", "1 or 2 or 3"),
    (["offers"], {}, "problem", "offers", "{}", "a list"),
    (["offers", 0], 5, "offers[0]", "value", "5", "a JSON object"),
    (["travel_minutes"], [[1], [2], [3]], "problem", "travel_minutes", "a table of shape (3, 1)", "2 learners by 1"),
    (["travel_minutes"], [[1], [-2]], "learner 'L1'", "travel_minutes to site 'S0'", "-2", "from 0 to 65,534"),
    (["travel_minutes"], [[1], [70000]], "learner 'L1'", "travel_minutes to site 'S0'", "70000", "65535 for unreachable"),
    (["travel_minutes"], [[1], ["far"]], "problem", "travel_minutes", "a table of", "whole minutes"),
    (["travel_minutes"], [[1], [2, 3]], "problem", "travel_minutes", "uneven", "whole minutes"),
    (["extra"], 1, "problem", "name", "'extra'", "one of version, weeks"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "item", "field", "shown", "expected"), WRONG)
def test_a_wrong_problem_is_refused_with_item_field_value_and_what_is_right(
    path, value, item, field, shown, expected
):
    with pytest.raises(ProblemError) as found:
        Problem.from_json(with_change(path, value))
    assert (found.value.item, found.value.field) == (item, field)
    assert shown in str(found.value)
    assert expected in str(found.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "valid JSON"),
        ("[1]", "a JSON object"),
        ("{", "valid JSON"),
        ('{"version": 2, "version": 1}', "written once"),
        ('{"version": NaN}', "a finite number"),
        ('{"version": 2}', "weeks"),
        (b"\xff\xfe{}", "valid JSON"),
        ("[" * 100_000, "valid JSON"),
    ],
)
def test_what_is_no_problem_at_all_is_refused(text, words):
    with pytest.raises(ProblemError, match=words):
        Problem.from_json(text)


def test_a_missing_field_is_named():
    whole = json.loads(json.dumps(GOOD))
    del whole["offers"][0]["department"]
    with pytest.raises(ProblemError, match="offer 'O0': department is None; it must be given"):
        Problem.from_json(json.dumps(whole))


def test_a_part_of_the_wrong_kind_is_refused():
    with pytest.raises(ProblemError, match="Site"):
        Problem(WEEKS, (Trust("T"),), (Trust("T"),), (), (), (), ())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("travel_limit", {"car": 90}, "each of car and public_transport"),
        ("travel_limit", {"car": -1, "public_transport": 2}, "whole number from 0"),
        ("supervision", float("inf"), "a number from 0"),
        ("supervision", "all", "a number from 0"),
        ("travel", ((0, 3), (30, 1)), "convex"),
        ("travel", ((5, 1),), "a step from 0 minutes"),
        ("travel", ((0, 1), (0, 2)), "from rising"),
        ("travel", ((0, 1, 2),), "from rising"),
        ("travel", "cheap", "list of steps"),
        ("supervisor_load", ((50, -2),), "whole number"),
        ("preference_step", 1.5, "whole number"),
        ("above_preferred", 10**6, "whole number"),
        ("seed", -1, "whole number"),
        ("employer", "yes", "true or false"),
    ],
)
def test_a_wrong_policy_is_refused(setting, value, words):
    with pytest.raises(PolicyError, match=words) as found:
        Policy(**{setting: value})
    assert setting in str(found.value)


def test_a_policy_with_an_unknown_setting_is_refused():
    with pytest.raises(PolicyError, match="one of modality_fit"):
        Policy.from_json('{"travel_limits": {}}')


def test_a_policy_goes_to_json_and_back():
    policy = Policy(
        seed=9, travel=((0, 2),), supervision=None, travel_limit={"car": 60, "public_transport": 75}
    )
    assert Policy.from_json(policy.to_json()) == policy
    assert Policy.from_json("{}") == Policy()


@given(problems(flow=False))
@settings(max_examples=50, deadline=None)
def test_a_problem_goes_to_json_and_back(problem):
    again = Problem.from_json(problem.to_json())
    for part in Problem.PARTS:
        assert getattr(again, part) == getattr(problem, part)
    assert np.array_equal(again.travel_minutes, problem.travel_minutes)
    assert again.to_json() == problem.to_json()


def test_a_result_goes_to_json_and_back():
    result = solve(generate("tiny", 1))
    again = Result.from_json(result.to_json())
    assert again == result
    assert 0 < len(json.loads(result.to_json())["shortages"]) < len(result.unplaced)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"version": 3, "status": "optimal", "assignment": {}}',
        '{"version": 2, "status": "fine", "assignment": {}}',
        '{"version": 2, "status": "optimal", "assignment": []}',
        '{"version": 2, "status": "optimal", "assignment": {}, "unplaced": {"R": 4}}',
        '{"version": 2, "status": "optimal", "assignment": {}, "tiers": [{"name": "cost"}]}',
    ],
)
def test_a_wrong_result_is_refused(text):
    with pytest.raises(ResultError):
        Result.from_json(text)


def test_rounds_with_nothing_in_them_have_their_trivial_answer():
    empty = Problem(WEEKS, (), (), (), (), (), ())
    assert solve(empty).status == "optimal"
    assert solve(Problem((), (), (), (), (), (), ())).assignment == {}
    no_learners = one_site(learners=0)
    assert solve(no_learners).assignment == {}
    no_places = one_site(places=0, learners=2)
    result = solve(no_places)
    assert result.status == "optimal"
    assert {reason.rules["S0"] for reason in result.unplaced.values()} == {"offer_weeks"}
    nowhere = one_site(sites=0, learners=2)
    assert {reason.kind for reason in solve(nowhere).unplaced.values()} == {"rules"}


def test_an_unknown_size_is_refused():
    with pytest.raises(ValueError, match="it must be one of tiny"):
        generate("enormous")
