"""Pages about how far the learners of a run travel."""

import csv
import io

from flask.testing import FlaskClient

from tests.factories import RunFactory, saved, summary_of
from tests.web.pages import page
from tests.web.test_map_pages import SVG, Region
from tests.web.test_map_pages import lead as lead
from tests.web.test_map_pages import region as region


def test_the_histogram_says_what_its_table_says(lead: FlaskClient, region: Region) -> None:
    found = page(lead.get(f"/runs/{region.run.id}/travel"))
    assert "4 placings: half travel 30 min or less one way, 95 of 100 travel 55 min or less" in found.main
    assert ["15 to 29", "1", "25.0%"] in found.rows()
    (picture,) = [
        e for e in found.root.iter(f"{SVG}svg") if e.get("aria-label", "").startswith("Placings by")
    ]
    assert "median 30, 95 of 100 within 55, longest 55" in picture.get("aria-label", "")
    bars = [e for e in picture.iter(f"{SVG}rect") if e.get("class") == "placements-histogram__bar"]
    assert len(bars) == 4
    listed = page(lead.get(found.links()["15 to 29"]))
    assert len(listed.rows()) == 1
    assert (listed.value("least"), listed.value("most")) == ("15", "29")


def test_the_histogram_is_filtered_and_is_a_file(lead: FlaskClient, region: Region) -> None:
    found = page(lead.get(f"/runs/{region.run.id}/travel?block={region.blocks[1].id}&mode=car"))
    assert "2 placings" in found.main
    assert found.value("block") == str(region.blocks[1].id)
    response = lead.get(found.links()["Download as CSV"])
    lines = list(csv.DictReader(io.StringIO(response.get_data().decode("utf-8-sig"))))
    assert [line["Placings"] for line in lines] == ["0", "0", "1", "1"]
    nobody = page(lead.get(f"/runs/{region.run.id}/travel?mode=public_transport"))
    assert "Nobody of those chosen was placed" in nobody.main


def test_the_result_shows_the_histogram_of_everybody(lead: FlaskClient) -> None:
    bands = [{"from": 0, "to": 14, "placings": 3}, {"from": 15, "to": 29, "placings": 1}]
    travel = {"median": 12, "p95": 20, "most": 20, "bands": bands}
    run = RunFactory(summary=summary_of(requirements=4, placed=4, learners=4, travel=travel))
    saved()
    found = page(lead.get(f"/runs/{run.id}"))
    assert ["0 to 14", "3", "75.0%"] in found.rows()
    assert found.links()["See travel by learner group, HEI or block"] == f"/runs/{run.id}/travel"


def test_a_run_that_is_not_over_has_no_travel_yet(lead: FlaskClient) -> None:
    run = RunFactory(state="running")
    saved()
    for name in ("travel", "travel.csv"):
        assert lead.get(f"/runs/{run.id}/{name}").location == f"/runs/{run.id}"
