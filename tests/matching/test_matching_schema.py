"""The JSON Schemas fit what the engine writes, and refuse no less than they claim: what breaks a schema is
refused by `from_json` too."""

import copy
import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from matching import EngineError, Policy, Problem, Result, generate, solve
from matching import problem as problems
from matching import result as results
from matching.policy import TERMS
from matching.result import Conflict, FullCap, Price, Reason, Share, Stage, Tier
from matching.schema import SCHEMAS, policy_schema, problem_schema, result_schema
from matching.schema_words import WORDS
from tests.matching.matching_problems import WEEKS, one_site
from tests.matching.matching_problems import problems as any_problem

READ = {"problem": Problem.from_json, "policy": Policy.from_json, "result": Result.from_json}
VALID = {name: Draft202012Validator(make()) for name, make in SCHEMAS.items()}

PROBLEM = {
    "version": 3,
    "weeks": list(WEEKS),
    "trusts": [{"key": "T", "places": [9, 9, 9, 9]}],
    "sites": [
        {"key": "S", "trust": "T", "places": [9, 9, 9, 9], "access": ["lift"], "accommodation": [1, 0, 0, 1]},
        {"key": "S2", "trust": "T"},
    ],
    "departments": [
        {"key": "D", "site": "S", "modality": "ct", "places": [9, 9, 9, 9], "wte": [2.5, 1, 0, 3]}
    ],
    "offers": [
        {
            "key": "O",
            "department": "D",
            "groups": ["a"],
            "stages": ["1"],
            "preferred": [1, 0, 1, 2],
            "maximum": [2, 2, 2, 2],
        }
    ],
    "learners": [
        {
            "key": "L",
            "group": "a",
            "stage": "1",
            "hei": "H",
            "mode": "public_transport",
            "employer": "T",
            "released": True,
            "excluded_sites": ["S2"],
            "preferences": ["S"],
            "travel_limit_minutes": 60,
            "access_needs": ["lift"],
            "accommodation": True,
            "attended": ["S2", "S2"],
            "past_minutes": 30,
            "site_repeats": 2,
            "different_sites": 1,
            "hub": "T",
        },
        {"key": "L2", "group": "a", "stage": "1", "hei": "H"},
    ],
    "requirements": [
        {
            "key": "R",
            "learner": "L",
            "block": "B1",
            "modalities": ["ct"],
            "weeks": [0, 1],
            "weight": 0.25,
            "priority": 2,
        },
        {"key": "R2", "learner": "L", "block": "", "modalities": ["ct"], "weeks": [], "rotation": "X"},
    ],
    "locks": [{"requirement": "R", "site_or_department": "D", "kind": "pin"}],
    "travel_minutes": [[20, 65535], [0, 30]],
    "educators": [
        {
            "key": "E",
            "departments": ["D"],
            "wte": [1, 0.5, 0, 0],
            "supervises": [["a", "1"], ["b", None]],
            "most": [2, 1, 0, 0],
        }
    ],
    "rotations": [{"key": "X", "learner": "L", "blocks": ["P", "Q"], "weeks": [[2], [3]]}],
    "companions": [{"key": "C", "kind": "apart", "learners": ["L", "L2"]}],
    "agreements": [
        {"key": "A", "hei": "H", "trust": "T", "least": 1, "most": 4, "groups": ["a"], "stages": ["1"]}
    ],
    "published": [
        {"requirement": "R", "offer": "O"},
        {"requirement": "R2", "offer": "O", "block": "P"},
    ],
}
POLICY = {**json.loads(Policy().to_json()), "tiers": [{"worst_travel": 1}, {"travel": 2, "variety": 50}]}
RESULT = json.loads(
    Result(
        "gap",
        {"R": "O"},
        {
            "R2": Reason("rules", {"S2": "exclusion"}),
            "R3": Reason(
                "shortage", {"S2": "exclusion"}, ("D",), ("R2", "R3"), (FullCap("offer", "O", WEEKS[0], 1),)
            ),
        },
        (Tier("unplaced_priority_1", 2, 1, 0.5),),
        (Price("offer", "O", WEEKS[0], (WEEKS[0],), "places", 1, 1, -2.5),),
        7_000,
        {"travel": 7_000},
        {"flow": 1},
        3,
        0.5,
        (Stage("match", 0.25),),
        {"R": "P"},
        (Share("E", "D", WEEKS[0], 0.5),),
        (Conflict((problems.Lock("R", "D", "pin"),), ("places",), ("R",)),),
    ).to_json()
)
FULL = {"problem": PROBLEM, "policy": POLICY, "result": RESULT}


def errors(name: str, document: object) -> list[str]:
    return [e.message for e in VALID[name].iter_errors(document)]


def refused(name: str, document: object) -> str:
    """What the reader refuses it with: what would be right; "" where it takes it."""
    try:
        READ[name](json.dumps(document))
    except EngineError as problem:
        return problem.expected
    return ""


def nodes(name: str):
    """Every place in the full document, with its schema: (steps to it, schema)."""
    whole = SCHEMAS[name]()

    def walk(value, schema, steps):
        schema = whole["$defs"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
        yield steps, schema
        if isinstance(value, dict):
            for key, inner in value.items():
                fits = schema.get("properties", {}).get(key) or schema["additionalProperties"]
                yield from walk(inner, fits, (*steps, key))
        elif isinstance(value, list):
            for i, inner in enumerate(value):
                first = schema["items"].get("prefixItems") if isinstance(schema["items"], dict) else None
                if first:
                    yield (*steps, i), schema["items"]
                    for j in range(len(inner)):
                        yield (*steps, i, j), first[j]
                else:
                    yield from walk(inner, schema["items"], (*steps, i))

    yield from walk(FULL[name], whole, ())


def with_change(name: str, steps: tuple, change) -> object:
    """A copy of the full document in which `change` has been applied to what stands at `steps`."""
    whole = copy.deepcopy(FULL[name])
    if not steps:
        return change(whole)
    place = whole
    for step in steps[:-1]:
        place = place[step]
    place[steps[-1]] = change(place[steps[-1]])
    return whole


WRONG = {
    "string": [7, None, ["a"]],
    "integer": ["1", 0.5, True],
    "number": ["1", True],
    "boolean": [0, "true"],
    "array": [{"a": 1}, "abc", 3],
    "object": [[1], "abc", 3],
}


def test_each_schema_is_itself_valid_and_says_its_version():
    for name, make in SCHEMAS.items():
        schema = make()
        Draft202012Validator.check_schema(schema)
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        version = results.VERSION if name == "result" else problems.VERSION
        assert schema["$id"] == f"urn:imaging-placements:matching:{name}:{version}"
        assert json.loads(json.dumps(schema)) == schema
    assert problem_schema()["properties"]["version"]["enum"] == list(problems.READABLE)
    assert result_schema()["properties"]["version"]["enum"] == list(results.READABLE)


def test_every_field_of_every_dataclass_is_described_and_nothing_else_is():
    kinds = [Problem, *Problem.PARTS.values(), Policy, Result]
    kinds += [FullCap, Reason, Tier, Price, Share, Conflict, Stage]
    assert {k.__name__: [f.name for f in dataclasses.fields(k)] for k in kinds} == {
        name: sorted(said, key=[f.name for f in dataclasses.fields(kind)].index)
        for kind in kinds
        for name, said in WORDS.items()
        if name == kind.__name__
    }
    assert set(WORDS) == {k.__name__ for k in kinds}
    for make in SCHEMAS.values():
        schema = make()
        for part in (schema, *schema.get("$defs", {}).values()):
            assert all(field["description"].endswith(".") for field in part["properties"].values())


def test_a_schema_refers_to_all_its_parts_and_to_no_others():
    for make in SCHEMAS.values():
        text = json.dumps(make())
        parts = set(make().get("$defs", {}))
        assert {part for part in parts if f'"#/$defs/{part}"' in text} == parts
        assert text.count('"$ref"') == sum(text.count(f'"#/$defs/{part}"') for part in parts)


def test_the_full_documents_fit_and_say_every_field():
    for name, whole in FULL.items():
        assert errors(name, whole) == []
        READ[name](json.dumps(whole))
        seen = {steps[-1] for steps, _ in nodes(name) if steps and isinstance(steps[-1], str)}
        schema = SCHEMAS[name]()
        for part in (schema, *schema.get("$defs", {}).values()):
            assert set(part["properties"]) <= seen


@settings(max_examples=60, deadline=None)
@given(any_problem(flow=False))
def test_any_problem_and_its_json_fit(problem):
    assert errors("problem", json.loads(problem.to_json())) == []


@pytest.mark.parametrize("size", ["tiny", "demo"])
def test_a_generated_problem_fits_and_so_does_its_result(size):
    problem = generate(size, 2)
    assert errors("problem", json.loads(problem.to_json())) == []
    if size == "tiny":
        result = solve(problem, Policy())
        assert result.unplaced
        assert errors("result", json.loads(result.to_json())) == []


def test_an_empty_problem_fits():
    empty = Problem((), (), (), (), (), (), (), travel_minutes=np.zeros((0, 0)))
    assert errors("problem", json.loads(empty.to_json())) == []
    assert errors("result", json.loads(solve(empty).to_json())) == []


@pytest.mark.parametrize("policy", [Policy(), Policy(supervision=None, travel=(), seed=2**63 - 1)])
def test_a_policy_fits_and_an_empty_one_is_the_default(policy):
    assert errors("policy", json.loads(policy.to_json())) == []
    assert errors("policy", {}) == []
    defaults = {name: field["default"] for name, field in policy_schema()["properties"].items()}
    assert Policy.from_json(json.dumps(defaults)) == Policy()


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_wrong_type_anywhere_is_refused_by_schema_and_reader(name):
    tried = 0
    for steps, schema in nodes(name):
        kinds = schema.get("type", "string" if "enum" in schema and steps != ("version",) else None)
        for kind in [kinds] if isinstance(kinds, str) else []:
            for value in WRONG[kind]:
                if value is True and steps[:1] == ("travel_minutes",):
                    continue  # NumPy takes it for 1
                changed = with_change(name, steps, lambda _, value=value: value)
                assert errors(name, changed), (steps, value)
                assert refused(name, changed), (steps, value)
                tried += 1
    assert tried > 50


@pytest.mark.parametrize("name", SCHEMAS)
def test_an_unknown_field_anywhere_is_refused_by_schema_and_reader(name):
    tried = 0
    for steps, schema in nodes(name):
        if schema.get("additionalProperties") is False:
            changed = with_change(name, steps, lambda value: {**value, "surprise": 1})
            assert errors(name, changed), steps
            assert refused(name, changed), steps
            tried += 1
    assert tried >= 2


@pytest.mark.parametrize("name", ["problem", "result"])
def test_a_missing_field_is_refused_by_schema_and_reader(name):
    tried = 0
    for steps, schema in nodes(name):
        for field in schema.get("required", []):
            changed = with_change(
                name, steps, lambda v, field=field: {k: x for k, x in v.items() if k != field}
            )
            assert errors(name, changed), (steps, field)
            assert refused(name, changed), (steps, field)
            tried += 1
    assert tried > 10


@pytest.mark.parametrize("name", ["problem", "policy"])
def test_the_limits_of_the_schema_are_those_of_the_reader(name):
    tried = 0
    for steps, schema in nodes(name):
        for limit, beyond in (("minimum", -1), ("maximum", 1)):
            if limit not in schema:
                continue
            tried += 1
            changed = with_change(name, steps, lambda _, v=schema[limit] + beyond: v)
            assert errors(name, changed), (steps, limit)
            assert refused(name, changed), (steps, limit)
            if "weeks" in steps:  # the reader's limit is the number of the problem's weeks
                continue
            at = with_change(name, steps, lambda _, v=schema[limit]: v)
            assert errors(name, at) == [], (steps, limit)
            # It may be refused for another reason, such as preferred above maximum.
            assert "number from 0" not in refused(name, at), (steps, limit)
    assert tried > 20


@pytest.mark.parametrize(
    ("name", "version"),
    [(n, v) for n, next_one in (("problem", 4), ("result", 3)) for v in (0, next_one, "2", None, True, 1.5)],
)
def test_a_wrong_version_is_refused_by_schema_and_reader(name, version):
    changed = {**FULL[name], "version": version}
    assert errors(name, changed)
    assert refused(name, changed)


def test_a_policy_has_no_version():
    changed = {**POLICY, "version": 2}
    assert errors("policy", changed)
    assert refused("policy", changed)


def test_a_document_of_the_first_version_is_read_by_both():
    old = json.loads(one_site(wte=1.5).to_json())
    assert "educators" not in old
    old["version"] = 1
    assert errors("problem", old) == []
    assert Problem.from_json(json.dumps(old)).educators == ()
    result = {"version": 1, "status": "optimal", "assignment": {"R0": "O0"}}
    assert errors("result", result) == []
    assert Result.from_json(json.dumps(result)).shares == ()


WRONG_DOCUMENTS = [
    ("problem", ("learners", 0, "key"), " "),
    ("problem", ("learners", 0, "key"), "x" * 201),
    ("problem", ("learners", 0, "preferences"), ["S", "S"]),
    ("problem", ("learners", 0, "mode"), "horse"),
    ("problem", ("educators", 0, "departments"), []),
    ("problem", ("educators", 0, "supervises"), [["a"]]),
    ("problem", ("educators", 0, "supervises"), [["a", "1", "2"]]),
    ("problem", ("educators", 0, "supervises"), [[None, "1"]]),
    ("problem", ("educators", 0, "supervises"), [["a", 1]]),
    ("problem", ("educators", 0, "supervises"), [["a", "1"], ["a", "1"]]),
    ("problem", ("educators", 0, "most"), [1, 1, 1, -1]),
    ("problem", ("companions", 0, "learners"), ["L"]),
    ("problem", ("companions", 0, "kind"), "near"),
    ("problem", ("locks", 0, "kind"), "glue"),
    ("problem", ("requirements", 0, "modalities"), []),
    ("problem", ("requirements", 0, "weeks"), []),
    ("problem", ("requirements", 0, "block"), ""),
    ("problem", ("requirements", 1, "weeks"), [1]),
    ("problem", ("requirements", 1, "block"), "B1"),
    ("problem", ("rotations", 0, "weeks"), []),
    ("problem", ("weeks", 0), "7 September 2026"),
    ("problem", ("weeks", 0), "20260907"),
    ("problem", ("weeks", 0), "2026-W37-1"),
    ("problem", ("weeks", 1), WEEKS[0]),
    ("policy", ("tiers",), []),
    ("policy", ("tiers", 0), {}),
    ("policy", ("tiers", 0), {"comfort": 1}),
    ("policy", ("tiers", 0), {"worst_travel": 1, "travel": 1}),
    ("policy", ("travel", 0), [0, 1, 2]),
    ("policy", ("travel", 0), [0]),
    ("policy", ("travel_limit",), {"car": 90}),
    ("result", ("status",), "fine"),
]


@pytest.mark.parametrize(("name", "steps", "value"), WRONG_DOCUMENTS)
def test_what_else_a_schema_refuses_the_reader_refuses_too(name, steps, value):
    changed = with_change(name, steps, lambda _: value)
    assert errors(name, changed)
    assert refused(name, changed)


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_number_of_thousands_of_digits_is_refused_like_any_other(name):
    with pytest.raises(EngineError, match="valid JSON"):
        READ[name]('{"version": ' + "1" * 5_000 + "}")


def test_every_aim_may_be_a_tier():
    tiers = [{aim: 1} for aim in TERMS]
    assert errors("policy", {"tiers": tiers}) == []
    Policy.from_json(json.dumps({"tiers": tiers}))
