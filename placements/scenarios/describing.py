"""A run's result and reasons with names in place of ids, as pages and lists say them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from placements.access import Viewer
from placements.cohorts.models import Cohort
from placements.organisations.models import Department, Hei, LearnerGroup, Programme, Stage
from placements.rounds.models import Block
from placements.scenarios import queries
from placements.scenarios.models import Placing, Run

# How each rule reads when it has removed a site; the reasons' templates say it at length.
RULES = {
    "modality_fit": "does not offer the modality",
    "group_fit": "does not take this learner group or stage",
    "exclusion": "is to be avoided",
    "employer": "is not a site of the learner's employer",
    "locks": "is ruled out by a lock",
    "travel_limit": "is beyond the travel limit",
    "offer_weeks": "has no place in every week of the block",
    "places": "has no place",
    "supervision": "has too little supervision for one learner",
}


@dataclass(frozen=True)
class Why:
    """Why a requirement is unplaced, ready to be said."""

    kind: str
    sentence: str
    rules: list[tuple[str, str, list[str]]]
    departments: list[tuple[Department, list[dict[str, Any]]]]
    competing: list[tuple[str, str]]
    proven: bool


def describe_result(session: Session, run: Run) -> dict[str, Any]:
    """The summary with names: groups, blocks, HEIs, departments; the load as a table of departments by block."""
    summary = run.summary
    heis = {str(row.id): row.name for row in session.scalars(select(Hei))}
    groups = {row.key: row.name for row in session.scalars(select(LearnerGroup))}
    stages = {
        f"{stage.learner_group.key}/{stage.key}": f"{stage.learner_group.name}, {stage.name}"
        for stage in session.scalars(select(Stage).options(joinedload(Stage.learner_group)))
    }
    blocks = {
        str(row.id): row
        for row in session.scalars(
            select(Block).where(Block.round_id == run.round_id).order_by(Block.first_week)
        )
    }
    departments = queries.departments_by_id(session, {row["department"] for row in summary["load"]})
    load: dict[int, dict[str, dict[str, Any]]] = {}
    for row in summary["load"]:
        load.setdefault(row["department"], {})[row["block"]] = row
    named = sorted(load, key=lambda key: departments[key].name if key in departments else "")
    return summary | {
        "by_group": [row | {"name": groups.get(row["key"], row["key"])} for row in summary["by_group"]],
        "by_stage": [row | {"name": stages.get(row["key"], row["key"])} for row in summary["by_stage"]],
        "by_block": [
            row | {"name": blocks[row["key"]].name} for row in summary["by_block"] if row["key"] in blocks
        ],
        "by_hei": [row | {"name": heis.get(row["key"], row["key"])} for row in summary["by_hei"]],
        "blocks": list(blocks.values()),
        "load": [(departments[key], load[key]) for key in named if key in departments],
        "worth": _named_worth(session, summary["worth"]),
    }


def describe_reason(session: Session, viewer: Viewer, placing: Placing) -> Why | None:
    """Why a placing found no place, with names; None where it found one."""
    reason = placing.reason
    if reason is None:
        return None
    departments = queries.departments_by_id(session, reason["departments"])
    sites = queries.sites_by_id(session, {site for ids in reason["rules"].values() for site in ids})
    learners = queries.references_by_requirement(session, viewer, reason["competing"])
    caps: dict[int, list[dict[str, Any]]] = {}
    for cap in reason["caps"]:
        if cap["level"] == "department":
            caps.setdefault(int(cap["key"][1:]), []).append(cap)
    return Why(
        kind=reason["kind"],
        sentence=_sentence(reason, departments),
        rules=[
            (rule, RULES[rule], sorted(sites[site].name for site in ids if site in sites))
            for rule, ids in sorted(reason["rules"].items(), key=lambda item: -len(item[1]))
        ],
        departments=[
            (departments[key], caps.get(key, [])) for key in reason["departments"] if key in departments
        ],
        competing=sorted((learner.reference, learner.hei.name) for learner in learners.values()),
        proven=reason["proven"],
    )


def sentences(session: Session, placings: Iterable[Placing]) -> dict[int, str]:
    """For each unplaced placing, by its id, the reason in one sentence."""
    unplaced = [placing for placing in placings if placing.reason is not None]
    departments = queries.departments_by_id(
        session, {key for placing in unplaced for key in (placing.reason or {})["departments"]}
    )
    return {placing.id: _sentence(placing.reason or {}, departments) for placing in unplaced}


def heis_of_run(session: Session, run: Run) -> list[Hei]:
    """The HEIs that take part in the run's round, by name."""
    return list(
        session.scalars(
            select(Hei)
            .where(
                Hei.id.in_(
                    select(Programme.hei_id)
                    .join(Cohort, Cohort.programme_id == Programme.id)
                    .where(Cohort.round_id == run.round_id)
                )
            )
            .order_by(Hei.name)
        )
    )


def _sentence(reason: dict[str, Any], departments: dict[int, Department]) -> str:
    if reason["kind"] == "rules":
        parts = [
            f"{len(ids)} {RULES[rule]}" if len(ids) == 1 else f"{len(ids)} {_plural(RULES[rule])}"
            for rule, ids in sorted(reason["rules"].items(), key=lambda item: -len(item[1]))
        ]
        if not parts:
            return "No site in this round offers the modality."
        return "No site is possible: " + ", ".join(parts) + "."
    names = [departments[key].name for key in reason["departments"] if key in departments]
    shown = "; ".join(names[:3]) + (f"; and {len(names) - 3} more" if len(names) > 3 else "")
    competing = len(reason["competing"])
    return (
        f"Full: {shown}. {competing:,} {'learner competes' if competing == 1 else 'learners compete'} there."
    )


def _plural(words: str) -> str:
    for one, many in (
        ("does not", "do not"),
        ("is not a site", "are not sites"),
        ("is ", "are "),
        ("has ", "have "),
    ):
        if words.startswith(one):
            return many + words.removeprefix(one)
    return words


def _named_worth(session: Session, worth: list[dict[str, Any]]) -> list[dict[str, Any]]:
    departments = queries.departments_by_id(
        session, {int(row["key"][1:]) for row in worth if row["level"] == "department"}
    )
    named = []
    for row in worth:
        department = departments.get(int(row["key"][1:])) if row["level"] == "department" else None
        if department is not None:
            named.append(row | {"department": department})
    return named
