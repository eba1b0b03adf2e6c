"""Field checks shared by the problem and the policy: each refusal names the item, the field, the value and
what would be right."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NoReturn

MOST_PLACES = 10_000
MOST_WTE = 10_000.0
MOST_MINUTES = 65_534
MOST_WEEKS = 520
MOST_REPEATS = 100


class EngineError(ValueError):
    """Input the engine refuses. `item`, `field`, `value` and `expected` are kept apart for whoever shows
    it."""

    def __init__(self, item: str, field: str, value: object, expected: str) -> None:
        self.item, self.field, self.value, self.expected = item, field, value, expected
        super().__init__(f"{item}: {field} is {_shown(value)}; it must be {expected}")


class ProblemError(EngineError):
    """A problem that cannot be read or does not hang together."""


class PolicyError(EngineError):
    """A policy setting that is unknown or out of range."""


class ResultError(EngineError):
    """A result file that cannot be read."""


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


class Checks:
    """Checks on one named item (`"offer 'RRK-CT'"`), raising the given error."""

    def __init__(self, error: type[EngineError], item: str) -> None:
        self.error, self.item = error, item

    def refuse(self, field: str, value: object, expected: str) -> NoReturn:
        raise self.error(self.item, field, value, expected)

    def key(self, field: str, value: object) -> str:
        if not isinstance(value, str) or not value.strip():
            self.refuse(field, value, "a text that is not empty")
        if len(value) > 200:
            self.refuse(field, value, "at most 200 characters long")
        return value

    def keys(self, field: str, value: object) -> tuple[str, ...]:
        if isinstance(value, str) or not isinstance(value, Sequence):
            self.refuse(field, value, "a list of texts")
        out = tuple(self.key(f"{field}[{i}]", v) for i, v in enumerate(value))
        if len(set(out)) != len(out):
            twice = next(v for i, v in enumerate(out) if v in out[:i])
            self.refuse(field, twice, "a list that names each entry once")
        return out

    def whole(self, field: str, value: object, least: int, most: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.refuse(field, value, f"a whole number from {least:,} to {most:,}")
        return value

    def number(self, field: str, value: object, least: float, most: float) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            self.refuse(field, value, f"a number from {least:g} to {most:g}")
        return float(value)

    def boolean(self, field: str, value: object) -> bool:
        if not isinstance(value, bool):
            self.refuse(field, value, "true or false")
        return value

    def whole_by_week(self, field: str, value: object, weeks: int, most: int) -> None:
        for i, v in enumerate(self._by_week(field, value, weeks)):
            self.whole(f"{field}[{i}]", v, 0, most)

    def numbers_by_week(self, field: str, value: object, weeks: int, most: float) -> None:
        for i, v in enumerate(self._by_week(field, value, weeks)):
            self.number(f"{field}[{i}]", v, 0.0, most)

    def known(self, field: str, value: object, index: Mapping[str, int], expected: str) -> None:
        if not isinstance(value, str) or value not in index:
            self.refuse(field, value, expected)

    def places_by_week(self, field: str, value: object, weeks: int) -> None:
        if value is not None:
            self.whole_by_week(field, value, weeks, MOST_PLACES)

    def groups_and_stages(self, field: str, value: object) -> None:
        """Pairs of a learner group and a stage of it, or None for every stage, each pair once."""
        wanted = "a list of pairs [group, stage or null], each named once"
        if not isinstance(value, tuple) or len(set(map(repr, value))) != len(value):
            self.refuse(field, value, wanted)
        for i, pair in enumerate(value):
            if not isinstance(pair, tuple) or len(pair) != 2:
                self.refuse(f"{field}[{i}]", pair, "a pair [group, stage or null]")
            self.key(f"{field}[{i}][0]", pair[0])
            if pair[1] is not None:
                self.key(f"{field}[{i}][1]", pair[1])

    def weeks_of(self, field: str, weeks: object, n: int) -> None:
        """At least one position of the round's `n` weeks, rising."""
        if isinstance(weeks, str) or not isinstance(weeks, tuple) or not weeks:
            self.refuse(field, weeks, "a list of at least one week")
        if not n:
            self.refuse(field, weeks, "empty: the problem has no weeks")
        last = -1
        for i, week in enumerate(weeks):
            value = self.whole(f"{field}[{i}]", week, 0, n - 1)
            if value <= last:
                self.refuse(f"{field}[{i}]", week, "later than the week before it")
            last = value

    def _by_week(self, field: str, value: object, weeks: int) -> tuple[object, ...]:
        if not isinstance(value, tuple):
            self.refuse(field, value, f"a list of {weeks} numbers, one a week")
        if len(value) != weeks:
            self.refuse(field, value, f"a list of {weeks} numbers, one a week (it has {len(value)})")
        return value


def check_weeks(error: type[EngineError], weeks: Sequence[str]) -> tuple[str, ...]:
    """The round's weeks: ISO dates, each a Monday, in order, none twice."""
    check = Checks(error, "problem")
    if isinstance(weeks, str) or not isinstance(weeks, Sequence):
        check.refuse("weeks", weeks, "a list of ISO dates, each a Monday")
    if len(weeks) > MOST_WEEKS:
        check.refuse("weeks", len(weeks), f"a list of at most {MOST_WEEKS} weeks")
    last: date | None = None
    for i, text in enumerate(weeks):
        try:
            day = date.fromisoformat(text)
            if day.isoformat() != text:  # such as 20260907 and 2026-W37-1
                raise ValueError
        except (TypeError, ValueError):
            check.refuse(f"weeks[{i}]", text, "an ISO date such as 2026-09-07")
        if day.weekday() != 0:
            check.refuse(f"weeks[{i}]", text, "a Monday")
        if last is not None and day <= last:
            check.refuse(f"weeks[{i}]", text, f"later than the week before it ({last.isoformat()})")
        last = day
    return tuple(weeks)


def check_unique(error: type[EngineError], kind: str, keys: Iterable[str]) -> dict[str, int]:
    """Index by key; refuses a key used twice."""
    index: dict[str, int] = {}
    for i, key in enumerate(keys):
        if key in index:
            raise error(kind, "key", key, f"used by one {kind} only (it is used twice)")
        index[key] = i
    return index


def read_json(error: type[EngineError], what: str, text: str | bytes) -> dict[str, Any]:
    """One JSON object, with NaN, Infinity and repeated names refused."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for name, value in items:
            if name in seen:
                raise error(what, "name", name, "written once in its object")
            seen[name] = value
        return seen

    def constant(name: str) -> NoReturn:
        raise error(what, "number", name, "a finite number")

    try:
        found = json.loads(text, object_pairs_hook=pairs, parse_constant=constant)
    except EngineError:
        raise
    except (ValueError, RecursionError) as problem:  # not JSON, not UTF-8, thousands of digits, too deep
        raise error(what, "text", str(problem), "valid JSON") from problem
    if not isinstance(found, dict):
        raise error(what, "text", type(found).__name__, "a JSON object")
    return found


def check_names(
    error: type[EngineError],
    item: str,
    found: Mapping[str, Any],
    allowed: Iterable[str],
    needed: Iterable[str],
) -> None:
    """Refuses unknown and missing names of a JSON object."""
    known = list(allowed)
    for name in found:
        if name not in known:
            raise error(item, "name", name, "one of " + ", ".join(known))
    for name in needed:
        if name not in found:
            raise error(item, name, None, "given")
