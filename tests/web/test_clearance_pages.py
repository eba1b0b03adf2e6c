"""Pages about checks: record a cohort's, put mistakes right, take a file, and see who is held back."""

import io
from dataclasses import dataclass

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from placements.access import Role, Viewer
from placements.clearance.models import CheckKind, LearnerCheck
from placements.clearance.of_learner import checks_section
from placements.extensions import db
from tests.factories import CheckKindFactory, LearnerCheckFactory, PersonFactory, saved
from tests.factories.region import SmallRound, small_round
from tests.web.pages import page, sign_in


@dataclass
class Place:
    """A small round whose checks fell due yesterday, with the HEI's officer signed in."""

    region: SmallRound
    dbs: CheckKind
    client: FlaskClient

    @property
    def checks(self) -> str:
        return f"/cohorts/{self.region.learners[0].cohort_id}/checks"

    @property
    def form(self) -> str:
        return f"{self.checks}/{self.dbs.id}"

    def name(self, number: int) -> str:
        return f"{self.region.learners[number].id}-{self.dbs.id}"

    def save(self, press: str = "save", **fields: str) -> TestResponse:
        shown = page(self.client.get(self.form))
        there = {
            field.get("name"): field.get("value") or ""
            for field in shown.all("input")
            if field.get("name", "").startswith(("seen-", "done-", "expires-"))
        }
        return self.client.post(self.form, data=there | {"press": press} | fields)

    def recorded(self) -> list[str]:
        db.session.rollback()
        return sorted(str(row.done_on) for row in db.session.query(LearnerCheck))


@pytest.fixture
def place(client: FlaskClient) -> Place:
    region = small_round(learners=3, places=(2, 1))
    dbs = CheckKindFactory(name="DBS", valid_months=36)
    CheckKindFactory(name="Mandatory training", effect="warns")
    sign_in(client, PersonFactory(role=Role.PLACEMENT_OFFICER.value, hei_id=region.hei.id))
    return Place(region, dbs, client)


def as_lead(place: Place) -> None:
    place.client.post("/sign-out")
    sign_in(place.client, PersonFactory())


def test_a_day_is_filled_in_for_all_changed_for_one_and_saved(place: Place) -> None:
    overview = page(place.client.get(place.checks))
    assert "0 of 3 learners" in overview.main
    assert overview.links()["Record DBS"] == place.form
    answer = place.save("fill", fill="2026-09-14")
    filled = page(answer)
    assert "Nothing is saved yet" in filled.main
    assert place.recorded() == []
    days = {field.get("id"): field.get("value") for field in filled.all("input") if field.get("id")}
    assert days[f"done-{place.name(0)}"] == "2026-09-14"
    assert days[f"expires-{place.name(0)}"] == "2029-09-14"
    fields = {f"done-{place.name(number)}": "2026-09-14" for number in (0, 1)}
    answer = place.save(**fields)
    assert answer.status_code == 302
    assert place.recorded() == ["2026-09-14", "2026-09-14"]
    after = page(place.client.get(answer.location))
    assert "DBS: 2 checks saved." in after.main
    assert "good to 14 September 2029" in after.main
    # Only the newer day is changed: the expiry follows it, and the earlier check is kept.
    answer = place.save(**{f"done-{place.name(0)}": "2026-11-02"})
    assert place.recorded() == ["2026-09-14", "2026-09-14", "2026-11-02"]
    assert "good to 2 November 2029" in page(place.client.get(answer.location)).main


def test_what_is_wrong_is_said_at_its_learner_and_the_typing_stays(place: Place) -> None:
    answer = place.save(
        **{
            f"done-{place.name(0)}": "2026-09-14",
            f"done-{place.name(1)}": "2027-09-14",
            f"done-{place.name(2)}": "soon",
        }
    )
    assert answer.status_code == 400
    shown = page(answer)
    assert set(shown.errors) == {f"done-{place.name(1)}", f"done-{place.name(2)}"}
    assert "today or an earlier day" in shown.main
    values = {field.get("id"): field.get("value") for field in shown.all("input") if field.get("id")}
    assert values[f"done-{place.name(0)}"] == "2026-09-14"
    assert values[f"done-{place.name(2)}"] == "soon"
    assert place.recorded() == []
    assert page(place.save("fill", fill="someday")).errors.keys() == {"fill"}


def test_two_officers_never_overwrite_each_other(place: Place) -> None:
    first = {f"done-{place.name(0)}": "2026-09-14", f"seen-{place.name(0)}": "/"}
    place.save(**first)
    mine = {
        f"seen-{place.name(0)}": "/",
        f"done-{place.name(0)}": "2026-10-05",
        f"expires-{place.name(0)}": "",
        f"done-{place.name(1)}": "2026-10-05",
    }
    answer = place.save(**mine)
    assert answer.status_code == 409
    shown = page(answer)
    assert "Recorded meanwhile: 14 September 2026, good to 14 September 2029" in shown.main
    assert place.recorded() == ["2026-09-14"]
    fields = {
        field.get("name"): field.get("value") or ""
        for field in shown.all("input")
        if field.get("name") and field.get("name") != "csrf_token"
    }
    assert fields[f"done-{place.name(0)}"] == "2026-10-05"
    assert place.client.post(place.form, data=fields | {"press": "save"}).status_code == 302
    assert place.recorded() == ["2026-09-14", "2026-10-05", "2026-10-05"]


def upload(place: Place, **fields: object) -> TestResponse:
    return place.client.post(f"{place.checks}/upload", data={"only": "0", "press": "check"} | fields)


def test_a_file_is_looked_at_put_right_on_the_page_and_saved_once(place: Place) -> None:
    first, second, third = (row.reference for row in place.region.learners)
    text = (
        f"Student ID,DBS check date,DBS expiry,Mood\n{first},14 Sept 2026,,fine\n{second},soon,,\n"
        f"X9,1/9/26,,\n{third.lower()},01/10/2026,01/10/2028,\n"
    )
    answer = upload(place, file=(io.BytesIO(text.encode()), "checks.csv"), text="")
    assert answer.status_code == 200
    shown = page(answer)
    assert "2 rows will not be saved" in shown.main
    assert "No learner of this cohort has this reference" in shown.main
    assert "Not used and not kept: Mood" in shown.main
    assert place.recorded() == []
    area = next(iter(shown.all("textarea")))
    kept = area.text or ""
    assert first in kept
    mended = kept.replace("soon", "15/09/2026").replace("X9,1/9/26,,", "")
    # Pressed at once after mending, what would be saved was not shown yet.
    hidden = {field.get("name"): field.get("value") or "" for field in shown.all("input", type="hidden")}
    assert upload(place, text=mended, press="accept", shown=hidden["shown"]).status_code == 409
    assert place.recorded() == []
    shown = page(upload(place, text=mended))
    hidden = {field.get("name"): field.get("value") or "" for field in shown.all("input", type="hidden")}
    answer = upload(place, text=mended, press="accept", shown=hidden["shown"])
    assert answer.status_code == 302
    assert "3 checks saved" in page(place.client.get(answer.location)).main
    assert place.recorded() == ["2026-09-14", "2026-09-15", "2026-10-01"]
    again = page(upload(place, text=mended))
    assert "There is nothing new to save" in again.main


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Choose the file"),
        ("a,b\n1,2\n", "column for the learner"),
        ("Reference,Mood\nL1,fine\n", "column for any check"),
        ("Reference,DBS\n", "no learners below"),
    ],
)
def test_a_table_that_cannot_be_used_says_why(place: Place, text: str, words: str) -> None:
    answer = upload(place, text=text)
    assert answer.status_code == 400
    assert words in page(answer).main


def test_the_download_goes_back_in_and_changes_nothing(place: Place) -> None:
    LearnerCheckFactory(record=place.region.learners[0].record, kind=place.dbs)
    saved()
    for kind in ("csv", "xlsx"):
        data = place.client.get(f"{place.checks}.{kind}").data
        shown = page(upload(place, file=(io.BytesIO(data), f"checks.{kind}"), text=""))
        assert "There is nothing new to save" in shown.main
        assert "will not be saved" not in shown.main


def test_kinds_are_added_changed_and_retired(place: Place) -> None:
    address = "/checks/new"
    assert (
        place.client.post(address, data={"name": "", "effect": "warns", "weeks_before": "x"}).status_code
        == 400
    )
    answer = place.client.post(
        address, data={"name": "Fit test", "effect": "blocks", "weeks_before": "3", "valid_months": ""}
    )
    assert answer.status_code == 302
    kinds = page(place.client.get("/checks"))
    assert place.region.hei.name in kinds.main
    own = kinds.links()["Fit test"]
    assert "DBS" not in kinds.links()
    assert place.client.get(f"/checks/{place.dbs.id}").status_code == 403
    values = {"name": "Fit test", "effect": "warns", "weeks_before": "3", "version": "1"}
    assert place.client.post(own, data=values).status_code == 302
    stale = place.client.post(own, data=values | {"weeks_before": "5"})
    assert stale.status_code == 409
    assert "They saved: Fit test, only warns, due 3 weeks before" in page(stale).main
    assert place.client.post(own, data=values | {"version": "2", "is_retired": "y"}).status_code == 302
    assert "No longer asked for" in page(place.client.get("/checks")).main


def test_the_academy_sets_what_each_check_does_and_sees_who_is_not_clear(place: Place) -> None:
    saved()
    address = f"/rounds/{place.region.round.id}/checks"
    shown = page(place.client.get(address))
    assert "Missing, was due on 23 November 2026" in shown.main
    assert len(shown.rows()) == 6
    as_lead(place)
    rules = page(place.client.get(f"{address}/rules"))
    hidden = {field.get("name"): field.get("value") for field in rules.all("input", type="hidden")}
    wrong = place.client.post(f"{address}/rules", data=hidden | {f"weeks-{place.dbs.id}": "many"})
    assert page(wrong).errors.keys() == {f"weeks-{place.dbs.id}"}
    fields = hidden | {f"effect-{place.dbs.id}": "not_asked", f"weeks-{place.dbs.id}": "6"}
    assert place.client.post(f"{address}/rules", data=fields).status_code == 302
    back = fields | {f"effect-{place.dbs.id}": "blocks"}
    assert place.client.post(f"{address}/rules", data=back).status_code == 409
    shown = page(place.client.get(address))
    assert {row[1] for row in shown.rows()} == {"Mandatory training"}
    assert page(place.client.get(f"{address}?kind=DBS")).main.count("Nobody here is like that") == 1
    lines = place.client.get(f"{address}.csv?show=due").data.decode("utf-8-sig").splitlines()
    assert len(lines) == 4
    assert "Mandatory training" in lines[1]


def test_one_learners_checks_for_their_own_page(place: Place) -> None:
    learner = place.region.learners[0]
    LearnerCheckFactory(record=learner.record, kind=place.dbs)
    saved()
    officer = Viewer(1, "Olu", Role.PLACEMENT_OFFICER, hei_id=place.region.hei.id)
    with place.client.application.test_request_context():
        html = checks_section(officer, learner)
    assert "25 October 2026" in html
    assert f"{place.region.block.name}: due 23 November 2026, a warning" in html
