"""JSON Schema (draft 2020-12) of a problem, a policy and a result, made from the dataclasses themselves.

The fields, their types, which may be left out and what they then are come from the dataclasses; the limits
are those of the validators; only the words are written here. A schema cannot say everything that `from_json`
checks: that a key names something in the problem, that a list by week has one entry a week, that preferred
places are no more than the maximum. What breaks a schema is refused by `from_json` too (but for
true and false in travel_minutes, which NumPy takes for 1 and 0).

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
from typing import Any, Union, get_args, get_origin, get_type_hints

from matching import policy as policies
from matching import problem as problems
from matching import result as results
from matching.policy import Policy
from matching.problem import Problem
from matching.result import Result
from matching.schema_words import TEXT, WORDS, Json, Said, limits

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def problem_schema() -> Json:
    """The schema of what `Problem.to_json` writes and `Problem.from_json` reads."""
    defs: Json = {}
    properties: Json = {"version": _version(problems.VERSION, problems.READABLE)}
    hints = get_type_hints(Problem)
    for name in (field.name for field in dataclasses.fields(Problem)):
        said = WORDS["Problem"][name]
        cell = {"type": "integer", **limits(0, problems.UNREACHABLE)}
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
    own["shortage"] = {"description": "Its position in shortages.", "type": ["integer", "null"], **limits(0)}
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
        said = WORDS[kind.__name__][field.name]
        out[field.name] = {"description": said.words, **_of(hints[field.name], said, defs)}
        if field.default is not dataclasses.MISSING:
            value = field.default
            out[field.name]["default"] = list(value) if isinstance(value, tuple) else value
    return out


def _of(hint: Any, said: Said, defs: Json) -> Json:
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
    requirement["else"] = {"properties": {"block": TEXT, "weeks": {"minItems": 1}}}
