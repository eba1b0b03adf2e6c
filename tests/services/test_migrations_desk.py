"""Runs of the tables before keep what they had frozen through the step to shared snapshots, and back."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from placements import migrations
from tests.services.test_migrations import empty as empty

BEFORE = "2026_11_29_cohorts_in_full"
NOW = datetime(2026, 11, 24, 9, 30)  # noqa: DTZ001 - as the tables hold it, in UTC


def of_the_tables_before(connection: sa.Connection) -> None:
    """A round with two runs over the same data, and a repair over other data."""
    metadata = sa.MetaData()
    metadata.reflect(connection)

    def add(table: str, **values: Any) -> None:
        connection.execute(metadata.tables[table].insert().values(values))

    add("network", id=1, name="N", academy_name="A")
    add(
        "round",
        id=1,
        network_id=1,
        name="R",
        first_week=date(2027, 1, 4),
        last_week=date(2027, 1, 11),
        declare_by=date(2026, 12, 1),
        submit_by=date(2026, 12, 8),
        state="open",
        needs_approval=True,
        uses_surge=False,
        reminder_days=[],
        weeks_stuck=1,
        version=1,
    )
    for id_, name in ((1, "Round's policy"), (2, "Fewest moves since the last version")):
        add("scenario", id=id_, round_id=1, name=name, policy="{}", version=1)
    for id_, scenario, data in ((1, 1, "first"), (2, 1, "first"), (3, 2, "second")):
        add(
            "run",
            id=id_,
            scenario_id=scenario,
            round_id=1,
            state="finished",
            requested_utc=NOW,
            attempts=1,
            cancel_requested=False,
            progress={},
            snapshot=data,
            snapshot_hash=data[0] * 64,
            policy="{}",
            uploaded_travel=[[id_, 0]] if id_ != 2 else [[1, 0]],
            summary={},
        )


def test_runs_keep_their_data_through_the_step_and_back(empty: sa.Engine) -> None:
    migrations.upgrade(empty, BEFORE)
    with empty.begin() as connection:
        of_the_tables_before(connection)
    migrations.upgrade(empty)
    with empty.connect() as connection:
        rows = connection.execute(
            sa.text(
                "SELECT run.id, run.kind, snapshot.problem, scenario.is_default FROM run"
                " JOIN snapshot ON snapshot.id = run.snapshot_id"
                " JOIN scenario ON scenario.id = run.scenario_id ORDER BY run.id"
            )
        ).all()
        assert [(row[0], row[1], row[2], bool(row[3])) for row in rows] == [
            (1, "match", "first", True),
            (2, "match", "first", True),
            (3, "repair", "second", False),
        ]
        assert connection.scalar(sa.text("SELECT count(*) FROM snapshot")) == 2
    migrations.downgrade(empty, BEFORE)
    with empty.connect() as connection:
        rows = connection.execute(sa.text("SELECT id, snapshot, snapshot_hash FROM run ORDER BY id")).all()
    assert [tuple(row) for row in rows] == [
        (1, "first", "f" * 64),
        (2, "first", "f" * 64),
        (3, "second", "s" * 64),
    ]
