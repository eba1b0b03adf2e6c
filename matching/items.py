"""The parts of a problem: frozen, plain, and how each is read from JSON and written to it.

Units as in problem.py, which checks them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from matching.validation import MOST_WTE, Checks, ProblemError, check_names

UNREACHABLE = 65_535
MODES = ("car", "public_transport")
LOCK_KINDS = ("pin", "ban")
COMPANION_KINDS = ("together", "apart")


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
    several or remotely; the match splits it week by week.

    `supervises`: the groups and stages of learners that they may supervise, (group, None) for every stage of
    a group; empty is anybody. `most`: learners at once over all their departments, by week; None is no limit.
    """

    key: str
    departments: tuple[str, ...]
    wte: tuple[float, ...]
    supervises: tuple[tuple[str, str | None], ...] = ()
    most: tuple[int, ...] | None = None

    @property
    def limited(self) -> bool:
        """Whether they supervise some learners only, or so many at once."""
        return bool(self.supervises) or self.most is not None

    def may_supervise(self, group: str, stage: str) -> bool:
        """Whether they may supervise learners of a group and stage."""
        return not self.supervises or (group, None) in self.supervises or (group, stage) in self.supervises

    def check(self, departments: Mapping[str, int], weeks: int) -> None:
        """Raises `ProblemError` for what is wrong, among some departments and so many weeks."""
        check = Checks(ProblemError, f"educator {self.key!r}")
        check.key("key", self.key)
        if not check.keys("departments", self.departments):
            check.refuse("departments", (), "a list of at least one department")
        for i, key in enumerate(self.departments):
            check.known(f"departments[{i}]", key, departments, "the key of a department in this problem")
        check.numbers_by_week("wte", self.wte, weeks, MOST_WTE)
        check.groups_and_stages("supervises", self.supervises)
        check.places_by_week("most", self.most, weeks)


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


def given(item: Any) -> Iterator[tuple[str, Any]]:
    """The fields that differ from their default, for JSON."""
    for f in dataclasses.fields(item):
        value = getattr(item, f.name)
        if f.default is dataclasses.MISSING or value != f.default:
            yield f.name, list(value) if isinstance(value, tuple) else value


def read_items(kind: type[Any], name: str, found: object) -> tuple[Any, ...]:
    """A JSON list of one kind of part. Raises `ProblemError` naming the item and the field."""
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
