"""Pages about cohort files: what the columns hold, rows put right on the page, filters, downloads."""

import io
import zipfile

from placements.access import Role
from placements.cohorts.models import Learner, Upload
from placements.cohorts.service import accept_upload, discard_upload
from placements.cohorts.uploads import from_json
from placements.extensions import db
from placements.spreadsheets.workbooks import Page as Sheet
from placements.spreadsheets.workbooks import read_workbook, workbook_bytes
from tests.factories import PersonFactory, viewer_as
from tests.web.pages import Page, page, sign_in
from tests.web.test_cohorts_pages import HEADINGS, Place, flashed, place, post

__all__ = ["place"]

WRONG = (
    f"{HEADINGS}\n"
    "S1,B15 2TT,car,Solihull Hospital,\n"
    "S2,nowhere,by sea,,\n"
    "S3,B15 2TT,by sea,Sollihul Hospital,\n"
    "S4,b152tt,by sea,,\n"
).encode()


def fields_of(shown: Page) -> dict[str, str]:
    """What a browser would send with the form of refused rows."""
    return {
        field.get("name", ""): field.get("value", "")
        for field in shown.root.iter("input")
        if field.get("name") == "version" or str(field.get("name")).startswith("cell-")
    }


def references() -> list[str]:
    return sorted(row.reference for row in db.session.query(Learner))


def test_rows_are_put_right_on_the_page_and_read_again(place: Place) -> None:
    location, shown = place.preview(WRONG)
    assert (shown.value("cell-3-1"), shown.value("cell-4-3")) == ("nowhere", "Sollihul Hospital")
    typed = fields_of(shown) | {"cell-3-1": "b152tt", "cell-3-2": "car", "same-3-2": "yes"}
    answer = place.client.post(f"{location}/mend", data=typed)
    assert answer.status_code == 302
    after = page(place.client.get(answer.location))
    assert "4 cells changed. 2 more rows are accepted." in flashed(after)
    # What was put right is told with the other corrections; the misspelt site still waits.
    assert ["3, 4 and 5", "Travel", "by sea", "car"] not in after.rows()
    assert ["3 and 5", "Travel", "by sea", "car"] in after.rows()
    assert ["3 and 5", "Home postcode", "b152tt", "B15 2TT"] in after.rows()
    assert after.value("cell-4-3") == "Sollihul Hospital"
    assert references() == []
    # The suggestion is a button, whatever stands in the inputs.
    button = after.one("button", name="choose-4-3")
    chosen = fields_of(after) | {"choose-4-3": button.get("value", "")}
    done = page(place.client.get(place.client.post(f"{location}/mend", data=chosen).location))
    assert "1 more row is accepted" in flashed(done)
    assert "Accept 4 rows" in done.main
    post(place.client, f"{location}/accept", done)
    assert references() == ["S1", "S2", "S3", "S4"]


def test_what_was_typed_and_is_still_wrong_is_shown_with_why(place: Place) -> None:
    location, shown = place.preview(WRONG)
    typed = fields_of(shown) | {"cell-3-1": "B15"}
    after = page(place.client.get(place.client.post(f"{location}/mend", data=typed).location))
    assert "1 cell changed. What is still wrong is shown below." in flashed(after)
    assert after.value("cell-3-1") == "B15"
    again = place.client.post(f"{location}/mend", data=fields_of(after))
    assert "Nothing was changed." in flashed(page(place.client.get(again.location)))


def test_two_people_at_one_file_the_second_is_told_and_keeps_the_typing(place: Place) -> None:
    location, shown = place.preview(WRONG)
    first = fields_of(shown) | {"cell-3-2": "bus", "same-3-2": "yes"}
    assert place.client.post(f"{location}/mend", data=first).status_code == 302
    # Pressed twice, it changes nothing.
    repeated = place.client.post(f"{location}/mend", data=first)
    assert "Nothing was changed." in flashed(page(place.client.get(repeated.location)))
    second = fields_of(shown) | {"cell-3-1": "B15 2TT", "cell-3-2": "bus"}
    answer = place.client.post(f"{location}/mend", data=second)
    assert answer.status_code == 409
    told = page(answer)
    assert "Somebody else changed this file" in told.errors[""]
    assert told.value("cell-3-1") == "B15 2TT"
    # The form now carries the version as it is.
    assert place.client.post(f"{location}/mend", data=fields_of(told)).status_code == 302


def test_a_file_put_aside_or_accepted_can_no_longer_be_mended(place: Place) -> None:
    location, shown = place.preview(WRONG)
    upload = db.session.query(Upload).one()
    officer = viewer_as(Role.PLACEMENT_OFFICER, hei_id=upload.hei_id)
    typed = fields_of(shown) | {"cell-3-1": "B15 2TT"}
    accept_upload(officer, upload.id, version=upload.version)
    answer = place.client.post(f"{location}/mend", data=typed)
    assert answer.status_code == 409
    assert "has been accepted" in page(answer).errors[""]
    # Of the file's own cells, only those of refused rows are kept.
    kept = from_json(upload.parsed).table
    assert kept is not None
    assert [row.line for row in kept.rows] == [3, 4, 5]
    other, shown = place.preview(WRONG, intake="2024")
    upload = db.session.query(Upload).filter_by(intake="2024").one()
    discard_upload(officer, upload.id, version=upload.version)
    assert place.client.post(f"{other}/mend", data=fields_of(shown)).status_code == 409
    assert page(place.client.get(other)).h1.endswith("File discarded")
    assert from_json(upload.parsed).table is None


def test_filters_stand_in_the_address(place: Place) -> None:
    location, shown = place.preview(WRONG)
    assert "Refused" in shown.main
    only = page(place.client.get(f"{location}?show=refused&column=Preference+1"))
    assert fields_of(only).keys() == {"version", "cell-4-2", "cell-4-3"}
    words = page(place.client.get(f"{location}?words=s2"))
    assert fields_of(words).keys() == {"version", "cell-3-1", "cell-3-2"}
    (kind,) = [
        option.get("value", "")
        for option in shown.one("select", name="kind").iter("option")
        if str(option.text).startswith("Home postcode: It is not a full UK postcode.")
    ]
    of_kind = page(place.client.get(f"{location}?show=refused&kind={kind}"))
    assert fields_of(of_kind).keys() == {"version", "cell-3-1", "cell-3-2"}
    # Mending leads back to the same rows.
    action = of_kind.one("fieldset").get("id")
    assert action is None
    (form,) = [form for form in of_kind.root.iter("form") if "/mend" in form.get("action", "")]
    answer = place.client.post(form.get("action", ""), data=fields_of(of_kind))
    assert f"show=refused&kind={kind}" in answer.location
    nothing = page(place.client.get(f"{location}?show=refused&words=Atlantis"))
    assert "None of the refused rows is like that." in nothing.main
    assert page(place.client.get(f"{location}?show=nonsense&page=99")).h1 == shown.h1


UNKNOWN = b"Kennung,Name,PLZ,Kommentar\nS1,Ann Other,b152tt,likes 3 trams\nS2,Bob Other,WV1 1LY,\n"


def test_columns_that_are_not_known_are_asked_for(place: Place) -> None:
    answer = place.upload(UNKNOWN)
    asked = place.client.get(answer.location)
    assert asked.location.endswith("/columns")
    shown = page(place.client.get(asked.location))
    assert shown.h1.endswith("What do the columns hold?")
    assert "For example: S1; S2" in shown.main
    assert "Nothing of them is kept: Name" in shown.main
    assert "Ann" not in shown.main
    chosen = {"version": shown.value("version"), "field-0": "reference", "field-1": "", "field-2": ""}
    wrong = place.client.post(asked.location, data=chosen)
    assert wrong.status_code == 409
    assert "a column for the learner's home postcode" in page(wrong).errors[""]
    assert page(wrong).value("field-0") == "reference"
    doubled = place.client.post(asked.location, data=chosen | {"field-1": "reference"})
    assert "hold the same thing" in page(doubled).errors[""] or "could not find" in page(doubled).errors[""]
    unknown = place.client.post(asked.location, data=chosen | {"field-1": "shoe size"})
    assert unknown.status_code == 409
    right = place.client.post(asked.location, data=chosen | {"field-1": "postcode"})
    preview = page(place.client.get(right.location))
    assert "2 new learners will be added" in preview.main
    # What was left out is gone, and the button pressed twice is once.
    upload = db.session.query(Upload).one()
    assert "trams" not in upload.parsed
    again = page(place.client.get(asked.location))
    assert "as somebody chose: Kommentar" in again.main
    post(place.client, f"{answer.location}/accept", preview)
    assert references() == ["S1", "S2"]


def test_doubled_headings_are_asked_for_and_nothing_is_accepted_before(place: Place) -> None:
    data = b"Student ID,Postcode,Postcode\nS1,B15 2TT,WV1 1LY\n"
    answer = place.upload(data)
    shown = page(place.client.get(place.client.get(answer.location).location))
    assert "Some columns hold the same thing" in shown.main
    assert place.client.post(f"{answer.location}/accept", data={"version": 1}).status_code == 409
    chosen = {"version": "1", "field-0": "reference", "field-1": "postcode", "field-2": "term postcode"}
    right = place.client.post(f"{answer.location}/columns", data=chosen)
    assert "WV1 1LY" in page(place.client.get(right.location)).main


def test_all_rows_come_back_with_their_errors_in_place_and_can_be_uploaded(place: Place) -> None:
    location, shown = place.preview(WRONG)
    links = shown.links()
    data = place.client.get(links["Excel, wrong cells marked"]).get_data()
    rows = [list(record.cells) for record in read_workbook(data)[0].rows]
    assert rows[0] == [*HEADINGS.split(","), "Line", "What to put right"]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        notes = archive.read("xl/comments1.xml").decode()
    assert [cell for cell in ("B2", "B3", "C3", "C4", "D4", "C5") if f'ref="{cell}"' in notes] == [
        "B3", "C3", "C4", "D4", "C5",
    ]  # fmt: skip
    assert "not a full UK postcode" in notes
    rows[2][1], rows[2][2], rows[3][2], rows[3][3], rows[4][2] = "B15 2TT", "bus", "bus", "", "car"
    _, again = place.preview(workbook_bytes([Sheet("Cohort", rows)]))
    assert "Accept 4 rows" in again.main
    assert place.client.get(links["CSV"]).get_data().decode("utf-8-sig").count("\n") == 5
    place.client.post("/sign-out")
    sign_in(place.client, PersonFactory(role="placement_officer"))
    for address in ("rows.xlsx", "rows.csv", "columns"):
        assert place.client.get(f"{location}/{address}").status_code == 404
    assert place.client.post(f"{location}/mend", data={"version": 1}).status_code == 404


def test_a_workbook_says_which_sheet_and_line_were_read(place: Place) -> None:
    data = workbook_bytes(
        [
            Sheet("Notes", [["Please complete by Friday"]]),
            Sheet("Year 2", [["Cohort of 2025"], [], HEADINGS.split(","), ["S1", "B15 2TT", "car", "", ""]]),
        ]
    )
    _, shown = place.preview(data)
    assert "Read as Excel workbook. 1 blank row was left out." in shown.main
    assert "Read from the sheet “Year 2”. Not read: “Notes”." in shown.main
    assert "The headings were found on line 3; what is above them was not read." in shown.main


def test_the_template_as_a_workbook_has_lists_and_is_read(place: Place) -> None:
    answer = place.client.get(f"/rounds/{place.round.id}/cohorts/template.xlsx")
    with zipfile.ZipFile(io.BytesIO(answer.get_data())) as archive:
        assert archive.read("xl/worksheets/sheet1.xml").decode().count('type="list"') == 8
    cohort, lists, _ = read_workbook(answer.get_data())
    assert lists.rows[1].cells[0] == "Solihull Hospital"
    rows = [*(record.cells for record in cohort.rows), ("S1", "B15 2TT", "", "car")]
    _, shown = place.preview(
        workbook_bytes([Sheet("Lists", [record.cells for record in lists.rows]), Sheet("Cohort", rows)])
    )
    assert "The template's example was not read as a learner." in shown.main
    assert "1 new learner will be added" in shown.main
