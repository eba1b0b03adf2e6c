"""What a solve gives back: the assignment, what is proven about it, a reason for every requirement left
over."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

from matching.problem import Lock
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
        """Reads what `to_json` writes, in this version or the one before. Raises `ResultError`."""
        found = read_json(ResultError, "result", text)
        names = [f.name for f in dataclasses.fields(cls)]
        check_names(
            ResultError,
            "result",
            found,
            ["version", "shortages", *names],
            ["version", "status", "assignment"],
        )
        version = found.pop("version")
        if isinstance(version, bool) or version not in READABLE:
            raise ResultError("result", "version", version, " or ".join(map(str, READABLE)))
        try:
            shortages = [_shortage(row) for row in found.pop("shortages", [])]
            rows = found.get("unplaced", {})
            found["unplaced"] = {key: _reason(row, shortages) for key, row in rows.items()}
            found["tiers"] = tuple(Tier(**row) for row in found.get("tiers", []))
            found["duals"] = tuple(
                Price(**{**row, "weeks": tuple(row["weeks"])}) for row in found.get("duals", [])
            )
            found["stages"] = tuple(Stage(**row) for row in found.get("stages", []))
            found["shares"] = tuple(Share(**row) for row in found.get("shares", []))
            found["conflicts"] = tuple(_conflict(row) for row in found.get("conflicts", []))
            result = cls(**found)
        except (TypeError, KeyError, IndexError, AttributeError) as problem:
            raise ResultError("result", "shape", str(problem), "as `to_json` writes it") from problem
        if result.status not in STATUSES:
            raise ResultError("result", "status", result.status, "one of " + ", ".join(STATUSES))
        if not isinstance(result.assignment, dict):
            raise ResultError(
                "result", "assignment", result.assignment, "an object of offer keys by requirement key"
            )
        return result


def _conflict(row: dict[str, Any]) -> Conflict:
    locks = tuple(Lock(**lock) for lock in row["locks"])
    return Conflict(locks, tuple(row["rules"]), tuple(row["pinned"]))


def _shortage(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "departments": tuple(row["departments"]),
        "competing": tuple(row["competing"]),
        "caps": tuple(FullCap(**cap) for cap in row["caps"]),
        "proven": bool(row["proven"]),
    }


def _reason(row: dict[str, Any], shortages: list[dict[str, Any]]) -> Reason:
    shared = shortages[row["shortage"]] if "shortage" in row else {}
    return Reason(row["kind"], dict(row["rules"]), **shared)
