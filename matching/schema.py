"""JSON Schema (draft 2020-12) of a problem, a policy and a result, made from the dataclasses themselves.

The fields, their types, which may be left out and what they then are come from the dataclasses; the limits
are those of the validators; only the words are written here. A schema cannot say everything that `from_json`
checks: that a key names something in the problem, that a list by week has one entry a week, that preferred
places are no more than the maximum. What breaks a schema is refused by `from_json` too.

Versions. Each schema's `$id` ends in the version that this library writes (`problem.VERSION`,
`result.VERSION`). A reader takes the versions in `READABLE`, an older one with the fields it lacked at their
defaults, and refuses every other version, and every name it does not know, in words. So a field added or
changed in meaning raises the version, and nothing is ever read as what it is not. A policy bears no version:
settings are read by name and those left out keep their default; its `$id` has the problem's version and is
raised with it.
"""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Mapping
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from matching import policy as policies
from matching import problem as problems
from matching import result as results
from matching.policy import Policy
from matching.problem import Problem
from matching.result import Result
from matching.validation import MOST_PLACES, MOST_REPEATS, MOST_WEEKS, MOST_WTE

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DAY = 24 * 60

Json = dict[str, Any]


class _Said(NamedTuple):
    """What the types leave unsaid of a field: its meaning, limits of its values, limits of the whole."""

    words: str
    each: Mapping[str, Any] = {}
    whole: Mapping[str, Any] = {}


def _from(least: float, most: float | None = None) -> Json:
    return {"minimum": least} if most is None else {"minimum": least, "maximum": most}


_TEXT: Json = {"pattern": r"\S", "maxLength": 200}
_DATE: Json = {"pattern": r"^\d{4}-\d{2}-\d{2}$", "format": "date"}
_WEEK_INDEX = _from(0, MOST_WEEKS - 1)
_BY_WEEK: Json = {"maxItems": MOST_WEEKS}
_SET: Json = {"uniqueItems": True}


def _key(words: str) -> _Said:
    return _Said(words, _TEXT)


def _keys(words: str, **whole: Any) -> _Said:
    return _Said(words, _TEXT, {**_SET, **whole})


def _places(words: str) -> _Said:
    return _Said(words, _from(0, MOST_PLACES), _BY_WEEK)


def _count(words: str) -> _Said:
    return _Said(words, _from(0))


def _steps(words: str, most: int) -> _Said:
    pair = [{"type": "integer", **_from(0, most)}, {"type": "integer", **_from(0, policies.MOST_PRICE)}]
    items = {"type": "array", "prefixItems": pair, "items": False, "minItems": 2}
    return _Said(words, {}, {"items": items})


_WORDS: dict[str, dict[str, _Said]] = {
    "Problem": {
        "weeks": _Said("The weeks of the round: ISO Mondays, rising.", _DATE, {**_BY_WEEK, **_SET}),
        "trusts": _Said("The NHS trusts."),
        "sites": _Said("Their hospitals and centres; the columns of travel_minutes."),
        "departments": _Said("The modalities of the sites."),
        "offers": _Said("What the departments offer."),
        "learners": _Said("Those to be placed; the rows of travel_minutes."),
        "requirements": _Said("What the learners need, one place each."),
        "locks": _Said("Pins and bans by hand."),
        "travel_minutes": _Said(
            "Whole minutes one way, door to door, in the learner's own mode: a row a learner, a column a "
            f"site; {problems.UNREACHABLE} is unreachable."
        ),
        "educators": _Said("Practice educators whose time the match shares out."),
        "rotations": _Said("Blocks to be taken in any order."),
        "companions": _Said("Learners to be kept together or apart."),
        "agreements": _Said("What HEIs and trusts agreed."),
        "published": _Said("The placings of the last publication."),
    },
    "Trust": {
        "key": _key("Its key, used by no other trust."),
        "places": _places("The most learners at once over all its sites, by week; null: no cap."),
    },
    "Site": {
        "key": _key("Its key, used by no other site or department."),
        "trust": _key("The key of its trust."),
        "places": _places("The most learners at once, by week; null: no cap."),
        "access": _keys("The access needs that it meets."),
        "accommodation": _places("Beds for learners beyond their travel limit, by week; null: none."),
    },
    "Department": {
        "key": _key("Its key, used by no other department or site."),
        "site": _key("The key of its site."),
        "modality": _key("What it does, such as ct."),
        "places": _places("The most learners at once, by week; null: no cap."),
        "wte": _Said(
            "Supervising WTE of its own, by week; null: no cap, or none where an educator serves it.",
            _from(0, MOST_WTE),
            _BY_WEEK,
        ),
    },
    "Offer": {
        "key": _key("Its key, used by no other offer."),
        "department": _key("The key of the department that offers."),
        "groups": _keys("The learner groups that it takes; none named: any."),
        "stages": _keys("The stages that it takes; none named: any."),
        "preferred": _places("Places that it would like to fill, by week; no more than maximum."),
        "maximum": _places("Places that it has at most, by week."),
    },
    "Educator": {
        "key": _key("Their key, used by no other educator."),
        "departments": _keys("The departments that they may supervise.", minItems=1),
        "wte": _Said("Supervising WTE, by week.", _from(0, MOST_WTE), _BY_WEEK),
    },
    "Learner": {
        "key": _key("Their key, used by no other learner."),
        "group": _key("Their learner group, such as diagnostic."),
        "stage": _key("Their stage, such as year 2."),
        "hei": _key("The HEI that sends them."),
        "mode": _Said("How they travel.", {"enum": list(problems.MODES)}),
        "employer": _key("The key of the trust that employs them; null: none."),
        "released": _Said("True: the employer lets them go to any trust."),
        "excluded_sites": _keys("Sites they must not be sent to."),
        "preferences": _keys("Site keys, first choice first."),
        "travel_limit_minutes": _Said(
            "Their own limit one way; it can only shorten the policy's.", _from(0, DAY)
        ),
        "access_needs": _keys("What a site must have for them."),
        "accommodation": _Said("True: would take a bed at a site beyond the travel limit."),
        "attended": _Said("The sites of earlier placements, one entry each.", _TEXT),
        "past_minutes": _Said("The mean journey of earlier placements, minutes one way.", _from(0, DAY)),
        "site_repeats": _Said(
            "The most placements at one site, earlier ones counted; null: no limit.", _from(0, MOST_REPEATS)
        ),
        "different_sites": _Said(
            "The least number of different sites by the end of the round, earlier ones counted; "
            "null: no limit.",
            _from(0, MOST_REPEATS),
        ),
        "hub": _key("The key of the trust they should stay with; null: none."),
    },
    "Rotation": {
        "key": _key("Its key, used by no other rotation."),
        "learner": _key("The key of the learner."),
        "blocks": _keys("The names of its blocks.", minItems=1),
        "weeks": _Said(
            "The weeks of each block: rising positions in the problem's weeks.", _WEEK_INDEX, {"minItems": 1}
        ),
    },
    "Requirement": {
        "key": _key("Its key, used by no other requirement."),
        "learner": _key("The key of the learner."),
        "block": _Said("The block; empty where a rotation has it.", {"maxLength": 200}),
        "modalities": _keys("The modalities of which any will do.", minItems=1),
        "weeks": _Said(
            "Rising positions in the problem's weeks; empty where a rotation has them.",
            _WEEK_INDEX,
            {**_BY_WEEK, **_SET},
        ),
        "weight": _Said("The supervising WTE that it takes.", _from(0, 100)),
        "priority": _Said("1 is placed before 2, and so on.", _from(1, 9)),
        "rotation": _key("The key of the rotation whose blocks it may take; null: it has weeks of its own."),
    },
    "Companions": {
        "key": _key("Its key, used by no other companions."),
        "kind": _Said(
            "Whether they go to one site or to different ones.", {"enum": list(problems.COMPANION_KINDS)}
        ),
        "learners": _keys("The keys of the learners.", minItems=2),
    },
    "Agreement": {
        "key": _key("Its key, used by no other agreement."),
        "hei": _key("The HEI."),
        "trust": _key("The key of the trust."),
        "least": _Said("The least placings in the round (an aim, not a limit).", _from(0, MOST_PLACES)),
        "most": _Said("The most placings in the round; null: no limit.", _from(0, MOST_PLACES)),
        "groups": _keys("The learner groups it is for; none named: all."),
        "stages": _keys("The stages it is for; none named: all."),
    },
    "Placing": {
        "requirement": _key("The key of the requirement."),
        "offer": _key("The key of the offer where it was placed."),
        "block": _key("The block that a floating requirement took; null: it has weeks of its own."),
    },
    "Lock": {
        "requirement": _key("The key of the requirement."),
        "site_or_department": _key("The key of a site or a department."),
        "kind": _Said("pin: only there; ban: not there.", {"enum": list(problems.LOCK_KINDS)}),
    },
    "Policy": {
        **{
            name: _Said(f"True: the rule is obeyed: {words}.")
            for name, words in (
                ("modality_fit", "a department of a modality asked for"),
                ("group_fit", "an offer made to the learner's group and stage"),
                ("exclusion", "not a site that the learner must avoid"),
                ("employer", "an employed learner stays with the trust unless released"),
                ("locks", "pins and bans by hand"),
                ("offer_weeks", "a place in every week of the requirement"),
                ("places", "no more learners at once than places"),
                ("one_place_a_week", "one placing a week for each learner"),
                ("access", "a site that meets the learner's access needs"),
                ("accommodation", "beyond the travel limit only with a bed (false: never beyond it)"),
                ("site_repeats", "no more placings at one site than the learner's limit"),
                ("different_sites", "as many different sites as the learner's programme asks for"),
                ("rotation", "each block of a rotation once"),
                ("companions", "together at one site, apart at different ones"),
                ("agreements", "no more than an HEI and a trust agreed, as few below the least as can be"),
            )
        },
        "travel_limit": _Said(
            "The most minutes one way, by mode.",
            {},
            {
                "properties": {mode: {"type": "integer", **_from(0, DAY)} for mode in problems.MODES},
                "required": list(problems.MODES),
                "additionalProperties": False,
            },
        ),
        "supervision": _Said(
            "The most supervisor load (weight supervised a WTE) in a department and week; "
            "null: WTE is left out.",
            _from(0, 10),
        ),
        "travel": _steps(
            "Travel's price: [from minutes, points a further minute], rising; the first from 0.", DAY
        ),
        "preference_step": _Said("Points a rank below first choice.", _from(0, policies.MOST_PRICE)),
        "preference_unranked": _Said(
            "Points of a site not on the learner's list.", _from(0, policies.MOST_PRICE)
        ),
        "above_preferred": _Said(
            "Points a week of an offer's last place above preferred; the k-th of n costs k/n of it.",
            _from(0, policies.MOST_PRICE),
        ),
        "supervisor_load": _steps(
            "Load's price: [from percent of WTE, points a WTE and week above it], added up.", 1_000
        ),
        "tiers": _Said(
            "The aims after placing, most important first; in each tier the weight of each aim. An aim is in "
            "one tier only.",
            _from(1, policies.MOST_TIER_WEIGHT),
            {"minItems": 1},
        ),
        "seed": _Said("The draw that settles ties.", _from(0, 2**63 - 1)),
    },
    "Result": {
        "status": _Said("What is proven.", {"enum": list(results.STATUSES)}),
        "assignment": _Said("The offer's key by requirement's key; one that is absent is unplaced."),
        "unplaced": _Said("Why each unplaced requirement is, by its key."),
        "tiers": _Said("What the answer reaches and what is proven, most important first."),
        "duals": _Said("What one more place under a full cap is worth."),
        "objective": _Said("The sum of the tiers of aims, in thousandths of a point."),
        "costs": _Said("Each aim in thousandths of a point, unweighted."),
        "paths": _Said("How many independent parts were solved in each way."),
        "seed": _count("The seed of the policy."),
        "seconds": _count("How long the solve took."),
        "stages": _Said("Its steps."),
        "blocks": _Said("The block that each placed floating requirement takes."),
        "shares": _Said("How the educators' time is split."),
        "conflicts": _Said("Locks that cannot all hold."),
    },
    "FullCap": {
        "level": _Said("Whose limit: offer, department, site or trust."),
        "key": _Said("Its key."),
        "week": _Said("The tightest week, an ISO Monday."),
        "places": _count("The learners that it can hold in that week."),
        "rule": _Said("The rule it belongs to: places or supervision."),
    },
    "Reason": {
        "kind": _Said("rules: every site is refused; shortage: more compete for the places than there are."),
        "rules": _Said("The rule that refuses each site of a right modality."),
        "departments": _Said("The departments competed for."),
        "competing": _Said("The requirements that compete."),
        "caps": _Said("The full limits."),
        "proven": _Said("True: counting shows it; false: so it is in the best answer found."),
    },
    "Tier": {
        "name": _Said("The aim."),
        "value": _Said("The value reached."),
        "bound": _Said("The bound proven: no answer can be lower."),
        "gap": _Said("The part of the value that is not proven.", _from(0)),
    },
    "Price": {
        "level": _Said("Whose place: offer, department, site or trust."),
        "key": _Said("Its key."),
        "week": _Said("The first of its weeks."),
        "weeks": _Said("The weeks in which the place is needed, ISO Mondays."),
        "rule": _Said("The rule it belongs to: places or supervision."),
        "places": _count("The places there are."),
        "placed": _Said("How many more requirements one more place would place."),
        "points": _Said("The points that it would save; below 0 where placing one more costs points."),
    },
    "Share": {
        "educator": _Said("The educator's key."),
        "department": _Said("The department's key."),
        "week": _Said("An ISO Monday."),
        "wte": _count("The WTE given."),
    },
    "Conflict": {
        "locks": _Said("The locks: with any one set aside the others can hold."),
        "rules": _Said("The rules that stand in the way."),
        "pinned": _Said("The requirements that they leave without a place."),
    },
    "Stage": {
        "name": _Said("The step."),
        "seconds": _count("How long it took."),
    },
}


def problem_schema() -> Json:
    """The schema of what `Problem.to_json` writes and `Problem.from_json` reads."""
    defs: Json = {}
    properties: Json = {"version": _version(problems.VERSION, problems.READABLE)}
    hints = get_type_hints(Problem)
    for name, said in _WORDS["Problem"].items():
        cell = {"type": "integer", **_from(0, problems.UNREACHABLE)}
        table = {"type": "array", "items": {"type": "array", "items": cell}}
        found = table if name == "travel_minutes" else _of(hints[name], said, defs)
        properties[name] = {"description": said.words, **found}
    required = [name for name in properties if name not in Problem.OPTIONAL]
    _when_floating(defs["Requirement"])
    words = "One round to be matched: what is offered, who needs what, and how long each journey takes."
    return _whole("problem", problems.VERSION, words, properties, required, defs)


def policy_schema() -> Json:
    """The schema of what `Policy.to_json` writes and `Policy.from_json` reads."""
    properties = _properties(Policy, {})
    for name, value in json.loads(Policy().to_json()).items():
        properties[name]["default"] = value
    tier = properties["tiers"]["items"]
    tier |= {"propertyNames": {"enum": list(policies.TERMS)}, "minProperties": 1}
    tier["allOf"] = [{"if": {"required": [aim]}, "then": {"maxProperties": 1}} for aim in policies.ALONE]
    words = "The rules and prices of a match; what is left out keeps its default."
    return _whole("policy", problems.VERSION, words, properties, [], {})


def result_schema() -> Json:
    """The schema of what `Result.to_json` writes and `Result.from_json` reads.

    A reason is written in two parts, so that a shortage that many share is written once: `unplaced` has its
    kind and rules and the position of its shortage in `shortages`.
    """
    defs: Json = {}
    found = _properties(Result, defs)
    reason = defs.pop("Reason")["properties"]
    own = {name: reason.pop(name) for name in ("kind", "rules")}
    own["shortage"] = {"description": "Its position in shortages.", "type": "integer", **_from(0)}
    defs["Reason"] = _object("Why a requirement is unplaced.", own, ["kind", "rules"])
    defs["Shortage"] = _object("Who competes for which full places.", reason, list(reason))
    shared = {"type": "array", "items": {"$ref": "#/$defs/Shortage"}, "default": []}
    properties = {"version": _version(results.VERSION, results.READABLE), **found}
    properties["shortages"] = {"description": "The shortages, each written once.", **shared}
    words = "A certified answer: who is placed where, what is proven of it, and why each other is not."
    return _whole("result", results.VERSION, words, properties, ["version", "status", "assignment"], defs)


SCHEMAS = {"problem": problem_schema, "policy": policy_schema, "result": result_schema}


def _whole(name: str, version: int, words: str, properties: Json, required: list[str], defs: Json) -> Json:
    head = {"$schema": DIALECT, "$id": f"urn:imaging-placements:matching:{name}:{version}", "title": name}
    out = {**head, **_object(words, properties, required)}
    return {**out, "$defs": dict(sorted(defs.items()))} if defs else out


def _object(words: str, properties: Json, required: list[str]) -> Json:
    out: Json = {"description": words, "type": "object", "properties": properties}
    return {**out, "required": required, "additionalProperties": False}


def _version(written: int, readable: tuple[int, ...]) -> Json:
    older = ", ".join(str(v) for v in readable if v != written)
    words = f"The format's version. Written: {written}. Also read, without its newer fields: {older}."
    return {"description": words, "enum": list(readable)}


def _properties(kind: type[Any], defs: Json) -> Json:
    """The schema of each field of a dataclass; adds to `defs` the dataclasses that they hold."""
    hints, out = get_type_hints(kind), {}
    for field in dataclasses.fields(kind):
        said = _WORDS[kind.__name__][field.name]
        out[field.name] = {"description": said.words, **_of(hints[field.name], said, defs)}
        if field.default is not dataclasses.MISSING:
            value = field.default
            out[field.name]["default"] = list(value) if isinstance(value, tuple) else value
    return out


def _of(hint: Any, said: _Said, defs: Json) -> Json:
    """The schema of a type: `said.whole` limits it, `said.each` the texts and numbers inside it."""
    return {**_typed(hint, said.each, defs), **said.whole}


def _typed(hint: Any, each: Mapping[str, Any], defs: Json) -> Json:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        (inner,) = (a for a in arguments if a is not type(None))
        found = _typed(inner, each, defs)
        return {**found, "type": [found["type"], "null"]}
    if origin is tuple:
        return {"type": "array", "items": _typed(arguments[0], each, defs)}
    if origin is not None:
        return {"type": "object", "additionalProperties": _typed(arguments[1], each, defs)}
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        name = hint.__name__
        if name not in defs:
            defs[name] = {}
            required = [f.name for f in dataclasses.fields(hint) if f.default is dataclasses.MISSING]
            words = " ".join((hint.__doc__ or "").split("\n\n")[0].split())
            defs[name] = _object(words, _properties(hint, defs), required)
        return {"$ref": f"#/$defs/{name}"}
    return {"type": {str: "string", int: "integer", float: "number", bool: "boolean"}[hint], **each}


def _when_floating(requirement: Json) -> None:
    """A requirement has either a rotation or a block and weeks of its own."""
    requirement["if"] = {"required": ["rotation"], "properties": {"rotation": {"type": "string"}}}
    requirement["then"] = {"properties": {"block": {"const": ""}, "weeks": {"maxItems": 0}}}
    requirement["else"] = {"properties": {"block": _TEXT, "weeks": {"minItems": 1}}}
