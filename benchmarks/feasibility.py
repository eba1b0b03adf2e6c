"""What is said before the match, of a regional year: 8,000 requirements, a cohort of 100 learners among them.

make bench ARGS="feasibility"                    # or python -m benchmarks.feasibility --json
python -m benchmarks.feasibility --var /tmp/var  # the page of a site's largest cohort besides

The peer is the relaxation of the same requirements over all their choices at once by HiGHS's interior points:
its bound before rounding stands beside ours.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from sqlalchemy import func, select

import matching
from benchmarks import printing
from matching.block_needs import rivals
from matching.columns import choices
from matching.eligibility import eligible_pairs
from matching.generate_year import generate_year
from matching.model import Builder
from matching.portion import Whole
from matching.program import lagrangian, relax
from matching.stop import Never
from matching.tables import Tables
from placements import create_app
from placements.access import Role
from placements.accounts.models import Person
from placements.accounts.service import viewer_of
from placements.cohorts.models import Learner
from placements.extensions import db
from placements.scenarios.feasibility import feasibility
from placements.settings import Settings

COHORT, BLOCKS = 100, 6
# Rules that the counts leave out.
UNCOUNTED = {"site_repeats": False, "different_sites": False, "companions": False, "agreements": False}
Row = dict[str, Any]
T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[T, float, float]:
    """What a piece of work gives, its seconds and those of the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    return found, time.perf_counter() - wall, time.process_time() - cpu


def relaxed(problem: matching.Problem, policy: matching.Policy) -> float:
    """The most that can be placed by the relaxation of the whole."""
    plain = policy.replace(tiers=({"travel": 1},), supervisor_load=(), above_preferred=0, **UNCOUNTED)
    tables = Tables(problem)
    eligible = eligible_pairs(tables, plain)
    model = Builder(tables, plain, choices(tables, plain, eligible, np.arange(len(eligible.offer)))).build()
    whole = Whole(model.rows, model.most, model.upper, model.names, model.extras, len(model.choices))
    cost = np.zeros(model.width)
    cost[: whole.n] = -1.0
    program = whole.portion(np.arange(whole.n), cost, whole.most, prices=False).program
    found = relax(program, Never(), 120.0)
    return float("nan") if found is None else -lagrangian(program, found.price)


def measure(size: str, var: Path | None) -> Iterator[Row]:
    """Each figure in turn."""
    problem, policy = generate_year(size, seed=1), matching.Policy()
    mine = {x.key for x in problem.learners[:COHORT]}
    keys = [r.key for r in problem.requirements if r.learner in mine]
    _, wall, cpu = timed(lambda: matching.reach(problem, policy, keys))
    yield {"what": f"reach of {len(keys)} requirements", "seconds": wall, "cpu_s": cpu}
    _, wall, cpu = timed(lambda: matching.reach(problem, policy))
    yield {"what": f"reach of all {len(problem.requirements)}", "seconds": wall, "cpu_s": cpu}
    by_block: dict[str, list[str]] = {}
    for r in problem.requirements:
        by_block.setdefault(r.block, []).append(r.key)
    for block in [block for block in by_block if block][:BLOCKS]:
        asked = by_block[block]
        needs, wall, cpu = timed(lambda asked=asked: matching.block_needs(problem, policy, asked))  # type: ignore[misc]
        most, needed = sum(n.everyone.most for n in needs), sum(n.everyone.needed for n in needs)
        row = {"what": block, "seconds": wall, "cpu_s": cpu, "most": most, "needed": needed}
        if len(needs) == 1:
            rivals = set(rivals_of(problem, policy, asked))
            alone = _only(problem, rivals)
            row["peer_bound"], row["peer_s"], _ = timed(lambda alone=alone: relaxed(alone, policy))  # type: ignore[misc]
        yield row
    if var is not None:
        yield _page(var)


def rivals_of(problem: matching.Problem, policy: matching.Policy, asked: list[str]) -> list[str]:
    tables = Tables(problem)
    mine = np.array([problem.requirement_index[key] for key in asked], np.int64)
    found = rivals(tables, eligible_pairs(tables, policy), mine)
    return [problem.requirements[r].key for r in found.tolist()]


def _only(problem: matching.Problem, keys: set[str]) -> matching.Problem:
    some = tuple(r for r in problem.requirements if r.key in keys)
    return dataclasses.replace(
        problem, requirements=some, locks=(), published=(), companions=(), agreements=()
    )


def _page(var: Path) -> Row:
    """A site's largest cohort, the second time."""
    app = create_app(
        Settings(
            var=var,
            database_url=f"sqlite:///{var.resolve()}/placements.sqlite",
            secret_key="for a benchmark only",
            rate_limits=False,
        )
    )
    with app.app_context():
        largest = select(Learner.cohort_id).group_by(Learner.cohort_id).order_by(func.count().desc())
        cohort_id = db.session.scalar(largest.limit(1)) or 0
        lead = db.session.scalar(select(Person).where(Person.role == Role.ACADEMY_LEAD.value).limit(1))
        assert lead is not None, "the site has no academy lead"
        viewer = viewer_of(lead)
        feasibility(db.session, viewer, cohort_id)
        db.session.expire_all()
        found, wall, cpu = timed(lambda: feasibility(db.session, viewer, cohort_id))
        return {"what": f"picture of {len(found.learners)} learners", "seconds": wall, "cpu_s": cpu}


def main(arguments: list[str]) -> int:
    """Prints the seconds and bounds side by side."""
    parser = argparse.ArgumentParser(prog="benchmarks.feasibility", description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--size", default="regional", help="of the year: tiny, regional ...")
    parser.add_argument("--var", type=Path, help="the folder of a site with a demo round")
    asked = parser.parse_args(arguments)
    rows = list(measure(asked.size, asked.var))
    if asked.json:
        for row in rows:
            print(json.dumps(row))
        return 0
    heads = ("what", "seconds", "of the processor", "needed", "most", "relaxed whole", "its seconds")
    lines = [
        [
            row["what"],
            printing.seconds(row["seconds"]),
            printing.seconds(row["cpu_s"]),
            row.get("needed"),
            row.get("most"),
            f"{row['peer_bound']:.2f}" if "peer_bound" in row else None,
            printing.seconds(row.get("peer_s")),
        ]
        for row in rows
    ]
    print(printing.table(heads, lines))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
