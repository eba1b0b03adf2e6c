"""Pages that give and take files of declarations."""

import io
from collections.abc import Sequence

import pytest
from flask.testing import FlaskClient
from python_calamine import load_workbook

from placements.capacity.models import Declaration, DeclarationUpload
from placements.extensions import db
from placements.organisations.models import Department
from placements.rounds.models import Round
from tests.capacity.files import csv_of, xlsx_of
from tests.factories import (
    BlockFactory,
    DeclarationFactory,
    DepartmentFactory,
    LearnerGroupFactory,
    ModalityFactory,
    PersonFactory,
    RoundFactory,
    SiteFactory,
    saved,
)
from tests.web.pages import Page, page, sign_in

HEADINGS = ("Site", "Department", "Figure", "4 January 2027", "11 January 2027")


@pytest.fixture
def trust(client: FlaskClient) -> tuple[Round, Department, Department]:
    """A practice educator signed in, of a trust with a declared X-ray department and one of CT without."""
    LearnerGroupFactory()
    round_ = RoundFactory(name="Spring 2027")
    BlockFactory(round=round_, weeks=2)
    site = SiteFactory(name="Good Hope Hospital")
    xray = DepartmentFactory(site=site)
    ct = DepartmentFactory(site=site, modality=ModalityFactory(key="ct"))
    DeclarationFactory(round=round_, department=xray)
    saved()
    sign_in(client, PersonFactory(role="practice_educator", trust_id=site.trust_id, name="Priya Nair"))
    return round_, xray, ct


def send(client: FlaskClient, round_: Round, data: bytes, name: str = "spring.csv") -> Page:
    """Upload a file by the form; the page that follows."""
    return page(
        client.post(
            f"/rounds/{round_.id}/capacity/upload",
            data={"file": (io.BytesIO(data), name)},
            content_type="multipart/form-data",
            follow_redirects=True,
        )
    )


def wide(*rows: Sequence[object]) -> bytes:
    return csv_of([HEADINGS, *(("Good Hope Hospital", *row) for row in rows)])


def accept(client: FlaskClient, found: Page, **choices: str) -> Page:
    """Press the preview's button."""
    upload = db.session.query(DeclarationUpload).order_by(DeclarationUpload.id.desc()).first()
    assert upload is not None
    data = {"seen": found.value("seen"), **choices}
    return page(client.post(f"/declaration-uploads/{upload.id}/accept", data=data, follow_redirects=True))


def test_the_file_is_downloaded_edited_uploaded_and_accepted(
    client: FlaskClient, trust: tuple[Round, Department, Department]
) -> None:
    round_, xray, ct = trust
    form = page(client.get(f"/rounds/{round_.id}/capacity/upload"))
    answer = client.get(form.links()["What is declared now (Excel)"])
    assert "attachment" in answer.headers["Content-Disposition"]
    rows = load_workbook(io.BytesIO(answer.data)).get_sheet_by_name("Declarations").to_python()
    assert rows[2][1:5] == ["Good Hope Hospital", "X-ray", "Anyone", "Preferred"]
    rows[3][7:9] = [5, 5]
    for row in rows[6:]:
        row[7:9] = [1, 1]
    found = send(client, round_, xlsx_of(rows), "spring.xlsx")
    assert found.h1 == "Spring 2027: capacity Check your file before it is saved"
    assert "10 cells of 2 departments will change." in found.main
    assert "1 declaration that was submitted or approved will go back to draft" in found.main
    assert ["Anyone", "Most places", "4 Jan to 11 Jan", "3", "5"] in found.rows()
    assert db.session.query(Declaration).count() == 1
    after = accept(client, found, submit="yes")
    assert "Saved: 2 departments changed. The file's departments are submitted." in after.text
    states = {row.department_id: row.state for row in db.session.query(Declaration)}
    assert states == {xray.id: "submitted", ct.id: "submitted"}
    again = send(client, round_, xlsx_of(rows), "spring.xlsx")
    assert "the file says what is declared already" in again.main
    assert "Nothing had to be changed." in accept(client, again).text


def test_the_preview_says_what_is_refused_and_corrected_and_gives_the_rows_back(
    client: FlaskClient, trust: tuple[Round, Department, Department]
) -> None:
    round_, _, _ = trust
    found = send(
        client,
        round_,
        wide(("X-ray", "Max", "5 places", 4), ("CT", "Most", "lots", ""), ("CT", "Surge", 1, 1)),
    )
    refused = found.rows()[0]
    assert refused[:4] == ["3", "4 January 2027 (column D)", "lots", "It is not a whole number."]
    assert refused[4] == "Write a whole number from 0 to 99."
    assert ["2", "4 January 2027 (column D)", "5 places", "5"] in found.rows()
    assert "1 department will not be saved until its rows are put right: CT, Good Hope Hospital" in found.main
    links = found.links()
    assert b"lots" in client.get(links["CSV"]).data
    assert client.get(links["Excel, wrong cells marked"]).data.startswith(b"PK")
    only = page(client.get(f"{links['CSV'].rsplit('/', 1)[0]}?show=corrected"))
    assert ["2", "4 January 2027 (column D)", "5 places", "5"] in only.rows()
    assert len(only.rows()) == 1
    assert "Saved: 1 department changed." in accept(client, found).text
    accepted = page(client.get(links["CSV"].rsplit("/", 1)[0]))
    assert "1 department was changed" in accepted.main
    assert b"lots" in client.get(links["CSV"]).data


def test_a_file_that_cannot_be_read_is_refused_at_its_field(
    client: FlaskClient, trust: tuple[Round, Department, Department]
) -> None:
    round_, _, _ = trust
    answer = page(client.post(f"/rounds/{round_.id}/capacity/upload", data={}))
    assert answer.errors == {"file": "Choose the file that holds the declarations"}
    answer = send(client, round_, b"%PDF-1.7", "spring.pdf")
    assert "This is a PDF document" in answer.errors["file"]
    answer = send(client, round_, b"<script>alert(1)</script>,x\n", "<b>.csv")
    assert "We could not find the headings" in answer.errors["file"]


def test_what_stands_in_a_file_is_shown_as_text(
    client: FlaskClient, trust: tuple[Round, Department, Department]
) -> None:
    round_, _, _ = trust
    found = send(client, round_, wide(("<b>CT</b>", "Most", "<i>3</i>", 1)), "<u>a.csv")
    assert any("<b>CT</b>" in cells for cells in found.rows())


def test_a_change_by_somebody_else_is_a_choice(
    client: FlaskClient, trust: tuple[Round, Department, Department]
) -> None:
    round_, xray, _ = trust
    text = client.get(f"/rounds/{round_.id}/capacity/declarations.csv").text
    mine = text.replace("Most,learners at once,1,3,3", "Most,learners at once,1,5,3")
    assert mine != text
    colleague = client.application.test_client()  # type: ignore[attr-defined]
    sign_in(colleague, PersonFactory(role="practice_educator", trust_id=xray.site.trust_id, name="Omar Aziz"))
    accept(colleague, send(colleague, round_, wide(("X-ray", "Most", 4, 3))))
    found = send(client, round_, mine.encode())
    assert "1 cell was changed by somebody else too. Which figures shall stand?" in found.main
    assert ["Anyone, most places, 4 Jan 2027", "3", "5", "4", "Omar Aziz"] in found.rows()
    # Meanwhile the colleague saves once more: nothing is saved over what was not shown.
    accept(colleague, send(colleague, round_, wide(("X-ray", "Surge", 2, 2))))
    latest = db.session.query(DeclarationUpload).order_by(DeclarationUpload.id).all()
    waiting = next(upload for upload in latest if upload.state == "received")
    answer = client.post(
        f"/declaration-uploads/{waiting.id}/accept", data={"seen": found.value("seen"), "clashes": "file"}
    )
    assert answer.status_code == 409
    stale = page(answer)
    assert "has changed since this preview was made" in stale.errors[""]
    answer = client.post(
        f"/declaration-uploads/{waiting.id}/accept", data={"seen": stale.value("seen"), "clashes": "file"}
    )
    assert answer.status_code == 302
    assert "Most,learners at once,4,5,3" in client.get(f"/rounds/{round_.id}/capacity/declarations.csv").text


def test_downloads_of_one_site_and_empty(
    client: FlaskClient, trust: tuple[Round, Department, Department]
) -> None:
    round_, xray, _ = trust
    address = f"/rounds/{round_.id}/capacity/declarations.csv"
    assert client.get(f"{address}?site={xray.site_id}").text.count("X-ray") == 4
    assert client.get(f"{address}?site=999999").status_code == 404
    assert client.get(f"{address}?site={10**30}").status_code == 404
    assert "Most,learners at once,1,," in client.get(f"{address}?empty=yes").text
