"""Capacity of a region on SQLite: 60 sites, 228 departments, 45 weeks. Seconds for what people wait for.

make bench ARGS="capacity"            # or python -m benchmarks.capacity --json
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from benchmarks import printing
from placements import create_app, migrations
from placements.access import Role, Viewer
from placements.accounts.service import viewer_of
from placements.capacity import queries, service
from placements.capacity.board import Filters, board
from placements.capacity.content import ANYONE, Content, Places
from placements.capacity.writing import Edit
from placements.clock import now_utc
from placements.extensions import db
from placements.organisations.models import Department
from placements.rounds.models import Round
from placements.settings import Settings
from tests.factories import (
    BlockFactory,
    CohortFactory,
    DepartmentFactory,
    LearnerFactory,
    ModalityFactory,
    PersonFactory,
    PlanLineFactory,
    RequirementFactory,
    RoundFactory,
    SiteFactory,
    SupervisionWeightFactory,
    TrustFactory,
    saved,
)

TRUSTS, SITES, DEPARTMENTS, WEEKS, LEARNERS = 20, 60, 228, 45, 600
MODALITIES = ("xray", "ct", "mri", "ultrasound", "nuclear", "mammography", "fluoroscopy", "dexa")
POSTCODES = ("B15 2GW", "B9 5SS", "CV2 2DX", "WV10 0QP", "ST4 6QG", "DY1 2HQ", "WR5 1DD", "SY3 8XQ")
FIRST = date(2027, 1, 4)
Row = dict[str, Any]


class Region:
    """A round with two rounds' declarations; a trust with more departments than most."""

    def __init__(self) -> None:
        SupervisionWeightFactory(weight=Decimal("0.5"))
        modalities = [ModalityFactory(key=key) for key in MODALITIES]
        trusts = [TrustFactory() for _ in range(TRUSTS)]
        sites = [
            SiteFactory(trust=trusts[n % TRUSTS], postcode=POSTCODES[n % len(POSTCODES)])
            for n in range(SITES)
        ]
        self.departments = [
            DepartmentFactory(site=sites[n % SITES], modality=modalities[n // SITES])
            for n in range(DEPARTMENTS)
        ]
        self.rounds = [self._round(FIRST - timedelta(weeks=52)), self._round(FIRST)]
        self._cohort(modalities)
        self.lead = PersonFactory()
        self.people = {
            trust.id: PersonFactory(role=Role.PRACTICE_EDUCATOR.value, trust_id=trust.id) for trust in trusts
        }
        saved()
        self.viewers = {trust_id: viewer_of(person) for trust_id, person in self.people.items()}

    @staticmethod
    def _round(first: date) -> Round:
        round_ = RoundFactory(first_week=first, last_week=first + timedelta(weeks=WEEKS - 1))
        for n in range(5):
            BlockFactory(round=round_, first_week=first + timedelta(weeks=9 * n), weeks=9)
        return round_

    def _cohort(self, modalities: list[Any]) -> None:
        random = Random(1)
        cohort = CohortFactory(round=self.rounds[1])
        lines = [
            PlanLineFactory(
                block=block, programme=cohort.programme, stage=cohort.stage, modalities=modalities[:4]
            )
            for block in self.rounds[1].blocks
        ]
        for _ in range(LEARNERS):
            learner = LearnerFactory(cohort=cohort, postcode=random.choice(POSTCODES))
            for line in lines:
                RequirementFactory(learner=learner, plan_line=line, block=line.block)

    def save_all(self, round_: Round, most: int, version: int = 0) -> None:
        """Every department's declaration, a trust at a time as a trust may."""
        weeks = round_.block_weeks()
        round_id = round_.id
        by_trust: dict[int, list[Department]] = {}
        for department in self.departments:
            by_trust.setdefault(department.site.trust_id, []).append(department)
        ids = {trust_id: [d.id for d in departments] for trust_id, departments in by_trust.items()}
        content = Content(
            {ANYONE: {week: Places(most - 1, most, 1) for week in weeks}},
            dict.fromkeys(weeks, Decimal("2.5")),
        )
        for trust_id, departments in ids.items():
            contents = dict.fromkeys(departments, (version, content))
            service.save_declarations(self.viewers[trust_id], round_id, contents)


@contextmanager
def region() -> Iterator[Region]:
    """A region in a database of its own, with nothing declared."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/placements.sqlite"
        app = create_app(
            Settings(var=Path(folder), database_url=url, secret_key="measured", rate_limits=False)
        )
        with app.app_context():
            migrations.upgrade(db.engine)
            yield Region()
            app.extensions["huey"].storage.close()
            db.engine.dispose()


def measure(profile: str = "") -> Iterator[Row]:
    """Seconds of each thing, in the order of a round's life."""

    def timed(what: str, act: Callable[[], object]) -> Row:
        db.session.expire_all()
        profiler = cProfile.Profile() if profile and profile in what else None
        begin, cpu = time.perf_counter(), time.process_time()
        if profiler:
            profiler.runcall(act)
        else:
            act()
        seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
        db.session.rollback()
        if profiler:
            pstats.Stats(profiler).sort_stats("cumulative").print_stats(35)
        return {"bench": "capacity", "what": what, "seconds": round(seconds, 4), "cpu_s": round(cpu, 4)}

    with region() as made:
        last, round_ = made.rounds
        made.save_all(last, 3)
        lead: Viewer = viewer_of(made.lead)
        yield timed("save all 228 declarations", lambda: made.save_all(round_, 4))
        yield timed("save all again, every figure changed", lambda: made.save_all(round_, 5, version=1))
        yield timed("the board", lambda: board(db.session, lead, round_, now=now_utc(), filters=Filters()))
        department = made.departments[0]
        viewer, id_, round_id = made.viewers[department.site.trust_id], department.id, round_.id
        yield timed("a trust's grid, page and all", lambda: _page(made, round_))
        weeks = round_.block_weeks()
        version = _version(viewer, round_id, id_)
        edit = Edit(version, {f"{ANYONE}.maximum.{week}": "7" for week in weeks[:20]})
        yield timed("re-save 20 cells", lambda: service.save_cells(viewer, round_id, {id_: edit}))


def _version(viewer: Viewer, round_id: int, department_id: int) -> int:
    row = queries.declaration_of(db.session, viewer, round_id, department_id)
    return row.version if row else 0


def _page(made: Region, round_: Round) -> None:
    """The grid of the trust with most departments, asked for as a browser does."""
    from flask import current_app

    person = next(iter(made.people.values()))
    client = current_app.test_client()
    with client.session_transaction() as session:
        session["_user_id"] = f"{person.id}.{person.session_key}"
        session["_fresh"] = True
    answer = client.get(f"/rounds/{round_.id}/capacity/grid")
    if answer.status_code != 200 or b"any.maximum" not in answer.data:
        raise RuntimeError(f"the grid answered {answer.status}")


def main(arguments: list[str]) -> int:
    """Prints the seconds; ends with 1 where anything took longer than asked."""
    parser = argparse.ArgumentParser(prog="benchmarks.capacity", description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--most-seconds", type=float, default=1.0, help="for each")
    parser.add_argument("--profile", default="", help="show where the time goes of what is named so")
    asked = parser.parse_args(arguments)
    rows = list(measure(asked.profile))
    if asked.json:
        for row in rows:
            print(json.dumps(row))
    else:
        lines = [
            [row["what"], printing.seconds(row["seconds"]), printing.seconds(row["cpu_s"])] for row in rows
        ]
        heads = (f"{SITES} sites, {DEPARTMENTS} departments, {WEEKS} weeks", "seconds", "of the processor")
        print(printing.table(heads, lines))
    return int(any(row["seconds"] > asked.most_seconds for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
