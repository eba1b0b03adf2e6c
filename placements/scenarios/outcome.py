"""From the engine's verified `Result` to placings with reasons, and to the figures on a run's page."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

import matching
from placements.scenarios.frozen import problem_of_run
from placements.scenarios.models import Placing, Run
from placements.scenarios.weekly import Weekly

# Travel is shown in bands of this many minutes.
BAND_MINUTES = 15


def record(
    session: Session, run: Run, problem: matching.Problem, policy: matching.Policy, result: matching.Result
) -> None:
    """Write the placings and the summary of a run whose result the checker has passed; the caller commits."""
    run.result = result.to_json()
    uploaded = {(learner, site) for learner, site in run.snapshot.uploaded_travel}
    view = _View(problem, result)
    for requirement in problem.requirements:
        key = requirement.key
        site = view.site_of.get(key)
        learner = problem.learner_index[requirement.learner]
        block = result.blocks.get(key) or requirement.block
        placing = Placing(run_id=run.id, requirement_id=row_id(key), block_id=int(block) if block else None)
        if site is None:
            placing.reason = reason_as_rows(problem, result.unplaced[key])
        else:
            ranked = problem.learners[learner].preferences
            placing.department_id = row_id(view.department_of[key])
            placing.travel_minutes = int(problem.travel_minutes[learner, problem.site_index[site]])
            placing.travel_is_estimated = (learner, problem.site_index[site]) not in uploaded
            placing.preference_rank = ranked.index(site) + 1 if site in ranked else None
        session.add(placing)
    weekly = Weekly(problem, result)
    run.summary = summarise(problem, policy, result, view, weekly)
    run.by_week = weekly.as_kept()


def row_id(key: str) -> int:
    """The database's id behind an engine key such as r12 or d3."""
    return int(key[1:])


def reason_as_rows(problem: matching.Problem, reason: matching.Reason) -> dict[str, Any]:
    """A reason with database ids for the engine's keys; `rules` maps a rule to the sites that it removed."""
    rules: dict[str, list[int]] = defaultdict(list)
    for site, rule in reason.rules.items():
        rules[rule].append(row_id(site))
    return {
        "kind": reason.kind,
        "rules": dict(rules),
        "departments": [row_id(key) for key in reason.departments],
        "competing": [row_id(key) for key in reason.competing],
        "caps": [_at_department(problem, asdict(cap)) for cap in reason.caps],
        "proven": reason.proven,
    }


def _at_department(problem: matching.Problem, cap: dict[str, Any]) -> dict[str, Any]:
    """The same limit, said of the department where the engine says it of the department's only offer."""
    if cap["level"] == "offer":
        department = problem.offers[problem.offer_index[cap["key"]]].department
        return cap | {"level": "department", "key": department}
    return cap


class _View:
    """Where each placed requirement went, by engine key."""

    def __init__(self, problem: matching.Problem, result: matching.Result) -> None:
        offers, departments = problem.offer_index, problem.department_index
        self.department_of = {
            key: problem.offers[offers[offer]].department for key, offer in result.assignment.items()
        }
        self.site_of = {
            key: problem.departments[departments[department]].site
            for key, department in self.department_of.items()
        }


def by_week_of_run(run: Run) -> dict[str, Any]:
    """What a finished run keeps week by week; counted anew for one that was recorded before it was kept."""
    if run.by_week is None:
        return Weekly(problem_of_run(run), matching.Result.from_json(run.result or "")).as_kept()
    return run.by_week


def summarise(
    problem: matching.Problem,
    policy: matching.Policy,
    result: matching.Result,
    view: _View,
    weekly: Weekly,
) -> dict[str, Any]:
    """Counts, travel and load, all from the snapshot and the verified result; minutes, learners and WTE."""
    learners = [problem.learners[problem.learner_index[r.learner]] for r in problem.requirements]
    travel = np.array(
        [
            problem.travel_minutes[problem.learner_index[r.learner], problem.site_index[view.site_of[r.key]]]
            for r in problem.requirements
            if r.key in view.site_of
        ],
        dtype=float,
    )
    return {
        "status": result.status,
        "requirements": len(problem.requirements),
        "placed": len(result.assignment),
        "learners": len(problem.learners),
        "learners_with_every_place": _learners_with_every_place(problem, result),
        "by_group": _share(result, problem, [learner.group for learner in learners]),
        "by_stage": _share(result, problem, [f"{x.group}/{x.stage}" for x in learners]),
        # What floats and found no block is counted under none.
        "by_block": _share(
            result, problem, [result.blocks.get(r.key) or r.block for r in problem.requirements]
        ),
        "by_hei": _share(result, problem, [learner.hei for learner in learners]),
        "by_priority": _share(result, problem, [str(r.priority) for r in problem.requirements]),
        "travel": _travel(travel),
        "preferences": _preferences(problem, view),
        "load": _load(weekly),
        "reasons": _reasons(result),
        "tiers": [asdict(tier) for tier in result.tiers],
        "conflicts": _conflicts(result),
        "worth": _worth(problem, result),
        "agreements": _agreements(problem, view) if policy.agreements else [],
        "seconds": round(result.seconds, 2),
        "seed": policy.seed,
    }


def _learners_with_every_place(problem: matching.Problem, result: matching.Result) -> int:
    missing = {r.learner for r in problem.requirements if r.key not in result.assignment}
    needing = {r.learner for r in problem.requirements}
    return len(needing - missing)


def _share(result: matching.Result, problem: matching.Problem, labels: list[str]) -> list[dict[str, Any]]:
    needed = Counter(labels)
    placed = Counter(
        label
        for label, requirement in zip(labels, problem.requirements, strict=True)
        if requirement.key in result.assignment
    )
    return [{"key": key, "needed": needed[key], "placed": placed[key]} for key in sorted(needed)]


def _travel(minutes: np.ndarray) -> dict[str, Any]:
    if not minutes.size:
        return {"median": None, "p95": None, "most": None, "bands": []}
    bands = Counter(int(value) // BAND_MINUTES for value in minutes)
    return {
        "median": int(np.median(minutes)),
        "p95": int(np.percentile(minutes, 95, method="higher")),
        "most": int(minutes.max()),
        "bands": [
            {"from": band * BAND_MINUTES, "to": (band + 1) * BAND_MINUTES - 1, "placings": bands[band]}
            for band in range(max(bands) + 1)
        ],
    }


def _preferences(problem: matching.Problem, view: _View) -> dict[str, int]:
    """Placed requirements of learners who ranked sites: by the rank that they got."""
    found: Counter[str] = Counter()
    for requirement in problem.requirements:
        ranked = problem.learners[problem.learner_index[requirement.learner]].preferences
        site = view.site_of.get(requirement.key)
        if site is None or not ranked:
            continue
        rank = ranked.index(site) + 1 if site in ranked else 0
        found[
            "first" if rank == 1 else "second_or_third" if rank in (2, 3) else "later" if rank else "unlisted"
        ] += 1
    return {key: found[key] for key in ("first", "second_or_third", "later", "unlisted")}


def _load(weekly: Weekly) -> list[dict[str, Any]]:
    """By department and block: learners placed, places offered, and supervisor load, in the tightest week."""
    problem, result = weekly.problem, weekly.result
    weeks_of_block: dict[str, set[int]] = defaultdict(set)
    for requirement in problem.requirements:
        block = result.blocks.get(requirement.key) or requirement.block
        if block:
            weeks_of_block[block].update(weekly.weeks_of(requirement))
    blocks = [(block, sorted(weeks)) for block, weeks in sorted(weeks_of_block.items())]
    rows = []
    for row in weekly.offering:
        for block, weeks in blocks:
            wte = weekly.wte[row, weeks]
            loads = weekly.weight[row, weeks][wte > 0] / wte[wte > 0]
            rows.append(
                {
                    "department": row_id(problem.departments[row].key),
                    "block": block,
                    "placed": int(weekly.placed[row, weeks].max()),
                    "places": int(weekly.places[row, weeks].min()),
                    "load_percent": round(100 * float(loads.max())) if loads.size else None,
                }
            )
    return rows


def _agreements(problem: matching.Problem, view: _View) -> list[dict[str, int]]:
    """Of each agreement with a least, by its id: the least that was left for this round, and the placings."""
    trust_of = {site.key: site.trust for site in problem.sites}
    placed = Counter(
        (learner.hei, trust_of[view.site_of[requirement.key]], learner.group, learner.stage)
        for requirement in problem.requirements
        if requirement.key in view.site_of
        for learner in (problem.learners[problem.learner_index[requirement.learner]],)
    )
    return [
        {
            "agreement": row_id(agreement.key),
            "least": agreement.least,
            "placed": sum(
                number
                for (hei, trust, group, stage), number in placed.items()
                if (hei, trust) == (agreement.hei, agreement.trust)
                and (not agreement.groups or group in agreement.groups)
                and (not agreement.stages or stage in agreement.stages)
            ),
        }
        for agreement in problem.agreements
        if agreement.least
    ]


def _conflicts(result: matching.Result) -> list[dict[str, Any]]:
    """Locks that cannot all hold, with ids for the engine's keys."""
    return [
        {
            "locks": [
                {
                    "requirement": row_id(lock.requirement),
                    "level": "site" if lock.site_or_department.startswith("s") else "department",
                    "place": row_id(lock.site_or_department),
                    "kind": lock.kind,
                }
                for lock in conflict.locks
            ],
            "rules": list(conflict.rules),
            "pinned": [row_id(key) for key in conflict.pinned],
        }
        for conflict in result.conflicts
    ]


def _reasons(result: matching.Result) -> dict[str, int]:
    """How many are unplaced because places ran out, and how many because the rules left them no site."""
    return dict(Counter(reason.kind for reason in result.unplaced.values()))


def _worth(problem: matching.Problem, result: matching.Result) -> list[dict[str, Any]]:
    """Where one more place would place one more learner, the kindest in travel and preferences first."""
    prices = [_at_department(problem, asdict(price)) for price in result.duals if price.placed > 0]
    return sorted(prices, key=lambda price: (-price["placed"], -price["points"], price["key"]))[:20]
