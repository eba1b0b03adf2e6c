"""Why a learner has no place, with names in place of ids, as pages and lists say it."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from placements.access import Viewer
from placements.cohorts.models import Cohort, Learner
from placements.organisations.models import Department, Hei, Programme
from placements.scenarios import queries
from placements.scenarios.models import Placing, Run

# What each rule says of one site and of several that it has removed; templates/reasons/ say it at length.
RULES = {
    "modality_fit": ("does not have the modality", "do not have the modality"),
    "group_fit": (
        "does not take this learner group and stage",
        "do not take this learner group and stage",
    ),
    "exclusion": ("is to be avoided", "are to be avoided"),
    "access": ("does not meet an access need", "do not meet an access need"),
    "employer": (
        "belongs to a trust that does not employ the learner",
        "belong to trusts that do not employ the learner",
    ),
    "locks": ("is ruled out by a lock", "are ruled out by a lock"),
    "travel_limit": ("is beyond the travel limit", "are beyond the travel limit"),
    "offer_weeks": (
        "does not offer a place in every week of the block",
        "do not offer a place in every week of the block",
    ),
    "places": ("has no place left", "have no place left"),
    "supervision": (
        "has too little supervision for one learner",
        "have too little supervision for one learner",
    ),
    "one_place_a_week": (
        "clashes with another placement of the learner",
        "clash with another placement of the learner",
    ),
    "accommodation": ("has no bed left", "have no bed left"),
    "rotation": (
        "has room only in a block that the learner's rotation has filled",
        "have room only in a block that the learner's rotation has filled",
    ),
    "site_repeats": (
        "has had the learner as often as it may",
        "have had the learner as often as they may",
    ),
    "different_sites": (
        "would not be a new site for the learner",
        "would not be new sites for the learner",
    ),
    "companions": (
        "is kept free for learners who go together or apart",
        "are kept free for learners who go together or apart",
    ),
    "agreements": (
        "has as many of the HEI's learners as agreed",
        "have as many of the HEI's learners as agreed",
    ),
}
# A sentence names up to this many full departments and counts more; a page names all.
MOST_NAMED = 3


@dataclass(frozen=True)
class Refusal:
    """A rule and the sites that it removed, by name."""

    rule: str
    words: str
    sites: list[str]


@dataclass(frozen=True)
class Limit:
    """What is used up at a department: `learners` at once in `week`, the tightest; `rule` says of what."""

    learners: int
    week: date
    rule: str


@dataclass(frozen=True)
class Full:
    """A full department with its limits; none where the limit is the site's or the trust's."""

    department: Department
    limits: list[Limit]


@dataclass(frozen=True)
class Why:
    """Why a requirement is unplaced, ready to be said.

    `places`: how many learners the limits let in; `is_busy`: the learner has a placement in the same weeks.
    """

    kind: str
    sentence: str
    refusals: list[Refusal]
    full: list[Full]
    places: int
    is_busy: bool
    competing: list[Learner]
    proven: bool


def describe_reason(session: Session, viewer: Viewer, placing: Placing) -> Why | None:
    """Why a placing found no place, with names; None where it found one."""
    reason = placing.reason
    if reason is None:
        return None
    departments = queries.departments_by_id(session, reason["departments"])
    sites = queries.sites_by_id(session, {site for ids in reason["rules"].values() for site in ids})
    competing = queries.references_by_requirement(session, viewer, reason["competing"])
    limits: dict[int, list[Limit]] = defaultdict(list)
    for cap in reason["caps"]:
        if cap["level"] == "department":
            limits[int(cap["key"][1:])].append(
                Limit(cap["places"], date.fromisoformat(cap["week"]), cap.get("rule", "places"))
            )
    return Why(
        kind=reason["kind"],
        sentence=_sentence(reason, departments),
        refusals=[
            Refusal(rule, RULES[rule][len(ids) != 1], sorted(sites[key].name for key in ids if key in sites))
            for rule, ids in _by_most(reason["rules"])
        ],
        full=[
            Full(departments[key], limits.get(key, []))
            for key in sorted(departments, key=lambda key: departments[key].name)
        ],
        places=_places(reason),
        is_busy=any(cap["level"] == "learner" for cap in reason["caps"]),
        competing=sorted(competing.values(), key=lambda learner: (learner.hei.name, learner.reference)),
        proven=reason["proven"],
    )


def travel_limit_of(placing: Placing) -> int:
    """The most minutes one way that the run let the learner travel."""
    learner = placing.requirement.learner
    limit = int(json.loads(placing.run.policy)["travel_limit"][learner.travel_mode])
    return min(limit, learner.travel_limit_minutes or limit)


def sentences(session: Session, placings: Iterable[Placing]) -> dict[int, str]:
    """For each unplaced placing, by its id, the reason in one sentence."""
    return reasons_in_words(session, {row.id: row.reason for row in placings if row.reason is not None})


def reasons_in_words(session: Session, reasons: Mapping[int, dict[str, Any]]) -> dict[int, str]:
    """Each reason, as a placing keeps it, in one sentence."""
    departments = queries.departments_by_id(
        session, {key for reason in reasons.values() for key in reason["departments"]}
    )
    return {id_: _sentence(reason, departments) for id_, reason in reasons.items()}


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
        return _refused(reason["rules"])
    names = sorted(departments[key].name for key in reason["departments"] if key in departments)
    if reason["caps"] and all(cap["level"] == "learner" for cap in reason["caps"]):
        return "The learner has another placement in some of the same weeks."
    if not names and not reason["caps"]:
        return "There is room since learners were moved by hand, but nobody has moved this one there."
    competing, places = len(reason["competing"]), _places(reason)
    count = f"{competing:,} {'learner competes' if competing == 1 else 'learners compete'} for "
    count += f"{places:,} {'place' if places == 1 else 'places'}" if places else "places that are all taken"
    if not names:
        return f"Every place within reach is taken: {count}."
    if len(names) > MOST_NAMED:
        return f"Too few places: {count} in {len(names)} departments, all of them full."
    return f"Full: {_joined(names, '; ')}. {count[0].upper()}{count[1:]} there."


def _places(reason: dict[str, Any]) -> int:
    return sum(cap["places"] for cap in reason["caps"] if cap["level"] != "learner")


def _refused(rules: dict[str, list[int]]) -> str:
    sites = sum(len(ids) for ids in rules.values())
    if not sites or set(rules) == {"modality_fit"}:
        return "No site in this round has the modality."
    if sites == 1:
        ((rule, _),) = rules.items()
        return f"The only site with the modality {RULES[rule][0]}."
    if len(rules) == 1:
        ((rule, _),) = rules.items()
        return f"All {sites} sites with the modality {RULES[rule][1]}."
    parts = [f"{len(ids)} {RULES[rule][len(ids) != 1]}" for rule, ids in _by_most(rules)]
    return f"None of the {sites} sites with the modality is possible: {_joined(parts, ', ')}."


def _by_most(rules: dict[str, list[int]]) -> list[tuple[str, list[int]]]:
    return sorted(rules.items(), key=lambda item: (-len(item[1]), item[0]))


def _joined(parts: list[str], between: str) -> str:
    """a, b and c"""
    return between.join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1]
