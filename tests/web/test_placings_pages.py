"""The list of a run's placings: every filter, every order, and the files of what is shown."""

import csv
import io
from typing import Any

import pytest
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from placements.cohorts.models import Learner, LearnerPreference
from placements.extensions import db
from placements.scenarios import listing, routes_placings
from placements.scenarios.models import Placing
from placements.scenarios.published import Standing
from tests.factories import saved
from tests.web.pages import Page, page
from tests.web.test_map_pages import Region
from tests.web.test_map_pages import lead as lead
from tests.web.test_map_pages import region as region


@pytest.fixture
def named(region: Region) -> list[Placing]:
    """The region's placings in order; their learners are A to E."""
    rows = list(db.session.scalars(select(Placing).order_by(Placing.id)))
    for row, letter in zip(rows, "ABCDE", strict=True):
        row.requirement.learner.reference = letter
    saved()
    return rows


def look(lead: FlaskClient, region: Region, query: str = "") -> Page:
    return page(lead.get(f"/runs/{region.run.id}/placings?{query}"))


def letters(found: Page) -> str:
    return "".join(row[0].removeprefix("Learner ")[0] for row in found.rows())


def test_placings_are_filtered_by_everything_that_is_known_of_them(
    lead: FlaskClient, region: Region, named: list[Placing]
) -> None:
    first, second = region.blocks
    cohort = named[4].requirement.learner.cohort
    for query, who in {
        "": "ABCDE",
        "show=unplaced": "E",
        f"block={first.id}": "AB",
        f"hei={region.heis[1].id}": "CDE",
        f"group={cohort.programme.learner_group_id}": "CDE",
        f"stage={cohort.stage_id}&show=placed": "CD",
        f"trust={region.small.site.trust_id}": "D",
        f"site={region.large.site_id}": "ABC",
        f"department={region.large.id}&block={second.id}": "C",
        "least=20": "BCD",
        "most=20": "AB",
        "least=11&most=50": "BC",
        "reference=c": "C",
        "least=x&show=nonsense&stage=&wish=%00&sort=upwards": "ABCDE",
    }.items():
        found = look(lead, region, query)
        assert letters(found) == who, query
    filtered = look(lead, region, f"department={region.large.id}&least=20")
    assert "2 placings in X-ray, Large Hospital" in filtered.main
    assert filtered.value("least") == "20"
    assert filtered.one("details", "placements-filter__more").get("open") is not None
    assert look(lead, region).one("details", "placements-filter__more").get("open") is None
    assert "No placing is like that" in look(lead, region, "least=56").main


def test_placings_are_filtered_by_the_preference_that_is_met(
    lead: FlaskClient, region: Region, named: list[Placing]
) -> None:
    for row, rank in zip(named, (1, 3, 4, None, None), strict=True):
        row.preference_rank = rank
    for row in named[3:]:
        learner: Learner = row.requirement.learner
        learner.preferences = [LearnerPreference(rank=1, site_id=region.large.site_id)]
    saved()
    for wish, who in {"first": "A", "three": "AB", "listed": "ABC", "unlisted": "D"}.items():
        assert letters(look(lead, region, f"wish={wish}")) == who, wish


def test_placings_are_filtered_by_what_they_do_to_the_publication(
    lead: FlaskClient, region: Region, named: list[Placing], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Since publication" not in look(lead, region).main
    first = region.blocks[0].first_week
    standing = {
        named[0].requirement_id: Standing(region.large.id, first),
        named[1].requirement_id: Standing(region.small.id, first),
        named[4].requirement_id: Standing(region.small.id, first),
    }
    for module in (listing, routes_placings):
        monkeypatch.setattr(module, "published_places", lambda session, round_id: standing)
    for change, who in {"kept": "A", "moved": "BE", "new": "CD"}.items():
        found = look(lead, region, f"change={change}")
        assert letters(found) == who, change
        assert found.value("change") == change
    response = lead.get(f"/runs/{region.run.id}/placings.csv?change=moved")
    lines = list(csv.DictReader(io.StringIO(response.get_data().decode("utf-8-sig"))))
    assert {line["Since publication"] for line in lines} == {"Moved or lost the place"}


def test_a_floating_placement_has_moved_too_when_its_block_has() -> None:
    from datetime import date

    stands = Standing(7, date(2027, 1, 4))
    later = date(2027, 2, 1)
    assert listing.change_of(7, later, floats=True, stands=stands) == "moved"
    assert listing.change_of(7, later, floats=False, stands=stands) == "kept"
    assert listing.change_of(None, None, floats=False, stands=stands) == "moved"
    assert listing.change_of(7, later, floats=True, stands=None) == "new"


@pytest.mark.parametrize(
    ("sort", "who"),
    [
        ("learner", "ABCDE"),
        ("-learner", "EDCBA"),
        ("travel", "ABCDE"),
        ("-travel", "DCBAE"),
        ("-place", "DABCE"),
        ("-block", "CDEAB"),
    ],
)
def test_placings_are_ordered_by_the_address_and_who_has_none_comes_last(
    lead: FlaskClient, region: Region, named: list[Placing], sort: str, who: str
) -> None:
    found = look(lead, region, f"sort={sort}")
    assert letters(found) == who
    heads = {th.get("aria-sort") for th in found.all("th") if th.get("aria-sort")}
    assert heads == {"none", "descending" if sort.startswith("-") else "ascending"}
    assert found.value("sort") == ("" if sort == listing.USUAL else sort)


def test_what_is_shown_is_a_csv_and_a_workbook(
    lead: FlaskClient, region: Region, named: list[Placing]
) -> None:
    found = look(lead, region, "least=20&sort=-travel")
    links = {words.split(" ")[0]: address for words, address in found.links().items() if "of the" in words}
    response = lead.get(links["CSV"])
    lines = list(csv.DictReader(io.StringIO(response.get_data().decode("utf-8-sig"))))
    assert [(line["Learner"], line["Minutes one way"]) for line in lines] == [
        ("D", "55"),
        ("C", "40"),
        ("B", "20"),
    ]
    assert lines[0]["Department"] == "CT"
    assert lines[0]["Learner group"] == "Sonography"
    assert lines[0]["Block"] == "Second"
    book = CalamineWorkbook.from_filelike(io.BytesIO(lead.get(links["Excel"]).get_data()))
    rows: list[Any] = book.get_sheet_by_index(0).to_python()
    assert [row[0] for row in rows] == ["Learner", "D", "C", "B"]
    unplaced = lead.get(f"/runs/{region.run.id}/placings.csv?show=unplaced").get_data().decode("utf-8-sig")
    (line,) = csv.DictReader(io.StringIO(unplaced))
    assert line["Why not placed"] == "No site in this round has the modality."
