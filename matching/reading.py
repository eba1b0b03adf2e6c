"""JSON read into dataclasses by their own types: each refusal names the item, the field, the value and what
would be right."""

from __future__ import annotations

import dataclasses
import types
from typing import Any, Union, get_args, get_origin, get_type_hints

from matching.validation import EngineError, check_names

_WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


def read_as(error: type[EngineError], item: str, field: str, hint: Any, value: Any) -> Any:
    """The value as the type says: lists as tuples, objects as dataclasses or dictionaries. O(its size)."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        inner = next(a for a in arguments if a is not type(None))
        return None if value is None else read_as(error, item, field, inner, value)
    if origin is tuple:
        if not isinstance(value, list):
            raise error(item, field, value, "a list")
        return tuple(read_as(error, item, f"{field}[{i}]", arguments[0], v) for i, v in enumerate(value))
    if origin is dict:
        if not isinstance(value, dict):
            raise error(item, field, value, "a JSON object")
        return {k: read_as(error, item, f"{field}[{k}]", arguments[1], v) for k, v in value.items()}
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _object(error, f"{item}: {field}" if item else field, hint, value)
    fits = isinstance(value, int | float if hint is float else hint)
    if not fits or (isinstance(value, bool) and hint is not bool):
        raise error(item, field, value, _WORDS[hint])
    return value


def _object(error: type[EngineError], item: str, kind: type[Any], value: Any) -> Any:
    if not isinstance(value, dict):
        raise error(item, "value", value, "a JSON object")
    fields = dataclasses.fields(kind)
    needed = [f.name for f in fields if f.default is f.default_factory is dataclasses.MISSING]
    check_names(error, item, value, [f.name for f in fields], needed)
    hints = get_type_hints(kind)
    return kind(**{name: read_as(error, item, name, hints[name], v) for name, v in value.items()})
