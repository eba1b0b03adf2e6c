"""What happens after publication, as data: events, read from JSON and written to it, and the problem as they
leave it.

Weeks are positions in the problem's weeks. An event only says what is no longer so; what follows for the
placings is the business of `repair`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np

from matching.items import UNREACHABLE, Learner, Lock, Requirement, Rotation
from matching.policy import Policy
from matching.problem import Problem
from matching.reading import read_as
from matching.validation import (
    MOST_PLACES,
    MOST_WTE,
    Checks,
    EngineError,
    PolicyError,
    read_json,
)

VERSION = 1
LEVELS = ("offer", "department", "site", "trust")


class EventError(EngineError):
    """An event that names what the problem does not have, or asks for what cannot be."""


@dataclass(frozen=True)
class Withdrawal:
    """A learner leaves, altogether or from a week. What they were placed in and had begun by then is cut
    short; a requirement without a place that reaches into that week or beyond is dropped."""

    RULES: ClassVar[tuple[str, ...]] = ()
    learner: str
    from_week: int = 0


@dataclass(frozen=True)
class LateLearner:
    """A learner joins: their requirements (and rotations), and minutes one way to each site in the order of
    the problem's sites."""

    RULES: ClassVar[tuple[str, ...]] = ()
    learner: Learner
    requirements: tuple[Requirement, ...]
    travel_minutes: tuple[int, ...]
    rotations: tuple[Rotation, ...] = ()


@dataclass(frozen=True)
class PlacesCut:
    """An offer, department, site or trust holds fewer learners in some weeks; `places` is the new number."""

    RULES: ClassVar[tuple[str, ...]] = ("places", "offer_weeks")
    level: str
    key: str
    weeks: tuple[int, ...]
    places: int


@dataclass(frozen=True)
class EducatorAway:
    """An educator has less supervising time in some weeks; `wte` is what is left of it. With none left they
    supervise nobody, where learners at once are counted."""

    RULES: ClassVar[tuple[str, ...]] = ()
    educator: str
    weeks: tuple[int, ...]
    wte: float = 0.0


@dataclass(frozen=True)
class WteCut:
    """A department has less supervising WTE of its own in some weeks; `wte` is what is left of it."""

    RULES: ClassVar[tuple[str, ...]] = ()
    department: str
    weeks: tuple[int, ...]
    wte: float


@dataclass(frozen=True)
class SiteClosed:
    """A site takes nobody in some weeks, and has no beds."""

    RULES: ClassVar[tuple[str, ...]] = ("places", "offer_weeks")
    site: str
    weeks: tuple[int, ...]


@dataclass(frozen=True)
class MustMove:
    """A requirement may no longer be placed at a site or department: a ban, and the end of a pin there."""

    RULES: ClassVar[tuple[str, ...]] = ("locks",)
    requirement: str
    site_or_department: str


Event: TypeAlias = Withdrawal | LateLearner | PlacesCut | EducatorAway | WteCut | SiteClosed | MustMove

KINDS: Mapping[str, type[Any]] = {
    "withdrawal": Withdrawal,
    "late_learner": LateLearner,
    "places_cut": PlacesCut,
    "educator_away": EducatorAway,
    "wte_cut": WteCut,
    "site_closed": SiteClosed,
    "must_move": MustMove,
}
NAMES = {kind: name for name, kind in KINDS.items()}


def events_to_json(events: Sequence[Event]) -> str:
    """One JSON object with `"version": 1` and the events, each with its `kind`."""
    rows = [{"kind": NAMES[type(event)], **dataclasses.asdict(event)} for event in events]
    return json.dumps({"version": VERSION, "events": rows}, separators=(",", ":"), allow_nan=False)


def events_from_json(text: str | bytes) -> tuple[Event, ...]:
    """Reads what `events_to_json` writes. Raises `EventError` naming the event and the field."""
    found = read_json(EventError, "events", text)
    for name in found:
        if name not in ("version", "events"):
            raise EventError("events", "name", name, "version or events")
    if isinstance(found.get("version"), bool) or found.get("version") != VERSION:
        raise EventError("events", "version", found.get("version"), str(VERSION))
    rows = found.get("events")
    if not isinstance(rows, list):
        raise EventError("events", "events", rows, "a list")
    out = []
    for i, row in enumerate(rows):
        if not isinstance(row, dict):
            raise EventError(f"events[{i}]", "value", row, "a JSON object")
        kind = row.get("kind")
        if not isinstance(kind, str) or kind not in KINDS:
            raise EventError(f"events[{i}]", "kind", kind, "one of " + ", ".join(KINDS))
        fields = {name: value for name, value in row.items() if name != "kind"}
        out.append(read_as(EventError, "", f"events[{i}] {kind}", KINDS[kind], fields))
    return tuple(out)


def apply(problem: Problem, events: Sequence[Event]) -> Problem:
    """The problem after some events, one after another; the problem given is left as it is.

    Raises `EventError` for an event that names what is not there (any more) or is out of range, and
    `ProblemError` where a late learner does not fit the problem. O(problem + events).
    """
    draft = _Draft(problem)
    for i, event in enumerate(events):
        if type(event) not in NAMES:
            kinds = ", ".join(kind.__name__ for kind in NAMES)
            raise EventError(f"event {i + 1}", "type", type(event).__name__, f"one of {kinds}")
        draft.take(Checks(EventError, f"event {i + 1} ({NAMES[type(event)]})"), event)
    return draft.problem()


def check_obeyed(policy: Policy, events: Sequence[Event]) -> None:
    """Raises `PolicyError` where the policy ignores the rules by which an event would be obeyed."""
    for i, event in enumerate(events):
        if event.RULES and not any(getattr(policy, rule) for rule in event.RULES):
            wanted = f"true (or event {i + 1}, {NAMES[type(event)]}, changes nothing)"
            raise PolicyError("policy", event.RULES[0], False, wanted)


class _Draft:
    """A problem being changed: its parts by key, in their order."""

    def __init__(self, problem: Problem) -> None:
        self.before = problem
        self.weeks = len(problem.weeks)
        self.parts: dict[str, dict[str, Any]] = {
            name: {item.key: item for item in getattr(problem, name)}
            for name in problem.PARTS
            if name not in ("locks", "published")
        }
        self.locks = list(problem.locks)
        self.published = {placing.requirement: placing for placing in problem.published}
        self.row = {x.key: problem.travel_minutes[i] for i, x in enumerate(problem.learners)}

    def problem(self) -> Problem:
        """The problem as it now is."""
        sites = len(self.parts["sites"])
        rows = [self.row[key] for key in self.parts["learners"]]
        return Problem(
            weeks=self.before.weeks,
            locks=tuple(self.locks),
            published=tuple(self.published.values()),
            travel_minutes=np.array(rows, np.uint16).reshape(len(rows), sites),
            **{name: tuple(items.values()) for name, items in self.parts.items()},
        )

    def take(self, check: Checks, event: Event) -> None:
        if isinstance(event, Withdrawal):
            self.withdraw(check, event)
        elif isinstance(event, LateLearner):
            self.add(check, event)
        elif isinstance(event, PlacesCut):
            self.cut_places(check, event)
        elif isinstance(event, EducatorAway):
            self.cut_wte(check, "educators", "educator", event.educator, event.weeks, event.wte)
            if event.wte == 0:
                self.nobody_on(event.educator, event.weeks)
        elif isinstance(event, WteCut):
            self.cut_wte(check, "departments", "department", event.department, event.weeks, event.wte)
        elif isinstance(event, SiteClosed):
            self.close(check, event)
        else:
            self.ban(check, event)

    # -- learners ------------------------------------------------------------

    def withdraw(self, check: Checks, event: Withdrawal) -> None:
        learners = self.parts["learners"]
        check.known("learner", event.learner, learners, "the key of a learner in this problem")
        last = check.whole("from_week", event.from_week, 0, max(0, self.weeks - 1))
        mine = [r for r in self.parts["requirements"].values() if r.learner == event.learner]
        kept = {r.key: r for r in (self.cut_short(r, last) for r in mine) if r is not None}
        for r in mine:
            if r.key in kept:
                self.parts["requirements"][r.key] = kept[r.key]
            else:
                del self.parts["requirements"][r.key]
                self.published.pop(r.key, None)
        self.locks = [k for k in self.locks if k.requirement in self.parts["requirements"]]
        for rotation in [x for x in self.parts["rotations"].values() if x.learner == event.learner]:
            blocks = [(b, tuple(w for w in weeks if w < last)) for b, weeks in _blocks(rotation)]
            blocks = [(b, weeks) for b, weeks in blocks if weeks]
            if not blocks or not kept:
                del self.parts["rotations"][rotation.key]
                continue
            self.parts["rotations"][rotation.key] = dataclasses.replace(
                rotation, blocks=tuple(b for b, _ in blocks), weeks=tuple(weeks for _, weeks in blocks)
            )
        if kept:  # with some requirements gone, different sites could no longer be asked for
            learners[event.learner] = dataclasses.replace(learners[event.learner], different_sites=None)
            return
        del learners[event.learner]
        for item in list(self.parts["companions"].values()):
            if event.learner in item.learners:
                left = tuple(key for key in item.learners if key != event.learner)
                if len(left) < 2:
                    del self.parts["companions"][item.key]
                else:
                    self.parts["companions"][item.key] = dataclasses.replace(item, learners=left)

    def cut_short(self, requirement: Requirement, last: int) -> Requirement | None:
        """A requirement of a learner who leaves in week `last`; None where nothing is left of it."""
        placing = self.published.get(requirement.key)
        if requirement.rotation is not None:
            blocks = dict(_blocks(self.parts["rotations"][requirement.rotation]))
            if placing is not None and placing.block is not None:
                return requirement if blocks[placing.block][0] < last else None
            return requirement if all(weeks[-1] < last for weeks in blocks.values()) else None
        weeks = tuple(w for w in requirement.weeks if w < last)
        if not weeks or (placing is None and weeks != requirement.weeks):
            return None
        return dataclasses.replace(requirement, weeks=weeks)

    def add(self, check: Checks, event: LateLearner) -> None:
        learner = event.learner
        if not isinstance(learner, Learner):
            check.refuse("learner", learner, "a learner")
        if learner.key in self.parts["learners"]:
            check.refuse("learner", learner.key, "a key that no learner has yet")
        sites = len(self.parts["sites"])
        if not isinstance(event.travel_minutes, tuple) or len(event.travel_minutes) != sites:
            check.refuse(
                "travel_minutes", event.travel_minutes, f"a list of minutes to each of {sites} sites"
            )
        for i, minutes in enumerate(event.travel_minutes):
            check.whole(f"travel_minutes[{i}]", minutes, 0, UNREACHABLE)
        for name, kind in (("rotations", Rotation), ("requirements", Requirement)):
            for i, item in enumerate(getattr(event, name)):
                if not isinstance(item, kind):
                    check.refuse(f"{name}[{i}]", item, f"a {kind.__name__.lower()}")
                if item.key in self.parts[name]:
                    check.refuse(f"{name}[{i}]", item.key, f"a key that no {name[:-1]} has yet")
                if item.learner != learner.key:
                    check.refuse(f"{name}[{i}]", item.learner, f"of the learner {learner.key}")
                self.parts[name][item.key] = item
        self.parts["learners"][learner.key] = learner
        self.row[learner.key] = np.array(event.travel_minutes, np.uint16)

    def ban(self, check: Checks, event: MustMove) -> None:
        requirements, place = self.parts["requirements"], event.site_or_department
        check.known(
            "requirement", event.requirement, requirements, "the key of a requirement in this problem"
        )
        departments = self.parts["departments"]
        if place not in self.parts["sites"] and place not in departments:
            check.refuse("site_or_department", place, "the key of a site or a department")

        def inside(key: str) -> bool:
            return key == place or (key in departments and departments[key].site == place)

        ban = Lock(event.requirement, place, "ban")
        self.locks = [
            k
            for k in self.locks
            if k.requirement != event.requirement
            or (k != ban and not (k.kind == "pin" and inside(k.site_or_department)))
        ]
        self.locks.append(ban)

    # -- what is offered ------------------------------------------------------------

    def cut_places(self, check: Checks, event: PlacesCut) -> None:
        if event.level not in LEVELS:
            check.refuse("level", event.level, "one of " + ", ".join(LEVELS))
        items = self.parts[f"{event.level}s"]
        check.known("key", event.key, items, f"the key of a {event.level} in this problem")
        check.weeks_of("weeks", event.weeks, self.weeks)
        check.whole("places", event.places, 0, MOST_PLACES)
        item = items[event.key]
        field = "maximum" if event.level == "offer" else "places"
        now = getattr(item, field) or (MOST_PLACES,) * self.weeks
        self.no_more("places", check, event.places, now, event.weeks)
        cut = _changed(now, event.weeks, event.places)
        changes = {field: cut}
        if event.level == "offer":
            changes["preferred"] = tuple(min(a, b) for a, b in zip(item.preferred, cut, strict=True))
        items[event.key] = dataclasses.replace(item, **changes)

    def cut_wte(
        self, check: Checks, part: str, what: str, key: str, weeks: tuple[int, ...], wte: float
    ) -> None:
        items = self.parts[part]
        check.known(what, key, items, f"the key of a {what} in this problem".replace("a edu", "an edu"))
        check.weeks_of("weeks", weeks, self.weeks)
        check.number("wte", wte, 0.0, MOST_WTE)
        now = items[key].wte
        if now is None:
            check.refuse(what, key, "a department with supervising WTE of its own")
        self.no_more("wte", check, wte, now, weeks)
        items[key] = dataclasses.replace(items[key], wte=_changed(now, weeks, wte))

    def nobody_on(self, key: str, weeks: tuple[int, ...]) -> None:
        """An educator takes on no learner in some weeks; nothing changes where nobody's learners are counted
        in their departments."""
        educators = self.parts["educators"]
        there = set(educators[key].departments)
        if any(e.limited and there.intersection(e.departments) for e in educators.values()):
            now = educators[key].most or (MOST_PLACES,) * self.weeks
            educators[key] = dataclasses.replace(educators[key], most=_changed(now, weeks, 0))

    def close(self, check: Checks, event: SiteClosed) -> None:
        sites = self.parts["sites"]
        check.known("site", event.site, sites, "the key of a site in this problem")
        check.weeks_of("weeks", event.weeks, self.weeks)
        site = sites[event.site]
        changes = {"places": _changed(site.places or (MOST_PLACES,) * self.weeks, event.weeks, 0)}
        if site.accommodation is not None:
            changes["accommodation"] = _changed(site.accommodation, event.weeks, 0)
        sites[event.site] = dataclasses.replace(site, **changes)

    @staticmethod
    def no_more(field: str, check: Checks, new: float, now: Sequence[float], weeks: tuple[int, ...]) -> None:
        for w in weeks:
            if new > now[w]:
                check.refuse(field, new, f"no more than the {now[w]:g} of week {w}")


def _blocks(rotation: Rotation) -> list[tuple[str, tuple[int, ...]]]:
    return list(zip(rotation.blocks, rotation.weeks, strict=True))


def _changed(by_week: Sequence[Any], weeks: tuple[int, ...], value: Any) -> tuple[Any, ...]:
    there = set(weeks)
    return tuple(value if w in there else v for w, v in enumerate(by_week))
