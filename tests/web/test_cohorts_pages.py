"""Pages about cohorts: upload a file good or bad, look at it, accept it, submit; with no script at all."""

from dataclasses import dataclass
from datetime import date

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from placements.cohorts.models import Cohort, Learner, Upload
from placements.cohorts.uploads import MAX_BYTES
from placements.extensions import db
from placements.organisations.models import Programme, Stage
from placements.rounds.models import Round
from tests.factories import (
    BlockFactory,
    CohortFactory,
    HeiFactory,
    LearnerFactory,
    ModalityFactory,
    PersonFactory,
    PlanLineFactory,
    ProgrammeFactory,
    RequirementFactory,
    RoundFactory,
    SiteFactory,
    StageFactory,
    saved,
)
from tests.web.pages import Page, page, sign_in

HEADINGS = "Student ID,Home postcode,Travel,Preference 1,Available from"
GOOD = f"{HEADINGS}\nS1,B15 2TT,car,Solihull Hospital,\nS2,B15 2TT,public transport,,\n".encode()


@dataclass
class Place:
    """A round whose plan asks for places of one HEI's second year, and that HEI's officer signed in."""

    round: Round
    programme: Programme
    stage: Stage
    client: FlaskClient

    def upload(self, data: bytes, filename: str = "cohort.csv", **other: str) -> TestResponse:
        fields = {"choice": f"{self.programme.id}-{self.stage.id}", "intake": "2025"} | other
        # Written out, since the test client leaves the file open that it spools a large body to.
        parts = [
            f'--part\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in fields.items()
        ]
        parts.append(
            f'--part\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
            "Content-Type: text/csv\r\n\r\n".encode()
        )
        return self.client.post(
            f"/rounds/{self.round.id}/cohorts/upload",
            data=b"".join((*parts, data, b"\r\n--part--\r\n")),
            content_type="multipart/form-data; boundary=part",
        )

    def preview(self, data: bytes = GOOD, **other: str) -> tuple[str, Page]:
        answer = self.upload(data, **other)
        assert answer.status_code == 302, page(answer).errors
        return answer.location, page(self.client.get(answer.location))


@pytest.fixture
def place(client: FlaskClient) -> Place:
    round_ = RoundFactory(name="Spring 2027")
    SiteFactory(name="Solihull Hospital", postcode="B91 2JL")
    programme = ProgrammeFactory(hei=HeiFactory(name="Aston"), name="BSc Radiography")
    stage = StageFactory(learner_group=programme.learner_group, name="Year 2")
    block = BlockFactory(round=round_, name="Block 1", first_week=date(2027, 1, 4))
    PlanLineFactory(block=block, programme=programme, stage=stage, modalities=[ModalityFactory()])
    sign_in(client, PersonFactory(role="placement_officer", hei_id=programme.hei_id))
    return Place(round_, programme, stage, client)


def post(client: FlaskClient, address: str, shown: Page) -> TestResponse:
    """Press a button with the hidden values of the page that shows it."""
    hidden = {field.get("name"): field.get("value") for field in shown.all("input", type="hidden")}
    return client.post(address, data=hidden)


def flashed(answer: Page) -> str:
    return answer.main.split("Success", 1)[1] if "Success" in answer.main else ""


def nothing_saved() -> bool:
    db.session.rollback()
    return not any(db.session.query(table).count() for table in (Upload, Cohort, Learner))


def test_from_the_file_to_a_submitted_cohort(place: Place) -> None:
    overview = page(place.client.get(f"/rounds/{place.round.id}/cohorts"))
    assert "0 of 1 cohort submitted" in overview.main
    assert "Expected" in overview.main
    address = overview.links()["Upload BSc Radiography, Year 2"]
    form = page(place.client.get(address))
    assert form.value("choice") == f"{place.programme.id}-{place.stage.id}"

    location, preview = place.preview()
    assert "2 new learners will be added in a new cohort" in preview.main
    assert "will not be saved" not in preview.main
    waiting = page(place.client.get(f"/rounds/{place.round.id}/cohorts"))
    assert waiting.links()["Check and accept cohort.csv"] == location
    accepted = post(place.client, f"{location}/accept", preview)
    cohort = page(place.client.get(accepted.location))
    assert "The rows were saved. The cohort is a draft" in flashed(cohort)
    assert "2 learners who need 2 places" in cohort.main
    # Only the outward code, even to the officer.
    assert "B15" in cohort.main
    assert "2TT" not in cohort.main
    submitted = post(place.client, f"{accepted.location}/submit", cohort)
    after = page(place.client.get(submitted.location))
    assert "is submitted: its learners take part in the match" in flashed(after)
    assert "Upload changes" in after.links()

    assert "1 of 1 cohort submitted" in page(place.client.get(f"/rounds/{place.round.id}")).main
    assert "1 of 1 cohort submitted" in page(place.client.get(f"/rounds/{place.round.id}/cohorts")).main


def test_pressing_accept_twice_ends_at_the_same_cohort(place: Place) -> None:
    location, preview = place.preview()
    first = post(place.client, f"{location}/accept", preview)
    second = post(place.client, f"{location}/accept", preview)
    assert first.location == second.location
    assert db.session.query(Learner).count() == 2
    done = page(place.client.get(location))
    assert done.h1.endswith("File accepted")
    assert "Accept 2 rows" not in done.main


def test_the_preview_shows_every_refusal_correction_and_what_will_not_be_saved(place: Place) -> None:
    data = (
        f"{HEADINGS},Name\n"
        "S1,b152tt,drives,Solihull,,Ann\n"
        "=S2,B15 2TT,car,,,Bob\n"
        "S3,nowhere,car,<b>Nowhere</b>,,\n"
        "S4,B15 2TT,car,,11/01/2027,\n"
    ).encode()
    location, preview = place.preview(data)
    assert "2 rows will not be saved" in preview.main
    assert "Not read and not kept: “Name”" in preview.main
    assert "Accept 2 rows" in preview.main
    assert "1 learner is available only after every block of this round has begun" in preview.main
    rows = preview.rows()
    assert preview.value("cell-3-0") == "=S2"
    assert preview.value("cell-4-1") == "nowhere"
    assert "It is not a full UK postcode." in preview.main
    assert preview.value("cell-4-3") == "<b>Nowhere</b>"
    assert ["2", "Home postcode", "b152tt", "B15 2TT"] in rows
    assert ["2", "Travel", "drives", "car"] in rows
    assert "Ann" not in preview.main

    download = place.client.get(preview.links()["Download the refused rows (CSV)"])
    assert download.mimetype == "text/csv"
    assert download.get_data().decode("utf-8-sig").startswith("Student ID,Home postcode")
    assert "'=S2" in download.text
    assert "Bob" not in download.text
    post(place.client, f"{location}/accept", preview)
    assert [row.reference for row in db.session.query(Learner)] == ["S1", "S4"]


def test_the_same_fault_on_many_lines_is_told_once(place: Place) -> None:
    rows = "".join(f"S{number},b152tt,by sea,,\n" for number in range(8))
    _, preview = place.preview(f"{HEADINGS}\n{rows}S9,B15 2TT,drives,,\nS10,B15 2TT,drives,,\n".encode())
    assert "Also in the 7 other rows with the same value" in preview.main
    assert ["10 and 11", "Travel"] in [row[:2] for row in preview.rows()]


def test_a_file_of_refused_rows_offers_no_accepting(place: Place) -> None:
    location, preview = place.preview(f"{HEADINGS}\nS1,nowhere,car,,\n".encode())
    assert "None of the rows can be accepted" in preview.main
    assert "Accept" not in [button.text for button in preview.all("button")]
    answer = post(place.client, f"{location}/accept", preview)
    assert answer.status_code == 409
    assert page(answer).errors == {"": "None of the rows could be accepted, so there is nothing to save."}
    assert db.session.query(Learner).count() == 0


def test_learners_of_another_cohort_stop_the_file_and_are_named(place: Place) -> None:
    cohort = CohortFactory(round=place.round, programme=place.programme, stage=place.stage, intake="2024")
    LearnerFactory(cohort=cohort, reference="S2")
    saved()
    location, preview = place.preview()
    assert "This file cannot be accepted" in preview.main
    assert "Line 3: S2, in BSc Radiography, Year 2, 2024 intake" in preview.main
    answer = post(place.client, f"{location}/accept", preview)
    assert answer.status_code == 409
    assert "line 3, S2" in page(answer).errors[""]
    assert db.session.query(Learner).count() == 1


def test_changing_a_submitted_cohort_takes_it_back_to_draft_and_says_so(place: Place) -> None:
    cohort = CohortFactory(round=place.round, programme=place.programme, stage=place.stage, intake="2025")
    LearnerFactory(cohort=cohort, reference="S0")
    saved()
    location, preview = place.preview()
    assert "1 learner of the cohort is not in this file and will stay as it is: S0" in preview.main
    assert "It will go back to draft" in preview.main
    answer = post(place.client, f"{location}/accept", preview)
    assert "The cohort is a draft again" in flashed(page(place.client.get(answer.location)))


def test_a_cohort_that_changed_since_the_preview_is_shown_again(place: Place) -> None:
    location, preview = place.preview()
    other, other_preview = place.preview(GOOD.replace(b"car", b"bus"))
    post(place.client, f"{other}/accept", other_preview)
    answer = post(place.client, f"{location}/accept", preview)
    assert answer.status_code == 409
    shown = page(answer)
    assert "The cohort has changed since this preview was made" in shown.errors[""]
    assert "1 learner will be changed" in shown.main
    again = post(place.client, f"{location}/accept", shown)
    assert again.status_code == 302


def test_a_discarded_file_leaves_nothing(place: Place) -> None:
    location, preview = place.preview()
    answer = post(place.client, f"{location}/discard", preview)
    assert "cohort.csv was discarded" in flashed(page(place.client.get(answer.location)))
    assert db.session.query(Learner).count() == 0
    gone = page(place.client.get(location))
    assert "nothing of it is kept" in gone.main
    assert "S1" not in gone.main


XLSX = b"PK\x03\x04" + b"\x00" * 30 + b"xl/workbook.xml" + b"\x00" * 100
BAD_FILES = {
    "empty": (b"", "This file is empty."),
    "blank lines": (b"\r\n\r\n", "This file is empty."),
    "header only": (HEADINGS.encode(), "headings but no learners"),
    "50 MB": (b"x" * 50 * 1024 * 1024, "5 MB"),
    "one byte too many": (b"x" * (MAX_BYTES + 1), "5 MB"),
    "no such columns": (b"colours\nred", "could not find a column"),
    "headings that are data": (b"L1,B15 2TT\nL2,B15 2TT", "could not find a column"),
    "damaged letters": ("ref,postcode\né,B15 2TT\n".encode() + b"\xe9,B15 2TT\n", "damaged"),
    "unknown encoding": (bytes(range(128, 256)) * 4, "how the letters of this file are written"),
    "a workbook": (XLSX, "Excel workbook is damaged"),
    "a PDF": (b"%PDF-1.7 ...", "a PDF document"),
    "an open quotation mark": (b'ref,postcode\n"1,B15 2TT\n2,B15 2TT\n', "never closed"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_file_that_cannot_be_read_is_said_at_its_field_and_nothing_is_saved(
    place: Place, kind: str
) -> None:
    data, words = BAD_FILES[kind]
    answer = place.upload(data, intake="September 2025")
    assert answer.status_code == 400
    shown = page(answer)
    assert list(shown.errors) == ["file"]
    assert words in shown.errors["file"]
    assert (shown.value("intake"), shown.value("choice")) == (
        "September 2025",
        f"{place.programme.id}-{place.stage.id}",
    )
    assert nothing_saved()


def test_a_request_above_60_mb_is_not_read(place: Place) -> None:
    answer = place.upload(b"x" * 61 * 1024 * 1024)
    assert answer.status_code == 413
    assert "5 MB" in page(answer).main
    assert nothing_saved()


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"filename": ""}, "file", "Choose the file that holds the cohort"),
        ({"intake": ""}, "intake", "Enter the intake with its year"),
        ({"intake": "this year"}, "intake", "Enter the intake with its year"),
        ({"intake": "September 2025 and later"}, "intake", "Use at most 20 characters"),
    ],
)
def test_what_is_missing_is_asked_for_and_the_rest_is_kept(
    place: Place, typed: dict[str, str], field: str, words: str
) -> None:
    answer = place.upload(GOOD, **typed)
    assert answer.status_code == 400
    shown = page(answer)
    assert list(shown.errors) == [field]
    assert words in shown.errors[field]
    assert shown.value("intake") == typed.get("intake", "2025")
    assert ("Choose the file again" in shown.main) == (field != "file")
    assert nothing_saved()


def test_a_programme_of_another_hei_or_out_of_the_plan_cannot_be_chosen(place: Place) -> None:
    other = PlanLineFactory(block=db.session.get_one(Round, place.round.id).blocks[0])
    saved()
    for choice in (
        f"{other.programme_id}-{other.stage_id}",
        f"{place.programme.id}-{other.stage_id}",
        "",
        "x",
    ):
        answer = place.upload(GOOD, choice=choice)
        assert answer.status_code == 400
        assert list(page(answer).errors) == ["choice"]
    assert nothing_saved()


def test_a_round_with_nothing_for_this_hei_says_so(client: FlaskClient) -> None:
    round_ = RoundFactory()
    officer = PersonFactory(role="placement_officer")
    lead = PersonFactory(role="academy_lead")
    sign_in(client, officer)
    overview = page(client.get(f"/rounds/{round_.id}/cohorts"))
    assert "None of your programmes has a placement in this round." in overview.main
    assert "no cohort to upload" in page(client.get(f"/rounds/{round_.id}/cohorts/upload")).main
    assert "None expected" in page(client.get(f"/rounds/{round_.id}")).main
    client.post("/sign-out")
    sign_in(client, lead)
    assert "no cohort is expected" in page(client.get(f"/rounds/{round_.id}/cohorts")).main


def test_a_published_round_takes_late_joiners_and_says_what_becomes_of_them(place: Place) -> None:
    cohort = CohortFactory(round=place.round, programme=place.programme, stage=place.stage, intake="2025")
    LearnerFactory(cohort=cohort, reference="S0")
    db.session.get_one(Round, place.round.id).state = "published"
    saved()
    location, preview = place.preview()
    assert "takes part in its next repair" in preview.main
    assert post(place.client, f"{location}/accept", preview).status_code == 302
    assert db.session.query(Learner).count() == 3
    board = page(place.client.get(f"/rounds/{place.round.id}/cohorts"))
    assert "Upload a cohort" in board.links()
    assert "taken in by a repair" in board.main
    assert "Upload changes" in page(place.client.get(f"/cohorts/{cohort.id}")).links()


def test_an_academy_lead_sees_who_has_submitted_and_changes_nothing(place: Place) -> None:
    cohort = CohortFactory(round=place.round, programme=place.programme, stage=place.stage)
    line = PlanLineFactory(block=db.session.get_one(Round, place.round.id).blocks[0])
    learner = LearnerFactory(cohort=cohort, reference="S0")
    RequirementFactory(learner=learner, plan_line=line)
    location, _ = place.preview()
    place.client.post("/sign-out")
    sign_in(place.client, PersonFactory(role="academy_lead"))
    board = page(place.client.get(f"/rounds/{place.round.id}/cohorts"))
    assert "1 of 2 cohorts submitted, with 1 learner who need 1 place" in board.main.replace("needs", "need")
    rows = [" ".join(row) for row in board.rows()]
    assert any("Aston" in row and "Submitted" in row and "1 of 1" in row for row in rows)
    assert any("Expected" in row and "0 of 1" in row for row in rows)
    assert place.client.get(board.links()[cohort.name]).status_code == 200
    assert "1 of 2 cohorts submitted" in page(place.client.get(f"/rounds/{place.round.id}")).main
    assert place.client.get(location).status_code == 403
    assert place.client.post(f"/cohorts/{cohort.id}/submit").status_code == 403
    assert place.client.get(f"/rounds/{place.round.id}/cohorts/upload").status_code == 403


def test_another_hei_finds_nothing_there(place: Place) -> None:
    location, preview = place.preview()
    post(place.client, f"{location}/accept", preview)
    cohort = db.session.query(Cohort).one()
    place.client.post("/sign-out")
    sign_in(place.client, PersonFactory(role="placement_officer"))
    for address in (location, f"{location}/refused-rows.csv", f"/cohorts/{cohort.id}"):
        assert place.client.get(address).status_code == 404
    for address in (f"{location}/accept", f"{location}/discard", f"/cohorts/{cohort.id}/submit"):
        assert place.client.post(address).status_code == 404
    assert "BSc Radiography" not in page(place.client.get(f"/rounds/{place.round.id}/cohorts")).main


def test_the_template_can_be_filled_in_and_uploaded(place: Place) -> None:
    answer = place.client.get(f"/rounds/{place.round.id}/cohorts/template.csv")
    assert answer.mimetype == "text/csv"
    assert "Solihull Hospital" in answer.get_data().decode("utf-8-sig")
    headings, *_ = answer.get_data().decode("utf-8-sig").splitlines()
    width = headings.count(",")
    _, preview = place.preview(f"{headings}\nS1,B15 2TT{',' * (width - 1)}\n".encode())
    assert "1 new learner will be added" in preview.main


def test_a_long_cohort_is_shown_page_by_page(place: Place) -> None:
    rows = "".join(f"L{number:03d},B15 2TT,car,,\n" for number in range(120))
    location, preview = place.preview(f"{HEADINGS}\n{rows}".encode())
    assert "120 rows were accepted; the first 10 are shown" in preview.main
    every = page(place.client.get(preview.links()["See all accepted rows"]))
    assert "120 rows were accepted; 1 to 50 of 120 are shown" in every.main
    assert [row[1] for row in every.rows()] == [f"L{number:03d}" for number in range(50)]
    last = page(place.client.get(f"{location}?show=accepted&page=3"))
    assert [row[1] for row in last.rows()] == [f"L{number:03d}" for number in range(100, 120)]
    answer = post(place.client, f"{location}/accept", preview)
    first = page(place.client.get(answer.location))
    assert "Learners 1 to 50 of 120" in first.main
    assert "L049" in first.main
    assert "L050" not in first.main
    last = page(place.client.get(f"{answer.location}?page=9"))
    assert "Learners 101 to 120 of 120" in last.main


def test_a_stale_submit_says_so_and_submits_nothing(place: Place) -> None:
    location, preview = place.preview()
    answer = post(place.client, f"{location}/accept", preview)
    shown = page(place.client.get(answer.location))
    other, other_preview = place.preview(GOOD.replace(b"car", b"bus"))
    post(place.client, f"{other}/accept", other_preview)
    refused = post(place.client, f"{answer.location}/submit", shown)
    assert refused.status_code == 409
    assert "Somebody else changed this" in page(refused).errors[""]
    assert db.session.query(Cohort).one().state == "draft"
