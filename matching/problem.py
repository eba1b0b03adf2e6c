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
    MOST_REPEATS,
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
COMPANION_KINDS = ("together", "apart")
VERSION = 2
READABLE = (1, 2)


@dataclass(frozen=True)
class Trust:
    """An NHS trust. `places`: the most learners at once over all its sites, by week; None is no cap."""

    key: str
    places: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Site:
    """A hospital or centre of a trust. `places`: the most learners at once, by week; None is no cap.
    `access`: the access needs it meets. `accommodation`: beds for learners beyond their travel limit, by
    week; None is none."""

    key: str
    trust: str
    places: tuple[int, ...] | None = None
    access: tuple[str, ...] = ()
    accommodation: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Department:
    """A site's modality. `places`: most learners at once by week; `wte`: supervising WTE of its own by week;
    None is no cap (for `wte`: unless an educator serves it, who is then its only supervision)."""

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
class Educator:
    """A practice educator whose supervising `wte` by week is shared over `departments`, at one trust or
    several or remotely; the match splits it week by week."""

    key: str
    departments: tuple[str, ...]
    wte: tuple[float, ...]


@dataclass(frozen=True)
class Learner:
    """One learner. `employer` and `hub` are trusts' keys; `preferences` are site keys, first choice first;
    `travel_limit_minutes` can only shorten the limit of the policy.

    `attended` are the sites of earlier placements, one entry each; `past_minutes` their mean journey one way.
    `site_repeats`: most placements at one site, `different_sites`: least number of different sites by the end
    of the round, both counting `attended` (None: no limit). `accommodation`: would take a bed at a site
    beyond the travel limit.
    """

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
    access_needs: tuple[str, ...] = ()
    accommodation: bool = False
    attended: tuple[str, ...] = ()
    past_minutes: int = 0
    site_repeats: int | None = None
    different_sites: int | None = None
    hub: str | None = None


@dataclass(frozen=True)
class Rotation:
    """The blocks that a learner's floating requirements take in any order, each block once. `weeks` has the
    weeks of each of `blocks`."""

    key: str
    learner: str
    blocks: tuple[str, ...]
    weeks: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Requirement:
    """One learner needs one place of any of `modalities` in every week of `weeks` (indices into the problem's
    weeks). `weight` is the supervising WTE it takes; `priority` 1 is placed before 2, and so on.

    A floating requirement names its `rotation` and has neither block ("") nor weeks of its own.
    """

    key: str
    learner: str
    block: str
    modalities: tuple[str, ...]
    weeks: tuple[int, ...]
    weight: float = 0.5
    priority: int = 1
    rotation: str | None = None


@dataclass(frozen=True)
class Companions:
    """Learners who, whenever they are placed in the same week, go to the same site ("together") or to
    different ones ("apart")."""

    key: str
    kind: str
    learners: tuple[str, ...]


@dataclass(frozen=True)
class Agreement:
    """What an HEI and a trust agreed: the least and most placings of its learners there in the round, of some
    groups and stages or (empty) of all."""

    key: str
    hei: str
    trust: str
    least: int = 0
    most: int | None = None
    groups: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Placing:
    """Where a requirement stands in the last publication; `block` is the one a floating requirement took."""

    requirement: str
    offer: str
    block: str | None = None


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
    educators: tuple[Educator, ...] = ()
    rotations: tuple[Rotation, ...] = ()
    companions: tuple[Companions, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    published: tuple[Placing, ...] = ()

    PARTS: ClassVar[dict[str, Any]] = {
        "trusts": Trust,
        "sites": Site,
        "departments": Department,
        "offers": Offer,
        "learners": Learner,
        "requirements": Requirement,
        "locks": Lock,
        "educators": Educator,
        "rotations": Rotation,
        "companions": Companions,
        "agreements": Agreement,
        "published": Placing,
    }
    OPTIONAL: ClassVar[tuple[str, ...]] = (
        "locks",
        "educators",
        "rotations",
        "companions",
        "agreements",
        "published",
    )

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
        self._check_agreed()
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

    @cached_property
    def educator_index(self) -> dict[str, int]:
        """Position of each educator by key."""
        return check_unique(ProblemError, "educator", (e.key for e in self.educators))

    @cached_property
    def rotation_index(self) -> dict[str, int]:
        """Position of each rotation by key."""
        return check_unique(ProblemError, "rotation", (r.key for r in self.rotations))

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
            _places(check, "accommodation", site.accommodation, n)
            check.keys("access", site.access)
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

        self.educator_index  # noqa: B018 - refuses repeated keys
        for educator in self.educators:
            check = Checks(ProblemError, f"educator {educator.key!r}")
            check.key("key", educator.key)
            if not check.keys("departments", educator.departments):
                check.refuse("departments", (), "a list of at least one department")
            for i, key in enumerate(educator.departments):
                expected = "the key of a department in this problem"
                _known(check, f"departments[{i}]", key, departments, expected)
            check.numbers_by_week("wte", educator.wte, n, MOST_WTE)

    def _check_demand(self) -> None:
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
            if learner.hub is not None:
                _known(check, "hub", learner.hub, trusts, "the key of a trust in this problem")
            check.keys("access_needs", learner.access_needs)
            check.boolean("accommodation", learner.accommodation)
            check.whole("past_minutes", learner.past_minutes, 0, 24 * 60)
            if isinstance(learner.attended, str) or not isinstance(learner.attended, tuple):
                check.refuse("attended", learner.attended, "a list of site keys")
            for i, key in enumerate(learner.attended):
                _known(check, f"attended[{i}]", key, sites, "the key of a site in this problem")
            for name in ("site_repeats", "different_sites"):
                if getattr(learner, name) is not None:
                    check.whole(name, getattr(learner, name), 0, MOST_REPEATS)
        self._check_rotations()
        for requirement in self.requirements:
            check = Checks(ProblemError, f"requirement {requirement.key!r}")
            check.key("key", requirement.key)
            self._check_when(check, requirement)
            _known(check, "learner", requirement.learner, learners, "the key of a learner in this problem")
            if not check.keys("modalities", requirement.modalities):
                check.refuse("modalities", (), "a list of at least one modality")
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

    def _check_rotations(self) -> None:
        self.rotation_index  # noqa: B018 - refuses repeated keys
        for rotation in self.rotations:
            check = Checks(ProblemError, f"rotation {rotation.key!r}")
            check.key("key", rotation.key)
            _known(
                check, "learner", rotation.learner, self.learner_index, "the key of a learner in this problem"
            )
            blocks = check.keys("blocks", rotation.blocks)
            if not isinstance(rotation.weeks, tuple) or len(rotation.weeks) != len(blocks) or not blocks:
                check.refuse("weeks", rotation.weeks, "a list of weeks for each of at least one block")
            for i, weeks in enumerate(rotation.weeks):
                _check_weeks_of(check, f"weeks[{i}]", weeks, len(self.weeks))

    def _check_when(self, check: Checks, requirement: Requirement) -> None:
        if requirement.rotation is None:
            check.key("block", requirement.block)
            _check_weeks_of(check, "weeks", requirement.weeks, len(self.weeks))
            return
        expected = "the key of a rotation of the same learner"
        _known(check, "rotation", requirement.rotation, self.rotation_index, expected)
        if self.rotations[self.rotation_index[requirement.rotation]].learner != requirement.learner:
            check.refuse("rotation", requirement.rotation, expected)
        if requirement.block != "" or requirement.weeks != ():
            check.refuse("weeks", requirement.weeks, "empty, as is block: the rotation has them")

    def _check_agreed(self) -> None:
        """Companions, agreements and the publication."""
        learners = self.learner_index
        check_unique(ProblemError, "companions", (c.key for c in self.companions))
        check_unique(ProblemError, "agreement", (a.key for a in self.agreements))
        for companions in self.companions:
            check = Checks(ProblemError, f"companions {companions.key!r}")
            check.key("key", companions.key)
            if companions.kind not in COMPANION_KINDS:
                check.refuse("kind", companions.kind, "together or apart")
            if len(check.keys("learners", companions.learners)) < 2:
                check.refuse("learners", companions.learners, "a list of at least two learners")
            for i, key in enumerate(companions.learners):
                _known(check, f"learners[{i}]", key, learners, "the key of a learner in this problem")
        for agreement in self.agreements:
            check = Checks(ProblemError, f"agreement {agreement.key!r}")
            check.key("key", agreement.key)
            check.key("hei", agreement.hei)
            _known(check, "trust", agreement.trust, self.trust_index, "the key of a trust in this problem")
            check.whole("least", agreement.least, 0, MOST_PLACES)
            if agreement.most is not None:
                check.whole("most", agreement.most, agreement.least, MOST_PLACES)
            check.keys("groups", agreement.groups)
            check.keys("stages", agreement.stages)
        check_unique(ProblemError, "published requirement", (p.requirement for p in self.published))
        for placing in self.published:
            check = Checks(ProblemError, f"published {placing.requirement!r}")
            expected = "the key of a requirement in this problem"
            _known(check, "requirement", placing.requirement, self.requirement_index, expected)
            _known(check, "offer", placing.offer, self.offer_index, "the key of an offer in this problem")
            rotation = self.requirements[self.requirement_index[placing.requirement]].rotation
            blocks = () if rotation is None else self.rotations[self.rotation_index[rotation]].blocks
            if (placing.block is None) != (rotation is None) or (blocks and placing.block not in blocks):
                check.refuse(
                    "block", placing.block, "a block of its rotation (none where it has no rotation)"
                )

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
        """The problem as one JSON object with `"version": 2`; fields at their default are left out."""
        out: dict[str, Any] = {"version": VERSION, "weeks": list(self.weeks)}
        for name in self.PARTS:
            if getattr(self, name) or name not in self.OPTIONAL:
                out[name] = [dict(_given(item)) for item in getattr(self, name)]
        out["travel_minutes"] = self.travel_minutes.tolist()
        return json.dumps(out, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Problem:
        """Reads what `to_json` writes, in this version or the one before (which had fewer fields). Raises
        `ProblemError` for anything unknown, missing, repeated or wrong."""
        found = read_json(ProblemError, "problem", text)
        names = ["version", "weeks", *cls.PARTS, "travel_minutes"]
        check_names(ProblemError, "problem", found, names, [n for n in names if n not in cls.OPTIONAL])
        if isinstance(found["version"], bool) or found["version"] not in READABLE:
            raise ProblemError("problem", "version", found["version"], " or ".join(map(str, READABLE)))
        parts = {name: _read_parts(kind, name, found.get(name, [])) for name, kind in cls.PARTS.items()}
        return cls(weeks=found["weeks"], travel_minutes=found["travel_minutes"], **parts)


def _known(check: Checks, name: str, value: object, index: dict[str, int], expected: str) -> None:
    if not isinstance(value, str) or value not in index:
        check.refuse(name, value, expected)


def _places(check: Checks, name: str, value: tuple[int, ...] | None, weeks: int) -> None:
    if value is not None:
        check.whole_by_week(name, value, weeks, MOST_PLACES)


def _check_weeks_of(check: Checks, field: str, weeks: object, n: int) -> None:
    if isinstance(weeks, str) or not isinstance(weeks, tuple) or not weeks:
        check.refuse(field, weeks, "a list of at least one week")
    if not n:
        check.refuse(field, weeks, "empty: the problem has no weeks")
    last = -1
    for i, week in enumerate(weeks):
        value = check.whole(f"{field}[{i}]", week, 0, n - 1)
        if value <= last:
            check.refuse(f"{field}[{i}]", week, "later than the week before it")
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
            item = f"{name if name == 'companions' else name[:-1]} {row['key']!r}"
        check_names(ProblemError, item, row, allowed, needed)
        out.append(kind(**{k: _tuples(v) for k, v in row.items()}))
    return tuple(out)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value
