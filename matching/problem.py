"""What is to be matched: frozen parts, checked once when a `Problem` is made, JSON both ways.

Units: places are whole learners; WTE is whole-time equivalents of supervision; `weeks` are ISO Mondays and
every "by week" tuple has one entry a week of the problem; travel is whole minutes door to door, one way.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from matching.items import (
    COMPANION_KINDS,
    LOCK_KINDS,
    MODES,
    UNREACHABLE,
    Agreement,
    Companions,
    Department,
    Educator,
    Learner,
    Lock,
    Offer,
    Placing,
    Requirement,
    Rotation,
    Site,
    Trust,
    given,
    read_items,
)
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

VERSION = 3
READABLE = (1, 2, 3)

__all__ = [
    "COMPANION_KINDS",
    "LOCK_KINDS",
    "MODES",
    "READABLE",
    "UNREACHABLE",
    "VERSION",
    "Agreement",
    "Companions",
    "Department",
    "Educator",
    "Learner",
    "Lock",
    "Offer",
    "Placing",
    "Problem",
    "Requirement",
    "Rotation",
    "Site",
    "Trust",
]


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

    def rotation_of(self, requirement: Requirement) -> Rotation | None:
        """The rotation of a floating requirement; None for one with weeks of its own."""
        key = requirement.rotation
        return None if key is None else self.rotations[self.rotation_index[key]]

    # -- checks ------------------------------------------------------------

    def _check_supply(self) -> None:
        n = len(self.weeks)
        trusts, sites, departments = self.trust_index, self.site_index, self.department_index
        self.offer_index  # noqa: B018 - refuses repeated keys
        for trust in self.trusts:
            check = Checks(ProblemError, f"trust {trust.key!r}")
            check.key("key", trust.key)
            check.places_by_week("places", trust.places, n)
        for site in self.sites:
            check = Checks(ProblemError, f"site {site.key!r}")
            check.key("key", site.key)
            check.known("trust", site.trust, trusts, "the key of a trust in this problem")
            check.places_by_week("places", site.places, n)
            check.places_by_week("accommodation", site.accommodation, n)
            check.keys("access", site.access)
        for department in self.departments:
            check = Checks(ProblemError, f"department {department.key!r}")
            check.key("key", department.key)
            check.key("modality", department.modality)
            check.known("site", department.site, sites, "the key of a site in this problem")
            if department.key in sites:
                check.refuse("key", department.key, "different from every site's key (locks name either)")
            check.places_by_week("places", department.places, n)
            if department.wte is not None:
                check.numbers_by_week("wte", department.wte, n, MOST_WTE)
        for offer in self.offers:
            check = Checks(ProblemError, f"offer {offer.key!r}")
            check.key("key", offer.key)
            check.known(
                "department", offer.department, departments, "the key of a department in this problem"
            )
            check.keys("groups", offer.groups)
            check.keys("stages", offer.stages)
            check.places_by_week("preferred", offer.preferred, n)
            check.places_by_week("maximum", offer.maximum, n)
            if offer.preferred is None or offer.maximum is None:
                check.refuse("maximum", None, f"a list of {n} numbers, one a week")
            for i, (low, high) in enumerate(zip(offer.preferred, offer.maximum, strict=True)):
                if low > high:
                    check.refuse(f"preferred[{i}]", low, f"no more than maximum[{i}], which is {high}")

        self.educator_index  # noqa: B018 - refuses repeated keys
        for educator in self.educators:
            educator.check(departments, n)

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
                check.known("employer", learner.employer, trusts, "the key of a trust in this problem")
            check.boolean("released", learner.released)
            for name in ("excluded_sites", "preferences"):
                for i, key in enumerate(check.keys(name, getattr(learner, name))):
                    check.known(f"{name}[{i}]", key, sites, "the key of a site in this problem")
            if learner.travel_limit_minutes is not None:
                check.whole("travel_limit_minutes", learner.travel_limit_minutes, 0, 24 * 60)
            if learner.hub is not None:
                check.known("hub", learner.hub, trusts, "the key of a trust in this problem")
            check.keys("access_needs", learner.access_needs)
            check.boolean("accommodation", learner.accommodation)
            check.whole("past_minutes", learner.past_minutes, 0, 24 * 60)
            if isinstance(learner.attended, str) or not isinstance(learner.attended, tuple):
                check.refuse("attended", learner.attended, "a list of site keys")
            for i, key in enumerate(learner.attended):
                check.known(f"attended[{i}]", key, sites, "the key of a site in this problem")
            for name in ("site_repeats", "different_sites"):
                if getattr(learner, name) is not None:
                    check.whole(name, getattr(learner, name), 0, MOST_REPEATS)
        self._check_rotations()
        for requirement in self.requirements:
            check = Checks(ProblemError, f"requirement {requirement.key!r}")
            check.key("key", requirement.key)
            self._check_when(check, requirement)
            check.known("learner", requirement.learner, learners, "the key of a learner in this problem")
            if not check.keys("modalities", requirement.modalities):
                check.refuse("modalities", (), "a list of at least one modality")
            check.number("weight", requirement.weight, 0.0, 100.0)
            check.whole("priority", requirement.priority, 1, 9)
        for i, lock in enumerate(self.locks):
            check = Checks(ProblemError, f"locks[{i}]")
            check.known(
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
            check.known(
                "learner", rotation.learner, self.learner_index, "the key of a learner in this problem"
            )
            blocks = check.keys("blocks", rotation.blocks)
            if not isinstance(rotation.weeks, tuple) or len(rotation.weeks) != len(blocks) or not blocks:
                check.refuse("weeks", rotation.weeks, "a list of weeks for each of at least one block")
            for i, weeks in enumerate(rotation.weeks):
                check.weeks_of(f"weeks[{i}]", weeks, len(self.weeks))

    def _check_when(self, check: Checks, requirement: Requirement) -> None:
        if requirement.rotation is None:
            check.key("block", requirement.block)
            check.weeks_of("weeks", requirement.weeks, len(self.weeks))
            return
        expected = "the key of a rotation of the same learner"
        check.known("rotation", requirement.rotation, self.rotation_index, expected)
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
                check.known(f"learners[{i}]", key, learners, "the key of a learner in this problem")
        for agreement in self.agreements:
            check = Checks(ProblemError, f"agreement {agreement.key!r}")
            check.key("key", agreement.key)
            check.key("hei", agreement.hei)
            check.known("trust", agreement.trust, self.trust_index, "the key of a trust in this problem")
            check.whole("least", agreement.least, 0, MOST_PLACES)
            if agreement.most is not None:
                check.whole("most", agreement.most, agreement.least, MOST_PLACES)
            check.keys("groups", agreement.groups)
            check.keys("stages", agreement.stages)
        check_unique(ProblemError, "published requirement", (p.requirement for p in self.published))
        for placing in self.published:
            check = Checks(ProblemError, f"published {placing.requirement!r}")
            expected = "the key of a requirement in this problem"
            check.known("requirement", placing.requirement, self.requirement_index, expected)
            check.known("offer", placing.offer, self.offer_index, "the key of an offer in this problem")
            rotation = self.rotation_of(self.requirements[self.requirement_index[placing.requirement]])
            blocks = () if rotation is None else rotation.blocks
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
        """The problem as one JSON object with `"version": 3`; fields at their default are left out."""
        out: dict[str, Any] = {"version": VERSION, "weeks": list(self.weeks)}
        for name in self.PARTS:
            if getattr(self, name) or name not in self.OPTIONAL:
                out[name] = [dict(given(item)) for item in getattr(self, name)]
        out["travel_minutes"] = self.travel_minutes.tolist()
        return json.dumps(out, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Problem:
        """Reads what `to_json` writes, in this version or an older one (with fewer fields). Raises
        `ProblemError` for anything unknown, missing, repeated or wrong."""
        found = read_json(ProblemError, "problem", text)
        names = ["version", "weeks", *cls.PARTS, "travel_minutes"]
        check_names(ProblemError, "problem", found, names, [n for n in names if n not in cls.OPTIONAL])
        if isinstance(found["version"], bool) or found["version"] not in READABLE:
            raise ProblemError("problem", "version", found["version"], " or ".join(map(str, READABLE)))
        parts = {name: read_items(kind, name, found.get(name, [])) for name, kind in cls.PARTS.items()}
        return cls(weeks=found["weeks"], travel_minutes=found["travel_minutes"], **parts)
