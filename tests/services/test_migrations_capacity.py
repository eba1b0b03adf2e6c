"""Declarations of the first tables survive the step to lines, WTE and records, and the step back."""

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from placements import migrations
from placements.capacity.content import ANYONE, Content, Places
from tests.services.test_migrations import empty as empty

FIRST = "2026_11_24_first_tables"
WEEKS = [date(2027, 1, 4), date(2027, 1, 11)]
NOW = datetime(2026, 11, 24, 9, 30)  # noqa: DTZ001 - as the tables hold it, in UTC


def of_the_first_tables(connection: sa.Connection) -> None:
    """A network with a submitted and a draft declaration, as the first version of the site wrote them."""
    metadata = sa.MetaData()
    metadata.reflect(connection)

    def add(table: str, **values: Any) -> None:
        connection.execute(metadata.tables[table].insert().values(values))

    add("network", id=1, name="N", academy_name="A")
    add("icb", id=1, network_id=1, ods="Q1", name="I")
    add("trust", id=1, icb_id=1, ods="T1", name="T")
    add("site", id=1, trust_id=1, name="S", kind="acute", postcode="B1", latitude=52.0, longitude=-1.0)
    for id_, key in ((1, "xray"), (2, "ct")):
        add("modality", id=id_, key=key, name=key)
        add("department", id=id_, site_id=1, modality_id=id_)
    add(
        "person",
        id=1,
        email="p@nhs.uk",
        name="Priya Nair",
        role="practice_educator",
        trust_id=1,
        password_hash="x",
        is_active=True,
        session_key="k",
        created_utc=NOW,
        version=1,
    )
    add(
        "round",
        id=1,
        network_id=1,
        name="R",
        first_week=WEEKS[0],
        last_week=WEEKS[1],
        declare_by=date(2026, 12, 1),
        submit_by=date(2026, 12, 8),
        state="open",
        version=1,
    )
    for id_, state in ((1, "submitted"), (2, "draft")):
        add(
            "declaration",
            id=id_,
            round_id=1,
            department_id=id_,
            state=state,
            changed_utc=NOW,
            changed_by_id=1,
            saves=1,
            submitted_utc=NOW if state == "submitted" else None,
            version=3,
        )
        for index, week in enumerate(WEEKS):
            add(
                "declared_week",
                declaration_id=id_,
                week=week,
                preferred=index,
                maximum=id_ + index,
                wte=Decimal("1.50"),
            )


@pytest.fixture
def moved(empty: sa.Engine) -> sa.Engine:
    """A database with such data that was brought to the newest tables."""
    migrations.upgrade(empty, FIRST)
    with empty.begin() as connection:
        of_the_first_tables(connection)
    migrations.upgrade(empty)
    return empty


def test_what_was_submitted_is_an_approved_offer_and_what_was_a_draft_stays_one(moved: sa.Engine) -> None:
    assert migrations.differences(moved) == []
    with moved.connect() as connection:
        states = connection.execute(sa.text("SELECT id, state, version FROM declaration ORDER BY id")).all()
        assert [tuple(row) for row in states] == [(1, "approved", 3), (2, "draft", 3)]
        places = connection.execute(
            sa.text(
                "SELECT l.declaration_id, l.learner_group_id, w.week, w.preferred, w.maximum, w.surge"
                " FROM declared_week w JOIN declared_line l ON l.id = w.line_id ORDER BY 1, 3"
            ).columns(week=sa.Date)
        ).all()
        assert [tuple(row) for row in places] == [
            (id_, None, week, index, id_ + index, 0) for id_ in (1, 2) for index, week in enumerate(WEEKS)
        ]
        wte = connection.execute(
            sa.text("SELECT wte FROM declared_wte").columns(wte=sa.Numeric(5, 2))
        ).scalars()
        assert list(wte) == [Decimal("1.50")] * 4
        records = connection.execute(
            sa.text(
                "SELECT declaration_id, version, verb, by_id, by_name, content FROM declaration_record"
                " ORDER BY id"
            )
        ).all()
        assert [tuple(row[:5]) for row in records] == [
            (1, 3, "submit", 1, "Priya Nair"),
            (1, 3, "approve", 1, "Priya Nair"),
        ]
        kept = records[1].content
        content = Content.from_json(json.loads(kept) if isinstance(kept, str) else kept)
        assert content == Content(
            {ANYONE: {WEEKS[0]: Places(0, 1), WEEKS[1]: Places(1, 2)}},
            {week: Decimal("1.5") for week in WEEKS},
        )


def test_the_step_back_keeps_every_figure_that_the_first_tables_can_hold(moved: sa.Engine) -> None:
    with moved.begin() as connection:
        connection.execute(sa.text("UPDATE declaration SET state = 'returned' WHERE id = 2"))
    migrations.downgrade(moved, FIRST)
    with moved.connect() as connection:
        states = connection.execute(sa.text("SELECT id, state FROM declaration ORDER BY id")).all()
        assert [tuple(row) for row in states] == [(1, "submitted"), (2, "draft")]
        weeks = connection.execute(
            sa.text(
                "SELECT declaration_id, week, preferred, maximum, wte FROM declared_week ORDER BY 1, 2"
            ).columns(week=sa.Date, wte=sa.Numeric(5, 2))
        ).all()
        assert [tuple(row) for row in weeks] == [
            (id_, week, index, id_ + index, Decimal("1.50"))
            for id_ in (1, 2)
            for index, week in enumerate(WEEKS)
        ]
    migrations.upgrade(moved)
    assert migrations.differences(moved) == []
