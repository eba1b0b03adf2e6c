"""Pages about a run: the map of its sites and journeys, and the same facts as tables and files."""

import csv
import io
from dataclasses import dataclass
from datetime import timedelta
from xml.etree.ElementTree import Element

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from placements.extensions import db
from placements.geography.postcodes import Point
from placements.organisations.models import Department, Hei
from placements.rounds.models import Block
from placements.scenarios import drawing
from placements.scenarios.models import Run
from tests.factories import (
    BlockFactory,
    CohortFactory,
    DepartmentFactory,
    LearnerFactory,
    LearnerGroupFactory,
    ModalityFactory,
    PersonFactory,
    PlacingFactory,
    ProgrammeFactory,
    RequirementFactory,
    RoundFactory,
    RunFactory,
    SiteFactory,
    StageFactory,
    saved,
)
from tests.web.pages import Page, page, sign_in

SVG = "{http://www.w3.org/2000/svg}"
NOWHERE = {"kind": "rules", "rules": {}, "departments": [], "competing": [], "caps": [], "proven": True}


@pytest.fixture
def lead(client: FlaskClient) -> FlaskClient:
    sign_in(client, PersonFactory())
    return client


@dataclass
class Region:
    """Learners of two HEIs and groups: two from B15 and one from CV2 at the large site, one from B15 at the
    small one, one from WV10 nowhere."""

    run: Run
    blocks: list[Block]
    large: Department
    small: Department
    heis: list[Hei]


@pytest.fixture
def region(lead: FlaskClient) -> Region:
    round_ = RoundFactory()
    first = BlockFactory(round=round_, name="First", weeks=1)
    second = BlockFactory(
        round=round_, name="Second", first_week=round_.first_week + timedelta(weeks=1), weeks=1
    )
    large = DepartmentFactory(
        site=SiteFactory(name="Large Hospital", postcode="B15 2GW", latitude=52.452, longitude=-1.943)
    )
    small = DepartmentFactory(
        modality=ModalityFactory(key="ct", name="CT"),
        site=SiteFactory(name="Small Hospital", postcode="CV2 2DX", latitude=52.421, longitude=-1.439),
    )
    run = RunFactory(round=round_)
    cohorts = []
    for key in ("radiography", "sonography"):
        group = LearnerGroupFactory(key=f"map-{key}", name=key.capitalize())
        cohorts.append(
            CohortFactory(
                round=round_,
                programme=ProgrammeFactory(learner_group=group),
                stage=StageFactory(learner_group=group),
            )
        )
    for cohort, postcode, block, department, minutes in (
        (cohorts[0], "B15 2TT", first, large, 10),
        (cohorts[0], "B15 2TT", first, large, 20),
        (cohorts[1], "CV2 2DX", second, large, 40),
        (cohorts[1], "B15 2TT", second, small, 55),
        (cohorts[1], "WV10 0QP", second, None, None),
    ):
        learner = LearnerFactory(cohort=cohort, postcode=postcode, term_postcode=None)
        PlacingFactory(
            run=run,
            requirement=RequirementFactory(learner=learner, block=block),
            block=block,
            department=department,
            travel_minutes=minutes,
            reason=None if department else NOWHERE,
        )
    saved()
    run.by_week = {
        "weeks": [first.first_week.isoformat(), second.first_week.isoformat()],
        "departments": [
            {
                "department": large.id,
                "placed": [2, 1],
                "places": [4, 2],
                "weight": [1000, 500],
                "wte": [2000, 500],
            },
            {
                "department": small.id,
                "placed": [0, 1],
                "places": [1, 1],
                "weight": [0, 500],
                "wte": [0, 0],
            },
        ],
    }
    saved()
    return Region(run, [first, second], large, small, [cohort.programme.hei for cohort in cohorts])


def look(lead: FlaskClient, region: Region, query: str = "") -> Page:
    return page(lead.get(f"/runs/{region.run.id}/map?{query}"))


def circles(found: Page, class_: str = "placements-map__site") -> dict[str, Element]:
    """The drawn sites by what is read out of them."""
    return {
        link.get("aria-label", ""): link
        for link in found.root.iter(f"{SVG}a")
        if class_ in link.get("class", "").split()
    }


def sites(found: Page) -> dict[str, list[str]]:
    return {row[0]: row[2:] for row in found.rows() if "Hospital" in row[0]}


def journeys(found: Page) -> list[list[str]]:
    return [row for row in found.rows() if len(row) == 5]


def test_the_map_and_its_tables_say_the_same(lead: FlaskClient, region: Region) -> None:
    found = look(lead, region)
    assert sites(found) == {
        "Large Hospital": ["4", "50%", "60%", "100%", "3", "20 min"],
        "Small Hospital": ["1", "50%", "not known", "not known", "1", "55 min"],
    }
    assert journeys(found) == [
        ["B15", "Large Hospital", "2", "2", "15 min"],
        ["B15", "Small Hospital", "1", "1", "55 min"],
        ["CV2", "Large Hospital", "1", "1", "40 min"],
    ]
    drawn = circles(found)
    assert set(drawn) == {
        "Large Hospital: 3 learners placed; at most 2 of 4 places; 60% load",
        "Small Hospital: 1 learner placed; at most 1 of 1 places; load not known",
    }
    assert "placements-map--fair" in next(iter(drawn.values())).get("class", "")
    assert len([path for path in found.root.iter(f"{SVG}path") if path.get("data-map-to")]) == 3


def test_the_map_is_filtered_by_group_block_hei_and_modality(lead: FlaskClient, region: Region) -> None:
    first = region.blocks[0]
    found = look(lead, region, f"block={first.id}")
    assert sites(found)["Large Hospital"] == ["4", "50%", "50%", "50%", "2", "15 min"]
    assert journeys(found) == [["B15", "Large Hospital", "2", "2", "15 min"]]
    assert found.value("block") == str(first.id)
    (option,) = [o for o in found.root.iter("option") if "".join(o.itertext()) == "Sonography"]
    found = look(lead, region, f"group={option.get('value')}")
    assert [row[:2] for row in journeys(found)] == [["B15", "Small Hospital"], ["CV2", "Large Hospital"]]
    assert "places and load are everybody’s" in found.main
    assert sites(found)["Large Hospital"][:3] == ["4", "50%", "60%"]
    found = look(lead, region, f"hei={region.heis[0].id}")
    assert [row[2] for row in journeys(found)] == ["2"]
    found = look(lead, region, "modality=CT")
    assert list(sites(found)) == ["Small Hospital"]
    nothing = look(lead, region, "modality=MRI")
    assert "No department offered places of this kind" in nothing.main
    assert look(lead, region, f"block=x&hei={10**30}&group=-1&sort=%00").value("block") == ""


@pytest.mark.parametrize(
    ("sort", "first"),
    [("site", "Large"), ("-site", "Small"), ("minutes", "Large"), ("-minutes", "Small"), ("-load", "Large")],
)
def test_the_sites_are_ordered_by_the_address(
    lead: FlaskClient, region: Region, sort: str, first: str
) -> None:
    found = look(lead, region, f"sort={sort}")
    assert next(iter(sites(found))) == f"{first} Hospital"
    (head,) = [th for th in found.all("th") if th.get("aria-sort") not in (None, "none")]
    assert head.get("aria-sort") == ("descending" if sort.startswith("-") else "ascending")
    link = head.find("a")
    assert link is not None
    assert ("sort=-" in (link.get("href") or "")) != sort.startswith("-")


def test_a_site_opens_its_facts(lead: FlaskClient, region: Region) -> None:
    (address,) = {
        link.get("href", "")
        for words, link in circles(look(lead, region)).items()
        if words.startswith("Small")
    }
    found = page(lead.get(address))
    assert found.title.startswith(f"Map of run {region.run.id}, Small Hospital")
    assert found.links()["Who goes there"] == f"/runs/{region.run.id}/placings?site={region.small.site_id}"
    assert [row[0] for row in journeys(found)] == ["B15"]
    assert ["CT", "50%", "not known"] in found.rows()
    (chosen,) = circles(found, "placements-map__site--chosen").values()
    assert chosen.get("aria-current") == "true"
    assert look(lead, region, "site=999999").title.startswith(f"Map of run {region.run.id} –")


def test_sites_and_journeys_are_files_of_what_is_shown(lead: FlaskClient, region: Region) -> None:
    found = look(lead, region, f"sort=-site&block={region.blocks[1].id}")

    def lines(words: str) -> list[dict[str, str]]:
        response = lead.get(found.links()[words])
        assert response.mimetype == "text/csv"
        return list(csv.DictReader(io.StringIO(response.get_data().decode("utf-8-sig"))))

    assert [(line["Site"], line["Learners"]) for line in lines("Download the sites as CSV")] == [
        ("Small Hospital", "1"),
        ("Large Hospital", "1"),
    ]
    assert [(line["From"], line["To"]) for line in lines("Download all journeys as CSV")] == [
        ("B15", "Small Hospital"),
        ("CV2", "Large Hospital"),
    ]


def test_a_run_that_is_not_over_has_no_map_yet(lead: FlaskClient) -> None:
    run = RunFactory(state="running")
    saved()
    for name in ("map", "map.csv", "journeys.csv"):
        assert lead.get(f"/runs/{run.id}/{name}").location == f"/runs/{run.id}"


def test_the_map_asks_the_database_no_more_for_more_rows(lead: FlaskClient, region: Region) -> None:
    def statements() -> int:
        db.session.expire_all()
        asked: list[str] = []

        def ask(*arguments: object) -> None:
            asked.append(str(arguments[2]))

        event.listen(db.engine, "before_cursor_execute", ask)
        try:
            assert lead.get(f"/runs/{region.run.id}/map").status_code == 200
        finally:
            event.remove(db.engine, "before_cursor_execute", ask)
        return len(asked)

    few = statements()
    by_week = dict(region.run.by_week or {})
    for number in range(12):
        department = DepartmentFactory(site=SiteFactory(name=f"Further Hospital {number}"))
        learner = LearnerFactory(cohort=CohortFactory(round=region.run.round))
        requirement = RequirementFactory(learner=learner, block=region.blocks[0])
        PlacingFactory(run=region.run, requirement=requirement, department=department)
        saved()
        by_week["departments"] = [
            *by_week["departments"],
            by_week["departments"][0] | {"department": department.id},
        ]
    region.run.by_week = by_week
    saved()
    assert len(sites(look(lead, region))) == 14
    assert statements() == few < 20


def test_names_are_shortened_and_never_cover_one_another() -> None:
    assert drawing.short_name("Telford Community Diagnostic Centre, Hollinswood House") == "Telford CDC"
    assert drawing.short_name("Cannock Chase Hospital (community diagnostic centre)") == (
        "Cannock Chase Hospital CDC"
    )
    assert drawing.short_name("Walsall Manor Hospital") == "Walsall Manor"
    assert len(drawing.short_name("The Very Long Name of a Hospital by the Sea")) <= drawing.LONGEST_NAME


def test_the_picture_is_neither_too_high_nor_too_flat() -> None:
    for points in (
        [Point(52.0, -2.0)],
        [Point(51.0, -2.0), Point(55.0, -2.1)],
        [Point(52.0, -4.0), Point(52.1, 1.0)],
    ):
        bounds = drawing.bounds_of(points)
        assert all(bounds.holds(point) for point in points)
        assert 0.55 < bounds.high_km / bounds.wide_km < 1.25
