"""The published places as people look at them, in lists, workbooks, letters and calendars."""

import csv
import io
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar, Event
from pypdf import PdfReader
from python_calamine import CalamineWorkbook
from sqlalchemy.orm import Session

from placements.access import Role
from placements.allocations.calendars import calendar_of
from placements.allocations.letters import letters_pdf
from placements.allocations.lists import COLUMNS, TRUST_COLUMNS, places_csv, places_xlsx
from placements.allocations.models import Publication, PublicationLine
from placements.allocations.published import (
    LineFilter,
    Travel,
    by_learner,
    filtered_lines,
    former_places,
    in_groups,
    learners_page,
    travel_of,
    with_all_blocks,
)
from placements.rounds.models import Round
from tests.factories import (
    DepartmentFactory,
    HeiFactory,
    PublicationFactory,
    PublicationLineFactory,
    saved,
    viewer_as,
)

STAMP = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


def a_line(**values: object) -> PublicationLine:
    """A published line of no database: placed, in January and February 2027."""
    return PublicationLine(
        **{
            "requirement_id": 7,
            "state": "placed",
            "hei_id": 1,
            "hei": "City University",
            "programme": "BSc (Hons) Diagnostic Radiography",
            "stage": "Year 2",
            "learner_reference": "DR-001",
            "block": "Block 1",
            "first_week": date(2027, 1, 4),
            "weeks": 4,
            "weekdays": "12345",
            "trust": "Here NHS Trust",
            "site": "Queen Elizabeth Hospital",
            "site_postcode": "B15 2GW",
            "modality": "X-ray",
            "travel_minutes": 95,
            "travel_is_estimated": True,
            "travel_mode": "car",
            "not_ready": "",
            "why_moved": "",
        }
        | values
    )


def a_publication(number: int = 1) -> Publication:
    return Publication(id=1, round=Round(name="Spring 2027"), number=number, published_utc=STAMP)


def test_learners_are_paged_whole_with_their_blocks_in_order(session: Session) -> None:
    publication, hei = PublicationFactory(), HeiFactory()
    for reference in ("C", "A", "B"):
        for block, first_week in (("Block 2", date(2027, 3, 1)), ("Block 1", date(2027, 1, 4))):
            PublicationLineFactory(
                publication=publication,
                of_hei=hei,
                learner_reference=reference,
                block=block,
                first_week=first_week,
            )
    saved()
    lead = viewer_as(Role.ACADEMY_LEAD)
    found = filtered_lines(lead, publication)
    first, total = learners_page(session, found, page=1, size=2)
    second, _ = learners_page(session, found, page=2, size=2)
    assert total == 3
    assert [learner.first.learner_reference for learner in first + second] == ["A", "B", "C"]
    assert all([line.block for line in learner.lines] == ["Block 1", "Block 2"] for learner in first + second)
    spring = filtered_lines(lead, publication, LineFilter(block="Block 2"))
    assert [len(learner.lines) for learner in learners_page(session, spring, page=1, size=9)[0]] == [1, 1, 1]


def test_a_letter_is_about_all_blocks_of_the_learners_that_are_picked(session: Session) -> None:
    publication, hei = PublicationFactory(), HeiFactory()
    for reference, block in (("A", "Block 1"), ("A", "Block 2"), ("B", "Block 1")):
        PublicationLineFactory(publication=publication, of_hei=hei, learner_reference=reference, block=block)
    PublicationLineFactory(publication=publication, learner_reference="A")
    saved()
    lead = viewer_as(Role.ACADEMY_LEAD)
    picked = filtered_lines(lead, publication, LineFilter(block="Block 2"))
    found = session.scalars(with_all_blocks(lead, publication, picked))
    assert [(line.hei, line.learner_reference, line.block) for line in found] == [
        (hei.name, "A", "Block 1"),
        (hei.name, "A", "Block 2"),
    ]


def test_references_of_two_heis_that_are_the_same_stay_two_learners(session: Session) -> None:
    publication = PublicationFactory()
    for _ in range(2):
        PublicationLineFactory(publication=publication, of_hei=HeiFactory(), learner_reference="SAME")
    saved()
    found = filtered_lines(viewer_as(Role.ACADEMY_LEAD), publication)
    learners, total = learners_page(session, found, page=1, size=9)
    assert (len(learners), total) == (2, 2)


def test_sites_come_in_order_and_the_unplaced_after_them(session: Session) -> None:
    publication = PublicationFactory()
    PublicationLineFactory(publication=publication, state="unplaced", block="Block 1")
    south, north = (DepartmentFactory(site__name=name) for name in ("South", "North"))
    for department in (south, north, south):
        PublicationLineFactory(publication=publication, at=department)
    saved()
    found = session.scalars(filtered_lines(viewer_as(Role.ACADEMY_LEAD), publication, view="site"))
    groups = in_groups(found, "site")
    assert [(group.heading, len(group.lines)) for group in groups] == [
        ("North", 1),
        ("South", 2),
        ("Not placed", 1),
    ]


def test_where_travel_comes_from_is_said_once(session: Session) -> None:
    publication = PublicationFactory()
    PublicationLineFactory(publication=publication)
    PublicationLineFactory(publication=publication, state="unplaced")
    saved()
    found = filtered_lines(viewer_as(Role.ACADEMY_LEAD), publication)
    assert travel_of(session, found) == Travel(estimated=1, from_matrix=0)
    assert "All minutes are estimates" in Travel(1, 0).sentence
    assert "marked “estimate”" in Travel(1, 1).sentence
    assert "estimate" not in Travel(0, 1).sentence
    assert Travel(0, 0).sentence == ""


def test_a_file_of_places_opens_in_a_spreadsheet_and_runs_nothing() -> None:
    placed = a_line(learner_reference="=1+1")
    unplaced = a_line(
        state="unplaced", site=None, requirement_id=8, travel_minutes=None, reason="Every place is taken."
    )
    data = places_csv([placed, unplaced], changed={7: "Moved"})
    assert data.startswith(b"\xef\xbb\xbf")
    first, second = csv.DictReader(io.StringIO(data.decode("utf-8-sig")))
    assert list(first) == [*COLUMNS, "Changed"]
    assert first["Learner reference"] == "'=1+1"
    assert (first["Week commencing"], first["Last day"], first["Result"], first["Travel minutes are"]) == (
        "2027-01-04",
        "2027-01-29",
        "placed",
        "estimated",
    )
    assert (second["Result"], second["Site"], second["Travel minutes are"]) == ("not placed", "", "")
    assert (first["Days"], first["Travel"]) == ("Monday to Friday", "by car")
    (held,) = csv.DictReader(
        io.StringIO(places_csv([a_line(state="held", not_ready="DBS")]).decode("utf-8-sig"))
    )
    assert (held["Result"], held["Not ready"]) == ("held back", "DBS")
    assert (first["Changed"], second["Changed"]) == ("Moved", "")
    assert second["Reason"] == "Every place is taken."
    for_trust = places_csv([placed], TRUST_COLUMNS).decode("utf-8-sig")
    assert "ravel" not in for_trust, "where a learner lives is not the trust's to know"
    assert placed.hei in for_trust


def test_a_workbook_has_the_places_and_the_learners_side_by_side() -> None:
    lines = [
        a_line(),
        a_line(
            requirement_id=8, block="Block 2", first_week=date(2027, 3, 1), modality="CT", travel_minutes=20
        ),
        a_line(requirement_id=9, learner_reference="=DR", state="unplaced", travel_minutes=None),
    ]
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(places_xlsx(a_publication(2), lines)))
    assert workbook.sheet_names == ["Places", "By learner", "About"]
    places = workbook.get_sheet_by_name("Places").to_python()
    assert places[0] == list(COLUMNS)
    assert places[1][places[0].index("Week commencing")] == date(2027, 1, 4)
    learners = workbook.get_sheet_by_name("By learner").to_python()
    assert learners[0][3:] == [
        "Learner reference",
        "Block 1",
        "Block 1: minutes",
        "Block 2",
        "Block 2: minutes",
    ]
    assert learners[1][3:] == [
        "DR-001",
        "X-ray, Queen Elizabeth Hospital",
        95,
        "CT, Queen Elizabeth Hospital",
        20,
    ]
    assert learners[2][3:] == ["=DR", "Not placed (X-ray)", "", "", ""]
    about = workbook.get_sheet_by_name("About").to_python()
    assert ["Version", 2] in [row[:2] for row in about]
    for_trust = CalamineWorkbook.from_filelike(io.BytesIO(places_xlsx(a_publication(), lines, TRUST_COLUMNS)))
    words = str([for_trust.get_sheet_by_name(name).to_python() for name in for_trust.sheet_names])
    assert "ravel" not in words
    assert "95" not in words


def letters(*lines: PublicationLine, **options: object) -> list[str]:
    """The text of each page, with white space as one space."""
    pdf = letters_pdf(a_publication(2), by_learner(lines), **options)  # type: ignore[arg-type]
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(pdf)).pages]


def test_a_letter_says_where_when_and_how_far() -> None:
    later = a_line(
        requirement_id=8,
        block="Block 2",
        first_week=date(2027, 3, 29),
        weeks=1,
        modality="CT",
        travel_minutes=20,
    )
    none = a_line(requirement_id=9, block="Block 3", first_week=date(2027, 5, 10), weeks=1, state="unplaced")
    (page,) = letters(later, a_line(), none, texts={1: "Wear your uniform.\n\nAsk for Ms O’Neill."})
    for words in (
        "City University",
        "Published 24 November 2026",
        "Your placements, Spring 2027",
        "Learner DR-001",
        "BSc (Hons) Diagnostic Radiography, Year 2",
        "Block 1: X-ray",
        "Where Queen Elizabeth Hospital, B15 2GW",
        "Trust Here NHS Trust",
        "First day Monday 4 January 2027",
        "Last day Friday 29 January 2027",
        "Days Monday to Friday",
        "Weeks commencing 4 Jan, 11 Jan, 18 Jan, 25 Jan (4 weeks)",
        "Travel one way 1 h 35 min by car (an estimate)",
        "Bank holidays Monday 29 March 2027 (Easter Monday)",
        "No place yet",
        "Block 3, 10 May 2027 to 14 May 2027: X-ray",
        "From City University",
        "Wear your uniform. Ask for Ms O’Neill.",
        "version 2",
    ):
        assert words in page, words
    assert page.index("Block 1: X-ray") < page.index("Block 2: CT"), "in order of time"


def test_a_letter_of_a_part_time_learner_says_the_days_and_their_first_and_last() -> None:
    (page,) = letters(
        a_line(weekdays="24", travel_mode="public_transport", first_week=date(2027, 3, 22), weeks=2)
    )
    for words in (
        "First day Tuesday 23 March 2027",
        "Last day Thursday 1 April 2027",
        "Days Tuesday and Thursday",
        "by public transport",
    ):
        assert words in page, words
    assert "Bank holidays" not in page, "Good Friday and Easter Monday are days off in any case"


def test_a_letter_keeps_to_itself_where_a_place_is_that_is_held_back() -> None:
    held = a_line(requirement_id=8, state="held", site="Secret Hospital", block="Block 2", not_ready="DBS")
    warned = a_line(not_ready="mandatory training")
    (page,) = letters(warned, held)
    assert "Secret" not in page
    assert "Waiting until you are ready" in page
    assert "Block 2, 4 January 2027 to 29 January 2027: DBS" in page
    assert "Still to do mandatory training" in page
    (alone,) = letters(held)
    assert "Secret" not in alone


def test_a_trusts_letter_does_not_say_how_far_the_learner_travels() -> None:
    (page,) = letters(a_line(), with_travel=False)
    assert "ravel" not in page
    assert "Your placement, Spring 2027" in page


def test_each_learner_with_a_place_has_a_letter_and_a_page_of_their_own() -> None:
    pages = letters(
        a_line(), a_line(learner_reference="DR-002"), a_line(learner_reference="X", state="unplaced")
    )
    assert [("DR-001" in page, "DR-002" in page) for page in pages] == [(True, False), (False, True)]


def test_a_letter_is_a_tagged_document_in_english_with_a_title() -> None:
    reader = PdfReader(io.BytesIO(letters_pdf(a_publication(), by_learner([a_line()]))))
    assert reader.root_object["/MarkInfo"]["/Marked"]
    assert reader.root_object["/Lang"] == "en-GB"
    assert reader.metadata is not None
    assert reader.metadata.title == "Placement letters, Spring 2027, version 1"
    width, height = (float(side) for side in reader.pages[0].mediabox[2:])
    assert (round(width), round(height)) == (595, 842), "A4"


ODD = "ŵŷ éü #1 $x$ @you *b* _i_ `c` \"q\" 'q' “q” \\n <a> [x] {y} ~ // /* %"


def test_what_was_typed_comes_out_as_typed() -> None:
    (page,) = letters(
        a_line(learner_reference=ODD, site=ODD, hei=ODD, block=ODD), texts={1: f"{ODD}\n#panic(1) = 2"}
    )
    assert page.count(ODD) >= 5
    assert "#panic(1) = 2" in page


@given(st.text(max_size=40))
@settings(max_examples=12, deadline=None)
def test_any_text_makes_a_letter_and_a_calendar(text: str) -> None:
    line = a_line(learner_reference=text, site=text, block=text)
    pdf = letters_pdf(a_publication(), by_learner([line]), texts={1: text})
    assert len(PdfReader(io.BytesIO(pdf)).pages) >= 1
    (event,) = events(calendar(line))
    # RFC 5545 has no way to write other controls, nor more than one kind of line break.
    kept = "".join(character for character in text if character.isprintable())
    said = "".join(character for character in str(event["summary"]) if character.isprintable())
    assert kept in said


def calendar(*lines: PublicationLine, number: int = 1, **options: object) -> bytes:
    given: dict[str, object] = {
        "name": "Placements",
        "host": "site.example",
        "number": number,
        "stamp": STAMP,
    }
    return calendar_of(lines, **given | options)  # type: ignore[arg-type]


def events(data: bytes) -> list[Event]:
    return list(Calendar.from_ical(data).walk("VEVENT"))


def test_a_place_is_days_in_the_calendar() -> None:
    (event,) = events(calendar(a_line(), a_line(requirement_id=8, state="unplaced")))
    assert (event.decoded("dtstart"), event.decoded("dtend")) == (date(2027, 1, 4), date(2027, 1, 9))
    assert dict(event["rrule"]) == {"FREQ": ["WEEKLY"], "COUNT": [4]}
    assert event["summary"] == "DR-001: X-ray, Queen Elizabeth Hospital"
    assert event["location"] == "Queen Elizabeth Hospital, Here NHS Trust, B15 2GW"
    assert "Travel one way: 1 h 35 min by car (an estimate)" in event["description"]
    (for_learner,) = events(calendar(a_line(weeks=1), for_one_learner=True, with_travel=False))
    assert for_learner["summary"] == "X-ray, Queen Elizabeth Hospital"
    assert "rrule" not in for_learner
    assert "ravel" not in for_learner["description"]


def test_days_that_are_not_in_a_row_are_entries_of_their_own() -> None:
    (event,) = events(calendar(a_line(weekdays="135")))
    assert (event.decoded("dtstart"), event.decoded("dtend")) == (date(2027, 1, 4), date(2027, 1, 5))
    assert dict(event["rrule"]) == {"FREQ": ["WEEKLY"], "COUNT": [12], "BYDAY": ["MO", "WE", "FR"]}
    (event,) = events(calendar(a_line(weekdays="345")))
    assert (event.decoded("dtstart"), event.decoded("dtend")) == (date(2027, 1, 6), date(2027, 1, 9))
    assert dict(event["rrule"]) == {"FREQ": ["WEEKLY"], "COUNT": [4]}
    assert events(calendar(a_line(state="held"))) == []


def test_a_later_version_changes_the_entry_that_is_there() -> None:
    (first,), (second,) = events(calendar(a_line())), events(calendar(a_line(site="Elsewhere"), number=2))
    assert first["uid"] == second["uid"] == "requirement-7@site.example"
    assert second["sequence"] > first["sequence"]
    moved, gone = events(calendar(a_line(), number=2, gone=[a_line(requirement_id=8)]))
    assert "status" not in moved
    assert (gone["status"], gone["uid"]) == ("CANCELLED", "requirement-8@site.example")


def test_text_in_a_calendar_begins_no_line_of_its_own() -> None:
    data = calendar(a_line(site="A; B, C\nATTENDEE:mailto:x@example.com \\ end"))
    assert b"\r\nATTENDEE" not in data
    (event,) = events(data)
    assert "A; B, C\nATTENDEE:mailto:x@example.com \\ end" in event["summary"]


@pytest.fixture
def versions(session: Session) -> tuple[Publication, Publication]:
    first = PublicationFactory()
    return first, PublicationFactory(round=first.round, number=2)


def test_places_of_earlier_versions_that_are_gone_are_found(
    session: Session, versions: tuple[Publication, Publication]
) -> None:
    first, second = versions
    third = PublicationFactory(round=first.round, number=3)
    kept, gone = (PublicationLineFactory(publication=first) for _ in range(2))
    PublicationLineFactory(publication=second, requirement_id=gone.requirement_id, block="As it was last")
    PublicationLineFactory(publication=third, requirement_id=kept.requirement_id)
    PublicationLineFactory(publication=third, requirement_id=gone.requirement_id, state="unplaced")
    PublicationLineFactory(publication=first, state="unplaced")
    saved()
    lead = viewer_as(Role.ACADEMY_LEAD)
    assert [line.block for line in former_places(session, lead, third)] == ["As it was last"]
    assert former_places(session, lead, first) == []
    left = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=kept.trust_id)
    assert [line.id for line in former_places(session, left, third)] == [kept.id], "it went to another trust"
    assert former_places(session, lead, third, LineFilter(hei="Nobody")) == []
