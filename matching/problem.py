"""What is to be matched: frozen parts, checked once when a `Problem` is made, JSON both ways.

Units: places are whole learners; WTE is whole-time equivalents of supervision; `weeks` are ISO Mondays and
every "by week" tuple has one entry a week of the problem; travel is whole minutes door to door, one way.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from matching.validation import (
    MOST_PLACES,
    MOST_WTE,
    Checks,
    ProblemError,
    check_names,
    check_unique,
    check_weeks,
    read_json,
)

UNREACHABLE = 65_535
MODES = ("car", "public_transport")
LOCK_KINDS = ("pin", "ban")
VERSION = 1


@dataclass(frozen=True)
class Trust:
    """An NHS trust. `places`: the most learners at once over all its sites, by week; None is no cap."""

    key: str
    places: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Site:
    """A hospital or centre of a trust. `places`: the most learners at once, by week; None is no cap."""

    key: str
    trust: str
    places: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Department:
    """A site's modality. `places`: most learners at once by week; `wte`: supervising WTE by week; None is
    no cap."""

    key: str
    site: str
    modality: str
    places: tuple[int, ...] | None = None
    wte: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Offer:
    """Places a department offers to some groups and stages (empty: to any), by week: preferred and
    maximum."""

    key: str
    department: str
    groups: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    preferred: tuple[int, ...] = ()
    maximum: tuple[int, ...] = ()


@dataclass(frozen=True)
class Learner:
    """One learner. `employer` is a trust's key; `preferences` are site keys, first choice first;
    `travel_limit_minutes` can only shorten the limit of the policy."""

    key: str
    group: str
    stage: str
    hei: str
    mode: str = "car"
    employer: str | None = None
    released: bool = False
    excluded_sites: tuple[str, ...] = ()
    preferences: tuple[str, ...] = ()
    travel_limit_minutes: int | None = None


@dataclass(frozen=True)
class Requirement:
    """One learner needs one place of any of `modalities` in every week of `weeks` (indices into the problem's
    weeks). `weight` is the supervising WTE it takes; `priority` 1 is placed before 2, and so on."""

    key: str
    learner: str
    block: str
    modalities: tuple[str, ...]
    weeks: tuple[int, ...]
    weight: float = 0.5
    priority: int = 1


@dataclass(frozen=True)
class Lock:
    """An academy lead's pin (only there) or ban (not there) of one requirement, at a site or a department."""

    requirement: str
    site_or_department: str
    kind: str


@dataclass(frozen=True, eq=False)
class Problem:
    """Everything one match knows. Raises `ProblemError` naming the item, the field, the value and what is
    right.

    `travel_minutes` is uint16 [learners, sites], one way in the learner's own mode; 65535 is unreachable.
    """

    weeks: tuple[str, ...]
    trusts: tuple[Trust, ...]
    sites: tuple[Site, ...]
    departments: tuple[Department, ...]
    offers: tuple[Offer, ...]
    learners: tuple[Learner, ...]
    requirements: tuple[Requirement, ...]
    locks: tuple[Lock, ...] = ()
    travel_minutes: NDArray[np.uint16] = field(default_factory=lambda: np.zeros((0, 0), np.uint16))

    PARTS: ClassVar[dict[str, Any]] = {
        "trusts": Trust,
        "sites": Site,
        "departments": Department,
        "offers": Offer,
        "learners": Learner,
        "requirements": Requirement,
        "locks": Lock,
    }

    def __post_init__(self) -> None:
        object.__setattr__(self, "weeks", check_weeks(ProblemError, self.weeks))
        for name, kind in self.PARTS.items():
            found = tuple(getattr(self, name))
            for i, item in enumerate(found):
                if not isinstance(item, kind):
                    raise ProblemError(f"{name}[{i}]", "type", type(item).__name__, kind.__name__)
            object.__setattr__(self, name, found)
        self._check_supply()
        self._check_demand()
        object.__setattr__(self, "travel_minutes", self._checked_travel())

    # -- look-ups ------------------------------------------------------------

    @cached_property
    def trust_index(self) -> dict[str, int]:
        """Position of each trust by key."""
        return check_unique(ProblemError, "trust", (t.key for t in self.trusts))

    @cached_property
    def site_index(self) -> dict[str, int]:
        """Position of each site by key."""
        return check_unique(ProblemError, "site", (s.key for s in self.sites))

    @cached_property
    def department_index(self) -> dict[str, int]:
        """Position of each department by key."""
        return check_unique(ProblemError, "department", (d.key for d in self.departments))

    @cached_property
    def offer_index(self) -> dict[str, int]:
        """Position of each offer by key."""
        return check_unique(ProblemError, "offer", (o.key for o in self.offers))

    @cached_property
    def learner_index(self) -> dict[str, int]:
        """Position of each learner by key."""
        return check_unique(ProblemError, "learner", (x.key for x in self.learners))

    @cached_property
    def requirement_index(self) -> dict[str, int]:
        """Position of each requirement by key."""
        return check_unique(ProblemError, "requirement", (r.key for r in self.requirements))

    # -- checks ------------------------------------------------------------

    def _check_supply(self) -> None:
        n = len(self.weeks)
        trusts, sites, departments = self.trust_index, self.site_index, self.department_index
        self.offer_index  # noqa: B018 - refuses repeated keys
        for trust in self.trusts:
            check = Checks(ProblemError, f"trust {trust.key!r}")
            check.key("key", trust.key)
            _places(check, "places", trust.places, n)
        for site in self.sites:
            check = Checks(ProblemError, f"site {site.key!r}")
            check.key("key", site.key)
            _known(check, "trust", site.trust, trusts, "the key of a trust in this problem")
            _places(check, "places", site.places, n)
        for department in self.departments:
            check = Checks(ProblemError, f"department {department.key!r}")
            check.key("key", department.key)
            check.key("modality", department.modality)
            _known(check, "site", department.site, sites, "the key of a site in this problem")
            if department.key in sites:
                check.refuse("key", department.key, "different from every site's key (locks name either)")
            _places(check, "places", department.places, n)
            if department.wte is not None:
                check.numbers_by_week("wte", department.wte, n, MOST_WTE)
        for offer in self.offers:
            check = Checks(ProblemError, f"offer {offer.key!r}")
            check.key("key", offer.key)
            _known(
                check, "department", offer.department, departments, "the key of a department in this problem"
            )
            check.keys("groups", offer.groups)
            check.keys("stages", offer.stages)
            _places(check, "preferred", offer.preferred, n)
            _places(check, "maximum", offer.maximum, n)
            if offer.preferred is None or offer.maximum is None:
                check.refuse("maximum", None, f"a list of {n} numbers, one a week")
            for i, (low, high) in enumerate(zip(offer.preferred, offer.maximum, strict=True)):
                if low > high:
                    check.refuse(f"preferred[{i}]", low, f"no more than maximum[{i}], which is {high}")

    def _check_demand(self) -> None:
        n = len(self.weeks)
        trusts, sites, departments = self.trust_index, self.site_index, self.department_index
        learners, requirements = self.learner_index, self.requirement_index
        for learner in self.learners:
            check = Checks(ProblemError, f"learner {learner.key!r}")
            for name in ("key", "group", "stage", "hei"):
                check.key(name, getattr(learner, name))
            if learner.mode not in MODES:
                check.refuse("mode", learner.mode, "car or public_transport")
            if learner.employer is not None:
                _known(check, "employer", learner.employer, trusts, "the key of a trust in this problem")
            check.boolean("released", learner.released)
            for name in ("excluded_sites", "preferences"):
                for i, key in enumerate(check.keys(name, getattr(learner, name))):
                    _known(check, f"{name}[{i}]", key, sites, "the key of a site in this problem")
            if learner.travel_limit_minutes is not None:
                check.whole("travel_limit_minutes", learner.travel_limit_minutes, 0, 24 * 60)
        for requirement in self.requirements:
            check = Checks(ProblemError, f"requirement {requirement.key!r}")
            check.key("key", requirement.key)
            check.key("block", requirement.block)
            _known(check, "learner", requirement.learner, learners, "the key of a learner in this problem")
            if not check.keys("modalities", requirement.modalities):
                check.refuse("modalities", (), "a list of at least one modality")
            _check_requirement_weeks(check, requirement.weeks, n)
            check.number("weight", requirement.weight, 0.0, 100.0)
            check.whole("priority", requirement.priority, 1, 9)
        for i, lock in enumerate(self.locks):
            check = Checks(ProblemError, f"locks[{i}]")
            _known(
                check,
                "requirement",
                lock.requirement,
                requirements,
                "the key of a requirement in this problem",
            )
            if lock.site_or_department not in sites and lock.site_or_department not in departments:
                check.refuse(
                    "site_or_department", lock.site_or_department, "the key of a site or a department"
                )
            if lock.kind not in LOCK_KINDS:
                check.refuse("kind", lock.kind, "pin or ban")

    def _checked_travel(self) -> NDArray[np.uint16]:
        check = Checks(ProblemError, "problem")
        shape = (len(self.learners), len(self.sites))
        wanted = f"a table of whole minutes, {shape[0]} learners by {shape[1]} sites"
        try:
            table = np.asarray(self.travel_minutes)
        except (TypeError, ValueError):
            check.refuse("travel_minutes", "a table of uneven rows", wanted)
        if table.size == 0 and 0 in shape:
            return np.zeros(shape, np.uint16)
        if table.shape != shape:
            check.refuse("travel_minutes", f"a table of shape {table.shape}", wanted)
        if table.dtype == np.uint16:
            return table
        if table.dtype.kind not in "iuf":
            check.refuse("travel_minutes", f"a table of {table.dtype}", wanted)
        wrong = ~((table >= 0) & (table <= UNREACHABLE) & (table == np.floor(table)))
        if wrong.any():
            i, j = (int(v) for v in np.argwhere(wrong)[0])
            Checks(ProblemError, f"learner {self.learners[i].key!r}").refuse(
                f"travel_minutes to site {self.sites[j].key!r}",
                table[i, j].item(),
                f"whole minutes from 0 to 65,534, or {UNREACHABLE} for unreachable",
            )
        return table.astype(np.uint16)

    # -- JSON ------------------------------------------------------------

    def to_json(self) -> str:
        """The problem as one JSON object with `"version": 1`; fields at their default are left out."""
        out: dict[str, Any] = {"version": VERSION, "weeks": list(self.weeks)}
        for name in self.PARTS:
            out[name] = [dict(_given(item)) for item in getattr(self, name)]
        out["travel_minutes"] = self.travel_minutes.tolist()
        return json.dumps(out, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Problem:
        """Reads what `to_json` writes. Raises `ProblemError` for anything unknown, missing, repeated or
        wrong."""
        found = read_json(ProblemError, "problem", text)
        names = ["version", "weeks", *cls.PARTS, "travel_minutes"]
        check_names(ProblemError, "problem", found, names, [n for n in names if n != "locks"])
        if isinstance(found["version"], bool) or found["version"] != VERSION:
            raise ProblemError("problem", "version", found["version"], f"{VERSION}")
        parts = {name: _read_parts(kind, name, found.get(name, [])) for name, kind in cls.PARTS.items()}
        return cls(weeks=found["weeks"], travel_minutes=found["travel_minutes"], **parts)


def _known(check: Checks, name: str, value: object, index: dict[str, int], expected: str) -> None:
    if not isinstance(value, str) or value not in index:
        check.refuse(name, value, expected)


def _places(check: Checks, name: str, value: tuple[int, ...] | None, weeks: int) -> None:
    if value is not None:
        check.whole_by_week(name, value, weeks, MOST_PLACES)


def _check_requirement_weeks(check: Checks, weeks: object, n: int) -> None:
    if isinstance(weeks, str) or not isinstance(weeks, tuple) or not weeks:
        check.refuse("weeks", weeks, "a list of at least one week")
    last = -1
    for i, week in enumerate(weeks):
        value = (
            check.whole(f"weeks[{i}]", week, 0, n - 1)
            if n
            else check.refuse("weeks", week, "empty: no weeks")
        )
        if value <= last:
            check.refuse(f"weeks[{i}]", week, "later than the week before it")
        last = value


def _given(item: Any) -> Iterator[tuple[str, Any]]:
    for f in dataclasses.fields(item):
        value = getattr(item, f.name)
        if f.default is dataclasses.MISSING or value != f.default:
            yield f.name, list(value) if isinstance(value, tuple) else value


def _read_parts(kind: type[Any], name: str, found: object) -> tuple[Any, ...]:
    if not isinstance(found, list):
        raise ProblemError("problem", name, found, "a list")
    fields = dataclasses.fields(kind)
    allowed = [f.name for f in fields]
    needed = [f.name for f in fields if f.default is dataclasses.MISSING]
    out: list[Any] = []
    for i, row in enumerate(found):
        item = f"{name}[{i}]"
        if not isinstance(row, dict):
            raise ProblemError(item, "value", row, "a JSON object")
        if "key" in row:
            item = f"{name[:-1]} {row['key']!r}"
        check_names(ProblemError, item, row, allowed, needed)
        out.append(kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}))
    return tuple(out)
