"""A cohort file of 5,000 learners on SQLite: seconds for what an officer waits for.

make bench ARGS="cohorts"            # or python -m benchmarks.cohorts --json
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

from benchmarks import printing
from placements import create_app, migrations
from placements.access import Role, Viewer
from placements.clock import today
from placements.cohorts import mending, queries, service
from placements.cohorts.acceptance import compare
from placements.cohorts.preview import Filters, preview
from placements.cohorts.uploads import from_json, parse_cohort
from placements.cohorts.uploads_downloads import rows_csv, rows_xlsx
from placements.csv_files import csv_bytes
from placements.extensions import db
from placements.settings import Settings
from placements.spreadsheets.workbooks import Page, workbook_bytes
from tests.factories import (
    BlockFactory,
    HeiFactory,
    ModalityFactory,
    PlanLineFactory,
    ProgrammeFactory,
    RoundFactory,
    SiteFactory,
    StageFactory,
    TrustFactory,
    saved,
    viewer_as,
)

LEARNERS, SITES = 5_000, 60
POSTCODES = ("B15 2TT", "b152gw", "WV11LY", "CV2 2DX", "LE1 5WW", "NG7 2UH", "ST4 6QG", "HR1 2ER")
HEADINGS = (
    "Student ID", "Home postcode", "Travel", "Max travel", "Preference 1", "Preference 2", "Preference 3",
    "Employer", "Sites to avoid", "Start date", "Priority",
)  # fmt: skip
Row = dict[str, Any]


class Place:
    """A round that expects one cohort, and the file of it: one row in twenty has a fault."""

    def __init__(self) -> None:
        random = Random(1)
        self.round = RoundFactory()
        trust = TrustFactory(ods="RRK")
        sites = [f"{name} Hospital" for name in _names(random)]
        for number, name in enumerate(sites):
            SiteFactory(trust=trust, name=name, postcode=POSTCODES[number % len(POSTCODES)])
        self.programme = ProgrammeFactory(hei=HeiFactory())
        self.stage = StageFactory(learner_group=self.programme.learner_group)
        for month in (1, 3, 5, 7):
            block = BlockFactory(round=self.round, first_week=_monday(month), weeks=4)
            PlanLineFactory(
                block=block, programme=self.programme, stage=self.stage, modalities=[ModalityFactory()]
            )
        saved()
        self.officer: Viewer = viewer_as(Role.PLACEMENT_OFFICER, hei_id=self.programme.hei_id)
        self.rows = [
            (
                f"S{number:05}", random.choice(POSTCODES), random.choice(("car", "bus", "drives")),
                random.choice(("60", "", "1h 30")), *random.sample(sites, 3), random.choice(("RRK", "")), "",
                random.choice(("", "04/01/2027", "46391")), random.choice(("1", "2", "")),
            )
            if number % 20
            else (f"S{number:05}", "nowhere", "by sea", "", f"Hospitel {number}", *[""] * 6)
            for number in range(LEARNERS)
        ]  # fmt: skip


def _names(random: Random) -> list[str]:
    parts = ("North", "South", "East", "West", "King", "Queen", "Saint", "Good", "New", "Old")
    ends = ("field", "bridge", "ford", "ham", "ton", "wood")
    return [first + end for first in parts for end in ends][:SITES]


def _monday(month: int) -> date:
    return next(date(2027, month, day) for day in range(1, 8) if date(2027, month, day).weekday() == 0)


def measure() -> list[Row]:
    """Each thing once, in order, since each needs what the one before leaves."""
    rows: list[Row] = []

    def timed(what: str, act: Callable[[], Any]) -> Any:
        begin, cpu = time.perf_counter(), time.process_time()
        found = act()
        rows.append(
            {
                "bench": "cohorts",
                "what": what,
                "seconds": time.perf_counter() - begin,
                "cpu_s": time.process_time() - cpu,
            }
        )
        return found

    place = Place()
    written = timed("write the file as CSV", lambda: csv_bytes([HEADINGS, *place.rows]))
    book = workbook_bytes([Page("Cohort", [HEADINGS, *place.rows])])
    directory = queries.directory(db.session, place.round, place.programme.hei_id)
    for postcode in POSTCODES:
        queries.is_located(postcode)
    timed("read a CSV", lambda: parse_cohort(written, directory, today=today()))
    timed("read a workbook", lambda: parse_cohort(book, directory, today=today()))
    upload = timed(
        "receive: read and keep",
        lambda: service.receive_upload(
            place.officer,
            place.round.id,
            programme_id=place.programme.id,
            stage_id=place.stage.id,
            intake="2025",
            filename="cohort.csv",
            data=written,
            rows_at_once=LEARNERS,
        ),
    )
    parsed = timed("preview: open", lambda: from_json(upload.parsed))
    timed("preview: compare", lambda: compare(db.session, upload, parsed))
    timed("preview: rows", lambda: preview(parsed, Filters()))
    timed(
        "mend 250 rows at once",
        lambda: mending.mend_upload(
            place.officer,
            upload.id,
            version=upload.version,
            typed={(2, 1): "B15 2TT", (2, 2): "car", (2, 4): ""},
            everywhere=[(2, 1), (2, 2)],
        ),
    )
    timed("download as CSV", lambda: rows_csv(parsed))
    timed("download as a workbook", lambda: rows_xlsx(parsed))
    timed("accept", lambda: service.accept_upload(place.officer, upload.id, version=upload.version))
    return rows


def main(arguments: list[str]) -> int:
    """Ends with 1 where reading, the preview and accepting take more than 5 seconds in all."""
    parser = argparse.ArgumentParser(prog="cohorts", description=f"A file of {LEARNERS:,} learners on SQLite")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bench.sqlite'}"
        app = create_app(Settings(var=Path(folder), database_url=url, secret_key="bench", rate_limits=False))
        with app.app_context():
            migrations.upgrade(db.engine)
            rows = measure()
            app.extensions["huey"].storage.close()
            db.engine.dispose()
    if asked.json:
        for row in rows:
            print(json.dumps(row))
    else:
        lines = [[row["what"], f"{row['seconds']:.2f}", f"{row['cpu_s']:.2f}"] for row in rows]
        print(printing.table((f"a cohort of {LEARNERS:,}", "seconds", "of processor"), lines))
    waited = sum(row["cpu_s"] for row in rows if row["what"].startswith(("receive", "preview", "accept")))
    print(f"Upload, preview and accept: {waited:.1f} s of processor; at most 5 wanted.", file=sys.stderr)
    return int(waited > 5)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
