"""A run's result in words, with names in place of ids."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from placements.agreements.models import Agreement
from placements.organisations.models import Department, Hei, LearnerGroup, Stage
from placements.rounds.models import Block
from placements.scenarios import queries
from placements.scenarios.models import Run
from placements.scenarios.policy_words import tier_titles

# Supervisor load from which a department is called heavily loaded.
HEAVY_PERCENT = 90
TIERS = {
    "unplaced_pinned": "Pinned, not placed",
    "on_site_moved": "Learners who have begun and move or lose their place",
    "moved": "Published learners who move to make room",
    "agreement_shortfall": "Placements short of the least that HEIs and trusts agreed",
    "changes": "Published learners who move or lose their place",
    "cost": "Points for travel, preferences, places above preferred and supervisor load",
}
# Tiers that count requirements, learners or placements; the others are aims of the policy.
HARD = ("unplaced", "waiting", "on_site_moved", "moved", "agreement_shortfall")


@dataclass(frozen=True)
class Certificate:
    """What is proven about a result; `short` is for a cell of a table, the title where there is none."""

    title: str
    text: str
    is_proven: bool
    short: str = ""


@dataclass(frozen=True)
class TierWords:
    """An aim in words, what was reached and the least that is possible, with nothing to come before it."""

    words: str
    value: str
    bound: str
    is_proven: bool


@dataclass(frozen=True)
class Cell:
    """A department's load in a block's tightest week. `load_percent` is None where no WTE was declared."""

    placed: int
    places: int
    load_percent: int | None

    @property
    def is_full(self) -> bool:
        return 0 < self.places <= self.placed

    @property
    def is_heavy(self) -> bool:
        return self.load_percent is not None and self.load_percent >= HEAVY_PERCENT


@dataclass(frozen=True)
class AgreedLeast:
    """An agreement's least and the placings that count towards it. `elsewhere` are published in other rounds
    of the academic year, which left `least` for this one."""

    agreement: Agreement
    least: int
    placed: int

    @property
    def elsewhere(self) -> int:
        return self.agreement.least - self.least

    @property
    def is_met(self) -> bool:
        return self.placed >= self.least


@dataclass(frozen=True)
class LoadRow:
    """A department, or all of a modality, and its cells by block id."""

    name: str
    department: Department | None
    cells: dict[str, Cell]

    @property
    def is_full_somewhere(self) -> bool:
        return any(cell.is_full for cell in self.cells.values())

    @property
    def is_heavy_somewhere(self) -> bool:
        return any(cell.is_heavy for cell in self.cells.values())

    @property
    def has_room_somewhere(self) -> bool:
        return any(cell.placed < cell.places for cell in self.cells.values())

    @property
    def fullness(self) -> tuple[int, float, int]:
        """The more, the fuller: blocks in which it is full, share of places taken, most load."""
        placed = sum(cell.placed for cell in self.cells.values())
        places = sum(cell.places for cell in self.cells.values())
        return (
            sum(cell.is_full for cell in self.cells.values()),
            placed / places if places else 0.0,
            max((cell.load_percent or 0 for cell in self.cells.values()), default=0),
        )


def describe_result(session: Session, run: Run) -> dict[str, Any]:
    """The summary with names: groups, stages, blocks, HEIs; tiers, certificate and worth in words."""
    summary, aims = run.summary, tier_titles(run.policy)
    heis = {str(row.id): row.name for row in session.scalars(select(Hei))}
    groups = {row.key: row.name for row in session.scalars(select(LearnerGroup))}
    stages = list(session.scalars(select(Stage).options(joinedload(Stage.learner_group))))
    stage_names = {
        f"{row.learner_group.key}/{row.key}": f"{row.learner_group.name}, {row.name}" for row in stages
    }
    blocks = queries.blocks_of_round(session, run.round_id)
    block_names = {str(block.id): block.name for block in blocks} | {"": "Any block of a rotation"}
    return summary | {
        "by_group": _named(summary["by_group"], groups),
        "by_stage": _named(summary["by_stage"], stage_names),
        "by_block": sorted(
            _named(summary["by_block"], block_names), key=lambda row: list(block_names).index(row["key"])
        ),
        "by_hei": sorted(_named(summary["by_hei"], heis), key=lambda row: row["name"]),
        "blocks": blocks,
        "certificate": certificate(summary),
        "tiers": [_tier(tier, aims) for tier in summary["tiers"]],
        "first_priority": [
            stage_names[f"{row.learner_group.key}/{row.key}"] for row in stages if row.priority == 1
        ],
        "worth": _worth(session, summary["worth"], blocks),
        "agreements": _agreements(session, summary.get("agreements", [])),
    }


def load_by_department(session: Session, run: Run) -> list[LoadRow]:
    """The departments that offered places, the fullest first."""
    departments = queries.departments_by_id(session, {row["department"] for row in run.summary["load"]})
    cells: dict[int, dict[str, Cell]] = {}
    for row in run.summary["load"]:
        if row["department"] in departments:
            cells.setdefault(row["department"], {})[row["block"]] = Cell(
                row["placed"], row["places"], row["load_percent"]
            )
    rows = [LoadRow(departments[key].name, departments[key], found) for key, found in cells.items()]
    return sorted(rows, key=lambda row: ([-value for value in row.fullness], row.name))


def load_by_modality(rows: list[LoadRow]) -> list[LoadRow]:
    """Places taken and offered, all departments of a modality together, by the modality's name."""
    sums: dict[str, dict[str, Cell]] = {}
    for row in rows:
        if row.department is None:
            continue
        total = sums.setdefault(row.department.modality.name, {})
        for block, cell in row.cells.items():
            before = total.get(block, Cell(0, 0, None))
            total[block] = Cell(before.placed + cell.placed, before.places + cell.places, None)
    return [LoadRow(name, None, cells) for name, cells in sorted(sums.items())]


def certificate(summary: dict[str, Any]) -> Certificate:
    """What the engine and its independent check prove about a result."""
    if "repair" in summary and summary["status"] != "infeasible_locks":
        return _repair_certificate(summary)
    if summary.get("by_hand") and summary["status"] == "gap":
        return Certificate(
            "Changed by hand, and checked",
            "Every rule holds: the whole answer was checked again. The aims below say what was proven before"
            " and still holds; what the changes leave open is not proven.",
            is_proven=False,
        )
    short = sum(
        tier["value"] - tier["bound"] for tier in summary["tiers"] if tier["name"].startswith("unplaced")
    )
    agreed = sum(
        tier["value"] - tier["bound"] for tier in summary["tiers"] if tier["name"] == "agreement_shortfall"
    )
    costs = [tier for tier in summary["tiers"] if is_soft(tier["name"]) and tier["value"] > tier["bound"]]
    why = (
        "Somebody stopped the search; this is the best that it had found."
        if summary["status"] == "cancelled"
        else "The search ended, by its limits, before more was proven."
    )
    if summary["status"] == "infeasible_locks":
        return Certificate(
            "Some pinned places could not be given",
            "At least one learner is pinned to a place that the rules or the places offered do not allow."
            " The others were matched without it; the learner's own page says why.",
            is_proven=False,
        )
    if short:
        return Certificate(
            f"Not proven to be the best: at most {short:,} more could be placed",
            f"{why} The answer itself is correct and was checked.",
            is_proven=False,
            short=f"At most {short:,} more could be placed",
        )
    if agreed:
        return Certificate(
            f"Not proven to be the best: agreements may be met by up to {agreed:,} more",
            f"{why} The answer itself is correct and was checked.",
            is_proven=False,
            short=f"Proven: nobody more can be placed; agreements may be met by up to {agreed:,} more",
        )
    if costs:
        worst = max(tier["gap"] for tier in costs)
        return Certificate(
            f"Proven for the number placed; within {100 * worst:.1f}% for the rest",
            f"{why} No other answer places more learners, priority by priority. What comes after, such as the"
            f" points for travel, is at most {100 * worst:.1f}% above the least possible.",
            is_proven=False,
            short=f"Proven: nobody more can be placed; the rest is within {100 * worst:.1f}% of the best",
        )
    return Certificate(
        "Proven to be the best",
        "No other answer places more learners, priority by priority, and none that places as many has fewer"
        " points for travel, preferences and load. The answer was checked independently.",
        is_proven=True,
        short="Proven to be the best: nobody more can be placed",
    )


def _repair_certificate(summary: dict[str, Any]) -> Certificate:
    """What is proven of a repair: above all that no fewer learners need move."""
    names = [tier["name"] for tier in summary["tiers"]]
    first = summary["tiers"][: names.index("moved") + 1]
    short = [tier for tier in first if tier["value"] > tier["bound"]]
    if short:
        placing = sum(t["value"] - t["bound"] for t in short if t["name"].startswith("unplaced"))
        moves = sum(t["value"] - t["bound"] for t in short if not t["name"].startswith("unplaced"))
        could = [f"{placing:,} more could be placed"] if placing else []
        could += [f"{moves:,} fewer need move"] if moves else []
        return Certificate(
            f"Not proven to be the fewest moves: at most {' and '.join(could)}",
            "The search was stopped by its limits or by somebody. The answer is correct and was checked.",
            is_proven=False,
        )
    rest = [tier for tier in summary["tiers"][len(first) :] if tier["value"] > tier["bound"]]
    text = (
        "Nobody else who lost their place or joined late could be given one, and no answer that places as"
        " many moves fewer of the others. The answer was checked independently."
    )
    if rest:
        text += (
            " Among the answers with as few moves a slightly better one for travel and the rest may exist."
        )
    return Certificate("Proven the fewest moves", text, is_proven=True)


def short_certificate(summary: dict[str, Any]) -> str:
    """The certificate in a cell of a table."""
    found = certificate(summary)
    return found.short or found.title


def _named(rows: list[dict[str, Any]], names: dict[str, str]) -> list[dict[str, Any]]:
    return [row | {"name": names[row["key"]]} for row in rows if row["key"] in names]


def is_soft(name: str) -> bool:
    """Whether a tier is an aim of the policy, which the engine counts in thousandths of a point."""
    return not name.startswith(HARD)


def tier_words(name: str, aims: Mapping[str, str]) -> str:
    """An aim's name in words; `aims` are those of the run's policy."""
    for start, those in (("unplaced", ""), ("waiting", "were waiting before, ")):
        if (priority := name.removeprefix(f"{start}_priority_")) != name:
            return f"Priority {priority}, {those}not placed"
    return aims.get(name) or TIERS.get(name) or name.replace("_", " ").capitalize()


def _tier(tier: dict[str, Any], aims: dict[str, str]) -> TierWords:
    name = tier["name"]
    value, bound = tier["value"], tier["bound"]
    if is_soft(name):
        value, bound = round(value / 1000), round(bound / 1000)
    return TierWords(
        tier_words(name, aims),
        f"{value:,}",
        f"{bound:,}",
        is_proven=tier["value"] == tier["bound"],
    )


def _agreements(session: Session, rows: list[dict[str, int]]) -> list[AgreedLeast]:
    """What the run did with each agreement that has a least, those it falls short of most first."""
    agreements = {
        row.id: row
        for row in session.scalars(
            select(Agreement)
            .where(Agreement.id.in_([row["agreement"] for row in rows]))
            .options(
                joinedload(Agreement.hei),
                joinedload(Agreement.trust),
                joinedload(Agreement.learner_group),
                joinedload(Agreement.stage),
            )
        )
    }
    found = [AgreedLeast(agreements[row["agreement"]], row["least"], row["placed"]) for row in rows]
    return sorted(found, key=lambda row: (row.placed - row.least, row.agreement.id))


def _worth(session: Session, worth: list[dict[str, Any]], blocks: list[Block]) -> list[dict[str, Any]]:
    """Where one more place would let more be placed, with the department and the blocks that it is about."""
    here = [row for row in worth if row["level"] == "department"]
    departments = queries.departments_by_id(session, {int(row["key"][1:]) for row in here})
    named = []
    for row in here:
        department = departments.get(int(row["key"][1:]))
        if department is None:
            continue
        weeks = {date.fromisoformat(week) for week in row["weeks"]}
        names = [block.name for block in blocks if weeks & set(block.mondays())]
        named.append(row | {"department": department, "blocks": names})
    return named
