"""Pages about a run: its departments week by week."""

import csv
import io
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient

from placements.extensions import db
from placements.organisations.models import Department
from placements.scenarios.models import Run
from tests.factories import DepartmentFactory, PersonFactory, RunFactory, SiteFactory, saved
from tests.web.pages import page, sign_in
from tests.web.test_scenarios_pages import finished

WEEKS = [(date(2027, 1, 4) + timedelta(weeks=n)).isoformat() for n in range(2)]


@pytest.fixture
def lead(client: FlaskClient) -> FlaskClient:
    sign_in(client, PersonFactory())
    return client


def kept(
    department: Department, placed: list[int], places: list[int], weight: list[int], wte: list[int]
) -> dict[str, object]:
    return {
        "department": department.id,
        "placed": placed,
        "places": places,
        "weight": weight,
        "wte": wte,
    }


@pytest.fixture
def run(lead: FlaskClient) -> Run:
    full, heavy, free = (
        DepartmentFactory(site=SiteFactory(name=f"{name} Hospital")) for name in ("Full", "Heavy", "Quiet")
    )
    made = RunFactory()
    made.by_week = {
        "weeks": WEEKS,
        "departments": [
            kept(full, [2, 1], [2, 2], [1000, 500], [2000, 2000]),
            kept(heavy, [1, 3], [4, 4], [500, 1500], [1000, 1250]),
            kept(free, [0, 1], [1, 3], [0, 500], [0, 0]),
        ],
    }
    saved()
    return made


def shown(lead: FlaskClient, run: Run, query: str = "") -> dict[str, list[str]]:
    """The table's rows by their heading, sites left out."""
    rows = page(lead.get(f"/runs/{run.id}/heat?{query}")).rows()
    return {row[0]: row[1:] for row in rows if len(row) > 1}


def test_load_and_places_by_week_with_all_departments_together(lead: FlaskClient, run: Run) -> None:
    assert shown(lead, run) == {
        "All 3 departments": ["50%", "62%"],
        "X-ray, Full Hospital: who goes there": ["50%", "25%"],
        "X-ray, Heavy Hospital: who goes there": ["50%", "120%"],
        "X-ray, Quiet Hospital: who goes there": ["0%", "?"],
    }
    assert shown(lead, run, "what=places") == {
        "All 3 departments": ["3 of 7", "5 of 9"],
        "X-ray, Full Hospital: who goes there": ["2 of 2", "1 of 2"],
        "X-ray, Heavy Hospital: who goes there": ["1 of 4", "3 of 4"],
        "X-ray, Quiet Hospital: who goes there": ["0 of 1", "1 of 3"],
    }


def test_the_colour_repeats_the_figure(lead: FlaskClient, run: Run) -> None:
    found = page(lead.get(f"/runs/{run.id}/heat"))
    (over,) = found.all("td", "placements-heat--over")
    assert "".join(over.itertext()) == "120%"
    assert found.one("div", "placements-heat-frame").get("tabindex") == "0"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("show=full", ["Full"]),
        ("show=heavy", ["Heavy"]),
        ("show=room", ["Full", "Heavy", "Quiet"]),
        ("show=nonsense&trust=x", ["Full", "Heavy", "Quiet"]),
    ],
)
def test_departments_are_filtered_by_what_some_week_is_like(
    lead: FlaskClient, run: Run, query: str, names: list[str]
) -> None:
    rows = [name for name in shown(lead, run, query) if not name.startswith("All")]
    assert rows == [f"X-ray, {name} Hospital: who goes there" for name in names]


def test_departments_are_filtered_by_trust_and_modality(lead: FlaskClient, run: Run) -> None:
    quiet = db.session.get(Department, (run.by_week or {})["departments"][2]["department"])
    assert quiet is not None
    rows = shown(lead, run, f"trust={quiet.site.trust_id}")
    assert list(rows) == ["All together", "X-ray, Quiet Hospital: who goes there"]
    found = page(lead.get(f"/runs/{run.id}/heat?trust={quiet.site.trust_id}&show=room"))
    assert (found.value("trust"), found.value("show")) == (str(quiet.site.trust_id), "room")
    assert "1 department of 3" in found.main
    nothing = page(lead.get(f"/runs/{run.id}/heat?modality=MRI"))
    assert "No department is like that" in nothing.main


def test_the_weeks_that_are_shown_are_a_file(lead: FlaskClient, run: Run) -> None:
    found = page(lead.get(f"/runs/{run.id}/heat?show=heavy"))
    response = lead.get(found.links()["Download these weeks as CSV"])
    assert response.mimetype == "text/csv"
    lines = list(csv.DictReader(io.StringIO(response.get_data().decode("utf-8-sig"))))
    assert [(line["Site"], line["Week"], line["Placed"], line["Load %"]) for line in lines] == [
        ("Heavy Hospital", WEEKS[0], "1", "50"),
        ("Heavy Hospital", WEEKS[1], "3", "120"),
    ]
    assert (lines[1]["Supervised WTE"], lines[1]["Educator WTE"]) == ("1.5", "1.25")


def test_what_the_engine_found_is_shown_week_by_week_and_can_be_counted_again(lead: FlaskClient) -> None:
    region, run = finished(learners=3, places=(1, 1))
    rows = shown(lead, run, "what=places")
    weeks = len(region.round.block_weeks())
    assert rows["All 2 departments"] == ["2 of 2"] * 4 + ["0 of 2"] * (weeks - 4)
    run.by_week = None
    saved()
    assert shown(lead, run, "what=places") == rows


def test_a_run_that_is_not_over_has_no_weeks_yet(lead: FlaskClient) -> None:
    run = RunFactory(state="running")
    saved()
    for address in (f"/runs/{run.id}/heat", f"/runs/{run.id}/heat.csv"):
        assert lead.get(address).location == f"/runs/{run.id}"
