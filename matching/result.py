"""What a solve gives back: the assignment, what is proven about it, a reason for every requirement left
over."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any, get_type_hints

from matching.problem import Lock
from matching.reading import read_as
from matching.validation import ResultError, check_names, read_json

STATUSES = ("optimal", "gap", "cancelled", "infeasible_locks")
VERSION = 2
READABLE = (1, 2)


@dataclass(frozen=True)
class FullCap:
    """A limit that is used up: `level` is offer, department, site or trust; `rule` is places or supervision;
    `places` are the learners it can hold in `week` (an ISO Monday), its tightest."""

    level: str
    key: str
    week: str
    places: int
    rule: str = "places"


@dataclass(frozen=True)
class Reason:
    """Why a requirement is unplaced.

    kind "rules": every site is refused to it; `rules` gives the rule for each site of a right modality.
    kind "shortage": `competing` requirements (this one among them) can only use places under `caps`, and
    there are fewer of those places than of them; `departments` are those they compete for. `proven` says
    that the count shows it (pure flow parts); otherwise the caps are full in the best answer found.
    """

    kind: str
    rules: dict[str, str] = field(default_factory=dict)
    departments: tuple[str, ...] = ()
    competing: tuple[str, ...] = ()
    caps: tuple[FullCap, ...] = ()
    proven: bool = True


@dataclass(frozen=True)
class Tier:
    """One aim, in order: value reached, bound proven (no answer can be lower), relative gap between them."""

    name: str
    value: int
    bound: int
    gap: float


@dataclass(frozen=True)
class Price:
    """What one more place under a full cap is worth: `placed` more requirements placed, and `points` saved
    (negative where placing one more costs points). The place is needed in each of `weeks`; `week` is the
    first."""

    level: str
    key: str
    week: str
    weeks: tuple[str, ...]
    rule: str
    places: int
    placed: int
    points: float


@dataclass(frozen=True)
class Share:
    """The part of an educator's time that goes to a department in a week (an ISO Monday), in WTE."""

    educator: str
    department: str
    week: str
    wte: float


@dataclass(frozen=True)
class Conflict:
    """Pins and bans that cannot all hold: with any one of `locks` set aside the others can. `rules` are those
    that stand in the way; `pinned` the requirements that the locks leave without a place."""

    locks: tuple[Lock, ...]
    rules: tuple[str, ...]
    pinned: tuple[str, ...]


@dataclass(frozen=True)
class Stage:
    """A step of the solve and how long it took."""

    name: str
    seconds: float


@dataclass(frozen=True)
class Result:
    """A certified answer. `assignment` maps requirement keys to offer keys; absent is unplaced. `blocks`
    names the block that each placed floating requirement takes; `shares` splits the educators' time.

    `objective` is the sum of the soft tiers in thousandths of a point; `costs` are the aims (policy.TERMS)
    that the policy names, unweighted, and the four priced ones. `conflicts` explain locks that cannot hold.
    `paths` counts the independent parts solved as a flow and as an integer program.
    """

    status: str
    assignment: dict[str, str] = field(default_factory=dict)
    unplaced: dict[str, Reason] = field(default_factory=dict)
    tiers: tuple[Tier, ...] = ()
    duals: tuple[Price, ...] = ()
    objective: int = 0
    costs: dict[str, int] = field(default_factory=dict)
    paths: dict[str, int] = field(default_factory=dict)
    seed: int = 0
    seconds: float = 0.0
    stages: tuple[Stage, ...] = ()
    blocks: dict[str, str] = field(default_factory=dict)
    shares: tuple[Share, ...] = ()
    conflicts: tuple[Conflict, ...] = ()

    def to_json(self) -> str:
        """One JSON object with `"version": 2`. Each shortage is written once, in `shortages`, and named by
        its position."""
        shortages: list[dict[str, Any]] = []
        known: dict[tuple[int, int], int] = {}
        unplaced: dict[str, dict[str, Any]] = {}
        for key, reason in self.unplaced.items():
            unplaced[key] = {"kind": reason.kind, "rules": reason.rules}
            if reason.kind == "rules":
                continue
            same = (id(reason.competing), id(reason.caps))
            if same not in known:
                known[same] = len(shortages)
                row = dataclasses.asdict(reason)
                shortages.append({k: v for k, v in row.items() if k not in ("kind", "rules")})
            unplaced[key]["shortage"] = known[same]
        out = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        for name in ("tiers", "duals", "stages", "shares", "conflicts"):
            out[name] = [dataclasses.asdict(item) for item in out[name]]
        whole = {"version": VERSION, **out, "unplaced": unplaced, "shortages": shortages}
        return json.dumps(whole, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Result:
        """Reads what `to_json` writes, in this version or the one before. Raises `ResultError` for anything
        unknown, missing or of a wrong type."""
        found = read_json(ResultError, "result", text)
        hints = get_type_hints(cls)
        needed = ["version", "status", "assignment"]
        check_names(ResultError, "result", found, ["version", "shortages", *hints], needed)
        version = found.pop("version")
        if isinstance(version, bool) or version not in READABLE:
            raise ResultError("result", "version", version, " or ".join(map(str, READABLE)))
        hints = {**hints, "unplaced": dict[str, _Why], "shortages": tuple[_Shortage, ...]}
        read = {name: read_as(ResultError, "result", name, hints[name], v) for name, v in found.items()}
        if read["status"] not in STATUSES:
            raise ResultError("result", "status", read["status"], "one of " + ", ".join(STATUSES))
        shortages = read.pop("shortages", ())
        why: dict[str, _Why] = read.pop("unplaced", {})
        return cls(**read, unplaced={key: row.reason(key, shortages) for key, row in why.items()})


@dataclass(frozen=True)
class _Shortage:
    """A shortage as it is written: once for all who share it."""

    departments: tuple[str, ...]
    competing: tuple[str, ...]
    caps: tuple[FullCap, ...]
    proven: bool


@dataclass(frozen=True)
class _Why:
    """A reason as it is written: the shortage by its position."""

    kind: str
    rules: dict[str, str]
    shortage: int | None = None

    def reason(self, key: str, shortages: tuple[_Shortage, ...]) -> Reason:
        if self.shortage is None:
            return Reason(self.kind, self.rules)
        if not 0 <= self.shortage < len(shortages):
            wanted = f"a position in shortages, of which there are {len(shortages)}"
            raise ResultError(f"unplaced[{key}]", "shortage", self.shortage, wanted)
        row = shortages[self.shortage]
        return Reason(self.kind, self.rules, row.departments, row.competing, row.caps, row.proven)
