"""Pages about practice educators: the list, the form, leave with what it costs, and sharing."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from placements.access import Role
from placements.accounts.models import Person
from placements.educators.models import Absence, Educator, EducatorDepartment
from placements.extensions import db
from placements.organisations.models import Department
from tests.factories import (
    DepartmentFactory,
    EducatorFactory,
    LearnerGroupFactory,
    ModalityFactory,
    PersonFactory,
    SiteFactory,
    StageFactory,
    saved,
)
from tests.factories.region import small_round
from tests.web.pages import page, sign_in

TODAY = date(2026, 11, 24)
TYPED: dict[str, Any] = {
    "name": "Jo Smith",
    "wte": "0,8",
    "days": ["0", "1", "2", "3"],
    "most_at_once": "2",
    "supervises": ["diagnostic_radiography/year_1"],
    "accreditation": "PEAS",
    "accredited_until": "2027-12-31",
    "state": "active",
    "version": "0",
}


@pytest.fixture
def department(client: FlaskClient) -> Department:
    """A department with an educator of its trust signed in; learners of one group with one stage."""
    StageFactory(learner_group=LearnerGroupFactory(), key="year_1", name="Year 1")
    made: Department = DepartmentFactory(site=SiteFactory(name="Our Hospital"))
    sign_in(client, person_of(made))
    return made


def person_of(department: Department, role: Role = Role.PRACTICE_EDUCATOR, **values: Any) -> Person:
    made: Person = PersonFactory(role=role.value, trust_id=department.site.trust_id, **values)
    return made


def named(department: Department, **values: Any) -> Educator:
    made: Educator = EducatorFactory(
        **{
            "trust_id": department.site.trust_id,
            "departments": [EducatorDepartment(department=department)],
        }
        | values
    )
    saved()
    return made


def test_an_educator_is_added_shown_and_changed(client: FlaskClient, department: Department) -> None:
    empty = page(client.get("/educators/"))
    assert "No educator is named yet" in empty.main
    assert empty.links()["Educators"] == "/educators/"
    typed = TYPED | {"here_remote": [str(department.id)]}
    answer = client.post("/educators/new", data=typed, follow_redirects=True)
    found = page(answer)
    assert found.h1 == "Jo Smith"
    for words in ("0.8", "Monday to Thursday", "X-ray, Our Hospital, from afar", "(Year 1)", "PEAS, until"):
        assert words in found.main, words
    (row,) = page(client.get("/educators/")).rows()
    assert row[0].startswith("Name Jo Smith") or row[0].startswith("Jo Smith")
    assert "at most 2 at once" in row[2]
    made = db.session.query(Educator).one()
    form = page(client.get(f"/educators/{made.id}/change"))
    assert (form.value("name"), form.value("wte"), form.value("most_at_once")) == ("Jo Smith", "0.8", "2")
    assert form.value("here") == str(department.id)
    assert form.value("supervises") == "diagnostic_radiography/year_1"
    typed |= {"version": form.value("version"), "state": "left"}
    found = page(client.post(f"/educators/{made.id}/change", data=typed, follow_redirects=True))
    assert "Jo Smith is saved." in found.main
    assert "Nobody on your list is like that" in page(client.get("/educators/")).main
    assert "Jo Smith" in page(client.get("/educators/?show=left")).main


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"),
        ({"wte": "six"}, "wte"),
        ({"wte": "5.5"}, "wte"),
        ({"days": []}, "days"),
        ({"days": ["9"]}, "days"),
        ({"most_at_once": "many"}, "most_at_once"),
        ({"most_at_once": "²"}, "most_at_once"),
        ({"here": []}, "here"),
        ({"here": ["1 OR 1"]}, "here"),
        ({"elsewhere": ["999999"]}, "elsewhere-0"),
        ({"supervises": ["nobody"]}, "supervises"),
        ({"accredited_until": "31 May"}, "accredited_until"),
    ],
)
def test_a_wrong_field_is_named_and_the_typing_kept(
    client: FlaskClient, department: Department, wrong: dict[str, Any], field: str
) -> None:
    typed = TYPED | {"here": [str(department.id)]} | wrong
    answer = client.post("/educators/new", data=typed)
    assert answer.status_code == 400
    found = page(answer)
    assert set(found.errors) == {field}
    for name in {"name", "wte", "most_at_once", "accreditation"} - {field}:
        assert found.value(name) == typed[name]
    if field != "accredited_until":
        assert found.value("accredited_until") == "2027-12-31"
    else:
        assert found.value("accredited_until") == "31 May"
    assert db.session.query(Educator).count() == 0


def test_both_versions_are_shown_where_somebody_else_was_quicker(
    client: FlaskClient, department: Department
) -> None:
    made = named(department, name="Jo Smith", wte=Decimal("0.5"))
    typed = TYPED | {"here": [str(department.id)], "version": str(made.version), "supervises": []}
    other = client.application.test_client()
    sign_in(other, person_of(department, name="Other Person"))
    address = f"/educators/{made.id}/change"
    assert other.post(address, data=typed | {"name": "Joanna Smith", "wte": "1"}).status_code == 302
    answer = client.post(address, data=typed)
    assert answer.status_code == 409
    found = page(answer)
    assert "Other Person saved this educator" in found.main
    assert ["Name", "Joanna Smith", "Jo Smith"] in found.rows()
    assert ["WTE for supervision", "1", "0.8"] in found.rows()
    assert found.value("name") == "Jo Smith"
    typed |= {"version": found.value("version")}
    assert client.post(address, data=typed).status_code == 302
    db.session.expire_all()
    assert db.session.query(Educator).one().name == "Jo Smith"


def test_several_are_pasted_at_once(client: FlaskClient, department: Department) -> None:
    typed = {"here": [str(department.id)], "lines": "Ada Adams\t1\t2\r\n\r\nBen Brown\t0.5\r\n"}
    found = page(client.post("/educators/several", data=typed, follow_redirects=True))
    assert "2 educators are on the list." in found.main
    assert {row.name: (row.wte, row.most_at_once) for row in db.session.query(Educator)} == {
        "Ada Adams": (Decimal("1.00"), 2),
        "Ben Brown": (Decimal("0.50"), None),
    }
    wrong = {"here": [], "lines": "Cy Clark, 0.4\nNobody\nDi Dean, 9"}
    answer = client.post("/educators/several", data=wrong)
    found = page(answer)
    assert answer.status_code == 400
    assert set(found.errors) == {"lines", "here"}
    assert "Line 2: enter a name" in found.main
    assert "Line 3: enter a name" in found.main
    assert found.value("lines").strip() == wrong["lines"]
    again = {"here": [str(department.id)], "lines": "Cy Clark, 0.4\n\nada adams, 1"}
    assert (
        "Line 3: ada adams is already on the list" in page(client.post("/educators/several", data=again)).main
    )


def test_leave_is_told_in_wte_and_places_before_it_is_recorded(client: FlaskClient) -> None:
    region = small_round(places=(3, 2))
    here = region.departments[0]
    sign_in(client, person_of(here))
    made = named(here, wte=Decimal(1))
    monday = region.round.block_weeks()[1]
    address = f"/educators/{made.id}/absences/new"
    form = page(client.get(f"{address}?week={monday}"))
    friday = monday + timedelta(days=4)
    assert (form.value("first_day"), form.value("last_day")) == (monday.isoformat(), friday.isoformat())
    typed = {"first_day": monday.isoformat(), "last_day": friday.isoformat(), "kind": "training"}
    told = page(client.post(address, data=typed | {"check": "1"}))
    assert [row[0] for row in told.rows()] == [here.name, told.rows()[1][0]]
    assert told.rows()[0][2:] == ["2", "0"]
    assert told.rows()[1][1:] == ["1", "0"]
    assert db.session.query(Absence).count() == 0
    found = page(client.post(address, data=typed | {"record": "1"}, follow_redirects=True))
    assert f"is away from {monday.day} January 2027" in found.main
    assert "0 WTE Training" in found.main
    again = client.post(address, data=typed | {"record": "1"})
    assert again.status_code == 400
    assert set(page(again).errors) == {"first_day"}


def test_wrong_days_are_named(client: FlaskClient, department: Department) -> None:
    made = named(department)
    answer = client.post(
        f"/educators/{made.id}/absences/new", data={"first_day": "2027-01-04", "last_day": "2027-01-03"}
    )
    assert set(page(answer).errors) == {"last_day"}
    answer = client.post(f"/educators/{made.id}/absences/new", data={"kind": "ill", "check": "1"})
    assert set(page(answer).errors) == {"first_day", "last_day"}
    assert client.get(f"/educators/{made.id}/absences/new?week=soon").status_code == 200


def test_an_absence_is_shortened_and_removed(client: FlaskClient, department: Department) -> None:
    made = named(department, absences=[Absence(first_day=TODAY, last_day=date(2026, 12, 4))])
    address = f"/educators/{made.id}/absences/{made.absences[0].id}"
    assert page(client.get(address)).value("last_day") == "2026-12-04"
    wrong = client.post(address, data={"read": "2026-12-04", "last_day": "2026-11-01"})
    assert set(page(wrong).errors) == {"last_day"}
    found = page(
        client.post(address, data={"read": "2026-12-04", "last_day": "2026-11-27"}, follow_redirects=True)
    )
    assert "27 November 2026" in found.main
    stale = client.post(address, data={"read": "2026-12-04", "last_day": "2026-11-30"})
    assert stale.status_code == 409
    removed = {"read": "2026-11-27", "last_day": "2026-11-27", "remove": "1"}
    assert "No absence is recorded" in page(client.post(address, data=removed, follow_redirects=True)).main


def test_the_list_is_filtered_and_flags_what_lapses(client: FlaskClient, department: Department) -> None:
    ct = DepartmentFactory(site=department.site, modality=ModalityFactory(key="ct"))
    named(department, name="Ann", accredited_until=TODAY + timedelta(days=60))
    named(department, name="Bob", accredited_until=TODAY - timedelta(days=1))
    named(ct, name="Cat", absences=[Absence(first_day=TODAY, last_day=TODAY + timedelta(days=1))])

    def names(query: str) -> list[str]:
        found = page(client.get(f"/educators/{query}"))
        return [name for name in ("Ann", "Bob", "Cat") if name in found.main]

    assert names("") == ["Ann", "Bob", "Cat"]
    assert "2 accreditations have lapsed or will within 60 days" in page(client.get("/educators/")).main
    assert "Lapses soon" in page(client.get("/educators/")).main
    assert names("?show=lapsing") == ["Ann", "Bob"]
    assert names("?show=away") == ["Cat"]
    assert names(f"?department={department.id}") == ["Ann", "Bob"]
    assert names(f"?department={ct.id}&show=lapsing") == []
    assert names("?department=x&show=y") == ["Ann", "Bob", "Cat"]


def test_sharing_is_asked_for_and_answered(client: FlaskClient, department: Department) -> None:
    there = DepartmentFactory(site=SiteFactory(name="Their Hospital"))
    saved()
    typed = TYPED | {
        "here": [str(department.id)],
        "elsewhere": ["", str(there.id)],
        "elsewhere_remote": ["1"],
    }
    found = page(client.post("/educators/new", data=typed, follow_redirects=True))
    assert "once it is agreed there" in found.main
    assert "X-ray, Their Hospital, from afar Waits for agreement" in found.main
    made = db.session.query(Educator).one()
    lead = client.application.test_client()
    sign_in(lead, person_of(there, Role.TRUST_EDUCATION_LEAD))
    listed = page(lead.get("/educators/"))
    assert "1 request to share an educator waits for your answer" in listed.main
    assert "and 1 department elsewhere" in listed.main
    assert "Our Hospital" not in listed.main, "another trust's departments are its own affair"
    assert "Jo Smith in X-ray, Their Hospital" in page(lead.get("/educators/sharing")).main
    address = f"/educators/{made.id}/sharing/{there.id}"
    agreed = page(lead.post(address, data={"answer": "agree"}, follow_redirects=True))
    assert "Their time counts from now on" in agreed.main
    assert "End the sharing" in agreed.main
    assert lead.post(address, data={"answer": "agree"}).status_code == 409
    ended = page(lead.post(address, data={"answer": "end"}, follow_redirects=True))
    assert "Declined or ended" in ended.main
    assert lead.get(f"/educators/{made.id}").status_code == 404
    assert "To ask again, choose the department again" in page(client.get(f"/educators/{made.id}")).main
    assert client.get("/educators/sharing").status_code == 403


def test_an_academy_lead_keeps_the_academys_and_reads_the_rest(
    client: FlaskClient, department: Department
) -> None:
    made = named(department)
    centre = DepartmentFactory(site=SiteFactory(name="The Academy", kind="academy"))
    saved()
    lead = client.application.test_client()
    sign_in(lead, PersonFactory(role=Role.ACADEMY_LEAD.value))
    assert "Only" in page(lead.get(f"/educators/{made.id}")).main
    assert lead.get(f"/educators/{made.id}/change").status_code == 403
    typed = TYPED | {"name": "Tra Iner", "here": [str(centre.id)], "elsewhere": [str(department.id)]}
    found = page(lead.post("/educators/new", data=typed, follow_redirects=True))
    assert "Kept by The academy" in found.main
    assert "Tra Iner" in page(client.get("/educators/")).main
