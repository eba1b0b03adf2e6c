"""The pages of a regional round, as its academy lead opens them: the median of fifteen requests each.

make bench ARGS="desk"                     # or python -m benchmarks.desk --json
make bench ARGS="desk --keep /tmp/desk"    # keeps the round, so that the next time begins at once
make bench ARGS="desk --only map --profile"

A round of 2,000 learners, 8,000 requirements, 60 sites, 228 departments and 45 weeks on SQLite, matched by
the engine, adopted and published. A page is one line of PAGES: what it is called, whose it is, its address.
Its first request is not counted; `ms` is the median of the rest, `worst ms` the longest, `cpu ms` the median
of the processor's time, `SQL` how many statements the last one asked, `kB` its length.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from flask import Flask
from sqlalchemy import event, func, select

from benchmarks import printing
from benchmarks.capacity import POSTCODES, Region
from placements import create_app, migrations
from placements.access import Role
from placements.accounts.models import Person
from placements.accounts.service import viewer_of
from placements.allocations import service as allocations
from placements.extensions import db
from placements.geography.postcodes import locate_many
from placements.organisations.models import Department
from placements.rounds.models import Round
from placements.scenarios import service, solving
from placements.scenarios.models import Placing, Run
from placements.settings import Settings
from tests.factories import (
    CohortFactory,
    DeclarationFactory,
    HeiFactory,
    LearnerFactory,
    PlanLineFactory,
    ProgrammeFactory,
    RequirementFactory,
    StageFactory,
    saved,
)

LEARNERS, HEIS, REQUESTS = 2_000, 8, 15
TARGET_MS = 500
# Where learners live: towns of the region, by a postcode of each.
HOMES = (
    *POSTCODES,
    "B74 2NH",
    "B90 3AG",
    "CV11 5TT",
    "WS1 2AB",
    "WS11 0AA",
    "DE14 1AA",
    "ST16 2AA",
    "TF1 1AA",
)
HOMES += ("HR1 2ER", "WR9 8DY", "B98 8AA", "DY10 1AA", "CV31 1AA", "CV21 1AA", "B71 4HJ", "WV1 1AA")


class RegionalDesk(Region):
    """The region with a whole year's learners, each in four of five blocks, and places for most of them."""

    def declare(self, round_: Round) -> None:
        """Approved declarations of unlike departments, whose sites lie in and round the learners' towns."""
        random = Random(2)
        towns = list(locate_many(HOMES).values())
        for n, at in enumerate(
            {department.site_id: department.site for department in self.departments}.values()
        ):
            town = towns[n % len(towns)]
            at.latitude = town.latitude + random.gauss(0, 0.02)
            at.longitude = town.longitude + random.gauss(0, 0.03)
        for department in self.departments:
            most = random.randint(5, 12)
            DeclarationFactory(
                round=round_,
                department=department,
                preferred=most - 2,
                maximum=most,
                each_wte=Decimal(most) * Decimal("0.55"),
            )
        saved()

    def _cohort(self, modalities: list[Any]) -> None:
        random = Random(1)
        round_ = self.rounds[1]
        stages, turn = [StageFactory() for _ in range(2)], 0
        for _ in range(HEIS):
            hei = HeiFactory()
            programme = ProgrammeFactory(hei=hei)
            for stage in stages:
                cohort = CohortFactory(round=round_, programme=programme, stage=stage)
                lines = [
                    PlanLineFactory(
                        block=block,
                        programme=programme,
                        stage=stage,
                        modalities=[modalities[(n + turn) % 4]],
                    )
                    for n, block in enumerate(round_.blocks[:4])
                ]
                turn += 1
                for _ in range(LEARNERS // (HEIS * len(stages))):
                    learner = LearnerFactory(cohort=cohort, postcode=random.choice(HOMES))
                    for line in lines:
                        RequirementFactory(learner=learner, plan_line=line, block=line.block)


@dataclass(frozen=True)
class Desk:
    """The ids that addresses are made of."""

    round_id: int
    run_id: int
    site_id: int
    placing_id: int
    unplaced_id: int


@dataclass(frozen=True)
class Page:
    name: str
    role: Role
    address: Callable[[Desk], str]


LEAD = Role.ACADEMY_LEAD
# Add a line for a page of a part of your own.
PAGES = (
    Page("rounds", LEAD, lambda desk: "/rounds/"),
    Page("round", LEAD, lambda desk: f"/rounds/{desk.round_id}"),
    Page("runs", LEAD, lambda desk: f"/rounds/{desk.round_id}/runs"),
    Page("result", LEAD, lambda desk: f"/runs/{desk.run_id}"),
    Page("load by block", LEAD, lambda desk: f"/runs/{desk.run_id}/load"),
    Page("heat map", LEAD, lambda desk: f"/runs/{desk.run_id}/heat"),
    Page("heat map, places", LEAD, lambda desk: f"/runs/{desk.run_id}/heat?what=places&show=room"),
    Page("map", LEAD, lambda desk: f"/runs/{desk.run_id}/map"),
    Page("map, one site", LEAD, lambda desk: f"/runs/{desk.run_id}/map?site={desk.site_id}"),
    Page("placings", LEAD, lambda desk: f"/runs/{desk.run_id}/placings"),
    Page(
        "placings, page 80 by place", LEAD, lambda desk: f"/runs/{desk.run_id}/placings?page=80&sort=-place"
    ),
    Page("placings, moved", LEAD, lambda desk: f"/runs/{desk.run_id}/placings?change=moved"),
    Page("placing", LEAD, lambda desk: f"/placings/{desk.placing_id}"),
    Page("placing, none", LEAD, lambda desk: f"/placings/{desk.unplaced_id}"),
    Page("publications", LEAD, lambda desk: f"/rounds/{desk.round_id}/publications"),
)


@contextmanager
def site(keep: Path | None) -> Iterator[Flask]:
    """The application over a matched and published regional round, made now unless it was kept."""
    with tempfile.TemporaryDirectory() as folder:
        var = keep or Path(folder)
        var.mkdir(parents=True, exist_ok=True)
        is_there = (var / "made").exists()
        if not is_there and keep:
            shutil.rmtree(var)
            var.mkdir()
        app = create_app(
            Settings(
                var=var,
                database_url=f"sqlite:///{var}/placements.sqlite",
                secret_key="measured",
                rate_limits=False,
            )
        )
        with app.app_context():
            if not is_there:
                migrations.upgrade(db.engine)
                _make()
                (var / "made").touch()
            yield app
            app.extensions["huey"].storage.close()
            db.engine.dispose()


def _make() -> None:
    begin = time.perf_counter()

    def say(what: str) -> None:
        print(f"{time.perf_counter() - begin:6.0f} s  {what}", file=sys.stderr, flush=True)

    made = RegionalDesk()
    round_ = made.rounds[1]
    made.declare(round_)
    say("learners and declarations")
    lead = viewer_of(made.lead)
    run_id = service.start_run(lead, round_.id).id
    solving.perform_run(run_id)
    db.session.expire_all()
    run = db.session.get_one(Run, run_id)
    if run.state != "finished":
        raise RuntimeError(f"the run is {run.state}: {run.message}")
    say(f"matched: {run.summary['placed']:,} of {run.summary['requirements']:,}")
    allocations.adopt_run(lead, run_id)
    db.session.expire_all()
    allocations.publish_round(lead, run.round_id, version=run.round.version)
    say("published")


def _desk() -> Desk:
    run = db.session.scalars(select(Run).where(Run.state == "finished").order_by(Run.id)).first()
    if run is None:
        raise RuntimeError("there is no finished run")
    of_run = select(func.min(Placing.id)).where(Placing.run_id == run.id)
    placed = db.session.scalar(of_run.where(Placing.department_id.is_not(None))) or 0
    return Desk(
        round_id=run.round_id,
        run_id=run.id,
        site_id=db.session.scalars(select(Department.site_id)).first() or 0,
        placing_id=placed,
        unplaced_id=db.session.scalar(of_run.where(Placing.department_id.is_(None))) or placed,
    )


def measure(app: Flask, only: str, *, profile: bool) -> Iterator[dict[str, Any]]:
    """A row a page."""
    desk = _desk()
    people = {
        role: db.session.scalars(select(Person).where(Person.role == role.value)).first()
        for role in {page.role for page in PAGES}
    }
    for page in PAGES:
        if only not in page.name:
            continue
        person = people[page.role]
        if person is None:
            raise RuntimeError(f"nobody is {page.role}")
        client = app.test_client()
        with client.session_transaction() as session:
            session["_user_id"], session["_fresh"] = f"{person.id}.{person.session_key}", True
        yield {"bench": "desk", "page": page.name, **_ask(client, page.address(desk), profile=profile)}


def _ask(client: Any, address: str, *, profile: bool) -> dict[str, Any]:
    times, processor = list[float](), list[float]()
    asked: list[str] = []

    def ask(*arguments: Any) -> None:
        asked.append(arguments[2])

    event.listen(db.engine, "before_cursor_execute", ask)
    try:
        for _ in range(REQUESTS + 1):
            asked.clear()
            db.session.rollback()
            begin, cpu = time.perf_counter(), time.process_time()
            answer = client.get(address)
            times.append(time.perf_counter() - begin)
            processor.append(time.process_time() - cpu)
            if answer.status_code != 200:
                raise RuntimeError(f"{address} answered {answer.status}")
        statements = len(asked)
        if profile:
            profiler = cProfile.Profile()
            profiler.runcall(client.get, address)
            pstats.Stats(profiler).sort_stats("cumulative").print_stats(45)
    finally:
        event.remove(db.engine, "before_cursor_execute", ask)
    return {
        "ms": round(1000 * statistics.median(times[1:])),
        "worst_ms": round(1000 * max(times[1:])),
        "cpu_ms": round(1000 * statistics.median(processor[1:])),
        "first_ms": round(1000 * times[0]),
        "statements": statements,
        "kb": round(len(answer.data) / 1000),
    }


def main(arguments: list[str]) -> int:
    """Prints the pages; ends with 1 where a median is beyond the target."""
    parser = argparse.ArgumentParser(prog="benchmarks.desk", description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--keep", type=Path, help="a folder to keep the round in, and to find it again")
    parser.add_argument("--only", default="", help="pages whose name has this in it")
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    asked = parser.parse_args(arguments)
    with site(asked.keep) as app:
        rows = list(measure(app, asked.only, profile=asked.profile))
    if asked.json:
        for row in rows:
            print(json.dumps(row))
    else:
        heads = ("page", "ms", "worst ms", "cpu ms", "first ms", "SQL", "kB")
        print(printing.table(heads, [list(row.values())[1:] for row in rows]))
    return int(any(row["ms"] > TARGET_MS for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
