"""Cohort files before they are accepted: columns chosen and remembered, rows put right, large files
read by the worker; on both databases."""

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from placements.access import Role
from placements.cohorts import mending, queries, reading, service
from placements.cohorts.acceptance import compare
from placements.cohorts.models import ColumnChoice, Companions, Learner, Upload
from placements.cohorts.uploads import from_json
from placements.errors import NotFound, Refused, Stale
from placements.organisations.models import AccessNeed
from tests.at_once import at_once
from tests.factories import TrustFactory, viewer_as
from tests.services.test_cohorts import FILE, Place, accept, counted, file_of, place, receive

__all__ = ["place"]

UNKNOWN = b"Kennung,PLZ,Bemerkung\nS1,B15 2TT,2\nS2,b152tt,3\n"


def choose(place: Place, upload: Upload, *fields: str) -> Upload:
    return mending.choose_columns(
        place.officer, upload.id, version=upload.version, fields=fields, is_located=lambda _: True
    )


def mend(place: Place, upload: Upload, cells: dict[tuple[int, int], str], **other: int) -> mending.Mending:
    return mending.mend_upload(
        place.officer,
        upload.id,
        version=other.get("version", upload.version),
        typed=cells,
        is_located=lambda _: True,
    )


def test_a_choice_is_remembered_for_the_hei_and_can_be_forgotten(place: Place, session: Session) -> None:
    upload = receive(place, UNKNOWN)
    assert upload.state == "columns"
    with pytest.raises(Refused, match="Say first what the columns"):
        service.accept_upload(place.officer, upload.id, version=upload.version)
    assert choose(place, upload, "reference", "postcode", "").state == "received"
    # The button pressed twice, and the same file again, change nothing.
    version = upload.version
    choose(place, upload, "reference", "postcode")
    assert upload.version == version
    assert '"2"' not in upload.parsed
    other = receive(place, UNKNOWN + b"S3,B15 2TT,4\n")
    assert other.state == "received"
    table = from_json(other.parsed).table
    assert table is not None
    assert [(column.heading, column.field, column.known_by) for column in table.columns] == [
        ("Kennung", "reference", "remembered"),
        ("PLZ", "postcode", "remembered"),
    ]
    assert [column.heading for column in table.left_out] == ["Bemerkung"]
    assert mending.forget_columns(place.officer, other.id) == 3
    assert receive(place, UNKNOWN + b"S3,B15 2TT,4\n").state == "columns"
    assert session.scalar(select(func.count()).select_from(ColumnChoice)) == 0


def test_a_choice_may_go_against_what_a_heading_says(place: Place) -> None:
    data = b"Student ID,Learner ref,Postcode\nS1,X1,B15 2TT\n"
    upload = receive(place, data)
    assert upload.state == "columns"
    with pytest.raises(Refused, match="hold the same thing"):
        choose(place, upload, "reference", "reference", "postcode")
    with pytest.raises(Refused, match="from the list"):
        choose(place, upload, "reference", "shoe size", "postcode")
    choose(place, upload, "", "reference", "postcode")
    assert [row.reference for row in from_json(upload.parsed).rows] == ["X1"]
    assert [row.reference for row in from_json(receive(place, data + b"S2,X2,B15 2TT\n").parsed).rows] == [
        "X1",
        "X2",
    ]


def test_mended_rows_are_what_is_saved_and_the_same_file_again_keeps_them(
    place: Place, session: Session
) -> None:
    data = file_of("S1,B15 2TT,by sea,,,,,", "S2,nowhere,car,,,,,")
    upload = receive(place, data)
    done = mend(place, upload, {(2, 2): "car", (3, 1): "b152tt"})
    assert (done.cells, done.accepted) == (2, 2)
    assert receive(place, data).id == upload.id
    assert len(from_json(upload.parsed).rows) == 2
    assert [(note.value, note.became) for note in from_json(upload.parsed).mended] == [
        ("by sea", "car"),
        ("nowhere", "b152tt"),
    ]
    assert session.scalar(select(func.count()).select_from(Learner)) == 0
    service.accept_upload(place.officer, upload.id, version=upload.version)
    saved = {row.reference: (row.postcode, row.travel_mode) for row in session.scalars(select(Learner))}
    assert saved == {"S1": ("B15 2TT", "car"), "S2": ("B15 2TT", "car")}


def test_what_is_typed_is_judged_as_what_a_file_holds(place: Place) -> None:
    upload = receive(place, file_of("S1,nowhere,car,,,,,", "S2,B15 2TT,car,,,,,"))
    mend(place, upload, {(2, 1): "jane@example.ac.uk", (2, 0): "Jane Smith"})
    assert "jane@" not in upload.parsed
    assert "Smith" not in upload.parsed
    mend(place, upload, {(2, 1): "B15 2TT", (2, 0): "S2"})
    reasons = {refusal.line: refusal.reason for refusal in from_json(upload.parsed).refusals}
    assert reasons == dict.fromkeys((2, 3), "The same reference is on lines 2 and 3.")
    for place_ in ((9, 0), (2, 99), (2, -1)):
        with pytest.raises(NotFound):
            mend(place, upload, {place_: "x"})


def test_two_who_mend_at_once_one_is_told(place: Place, session: Session, app: Flask) -> None:
    upload = receive(place, file_of("S1,nowhere,by sea,,,,,"))
    upload_id, version = upload.id, upload.version
    session.rollback()

    def press(cell: tuple[int, int], text: str) -> str:
        try:
            mending.mend_upload(
                place.officer, upload_id, version=version, typed={cell: text}, is_located=lambda _: True
            )
        except Stale:
            return "stale"
        return "mended"

    outcomes = sorted(at_once(app, lambda: press((2, 1), "B15 2TT"), lambda: press((2, 2), "car")))
    assert outcomes == ["mended", "stale"]
    session.expire_all()
    assert len(from_json(session.get_one(Upload, upload_id).parsed).mended) == 1


def test_another_hei_mends_and_chooses_nothing(place: Place) -> None:
    upload = receive(place, UNKNOWN)
    other = viewer_as(Role.PLACEMENT_OFFICER)
    for attempt in (
        lambda: mending.choose_columns(other, upload.id, version=1, fields=["reference", "postcode", ""]),
        lambda: mending.mend_upload(other, upload.id, version=1, typed={(2, 0): "S9"}),
        lambda: mending.forget_columns(other, upload.id),
    ):
        with pytest.raises(NotFound):
            attempt()


def test_a_large_file_is_read_by_the_worker(place: Place, session: Session) -> None:
    rows = [f"L{number:04d},B15 2TT,car,Good Hope Hospital,,,," for number in range(40)]
    upload = receive(place, file_of(*rows, "L9,nowhere,car,,,,,"), rows_at_once=20)
    assert (upload.state, upload.rows_read, upload.rows_found) == ("reading", 0, 41)
    assert [row.id for row in queries.waiting_uploads(session, place.officer, place.round.id)] == [upload.id]
    with pytest.raises(Refused, match="still being read"):
        service.accept_upload(place.officer, upload.id, version=upload.version)
    with pytest.raises(Refused, match="still being read"):
        mend(place, upload, {(2, 0): "S9"})
    reading.read_upload(upload.id)
    session.expire_all()
    assert (upload.state, upload.rows_read) == ("received", 41)
    parsed = from_json(upload.parsed)
    assert (len(parsed.rows), len(parsed.refused_rows)) == (40, 1)
    # A second worker that comes late does nothing.
    version = upload.version
    reading.read_upload(upload.id)
    session.expire_all()
    assert upload.version == version
    service.accept_upload(place.officer, upload.id, version=upload.version)
    assert counted(session)["learner"] == 40


def test_a_worker_that_dies_while_reading_leaves_the_file_to_the_next(
    place: Place, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = receive(place, FILE, rows_at_once=1)
    seen: list[int] = []

    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    monkeypatch.setattr(reading, "read_rows", die)
    with pytest.raises(Killed):
        reading.read_upload(upload.id)
    session.expire_all()
    assert upload.state == "reading"
    monkeypatch.undo()
    monkeypatch.setattr(reading, "queue", lambda name, upload_id: seen.append(upload_id))
    reading.recover_uploads()
    assert seen == []
    later = reading.now_utc() + reading.QUIET_FOR * 2
    monkeypatch.setattr(reading, "now_utc", lambda: later)
    reading.recover_uploads()
    assert seen == [upload.id]
    reading.read_upload(upload.id)
    session.expire_all()
    assert upload.state == "received"
    assert counted(session)["learner"] == 0


def test_a_file_that_cannot_be_read_to_its_end_says_so(
    place: Place, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = receive(place, FILE, rows_at_once=1), receive(place, FILE, rows_at_once=1, intake="2024")

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the lights went out")

    monkeypatch.setattr(reading, "read_rows", fail)
    reading.read_upload(first.id)
    later = reading.now_utc() + reading.TRIED_FOR * 2
    monkeypatch.setattr(reading, "now_utc", lambda: later)
    reading.recover_uploads()
    session.expire_all()
    assert first.message == second.message == reading.GIVEN_UP
    service.discard_upload(place.officer, first.id, version=first.version)
    assert first.state == "discarded"


def test_a_chosen_column_of_a_large_file_goes_to_the_worker(
    place: Place, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mending, "ROWS_AT_ONCE", 1)
    upload = receive(place, UNKNOWN, rows_at_once=1)
    assert upload.state == "columns"
    assert choose(place, upload, "reference", "postcode", "").state == "reading"
    reading.read_upload(upload.id)
    session.expire_all()
    assert upload.state == "received"
    assert len(from_json(upload.parsed).rows) == 2


FULL = (
    "Student ID,Postcode,Employer,Preference 1,Released,Accommodation,Access needs,Together with,Apart from,"
    "Sites attended before,Days,Priority,Priority reason,Available until,Hub\n"
)


def learner(session: Session, reference: str) -> Learner:
    session.expire_all()
    return session.scalars(select(Learner).where(Learner.reference == reference)).one()


def others(of: Learner, kind: str) -> set[str]:
    return {
        other.reference
        for group in of.companions
        if group.kind == kind
        for other in group.learners
        if other is not of
    }


def test_all_that_steers_a_learner_is_saved_and_stays_where_a_file_says_nothing(
    place: Place, session: Session
) -> None:
    session.add(AccessNeed(key="step_free", name="Step-free access"))
    TrustFactory(ods="RL4")
    session.commit()
    data = (
        FULL + "S1,B15 2TT,RRK,Good Hope Hospital,yes,y,Step-free,S2;S3,,Solihull Hospital;Solihull Hospital,"
        "Mon-Wed,1,repeats a block,2027-06-30,RL4\n"
        "S2,B15 2TT,,,,,,,S4,,,,,,\nS3,B15 2TT,,,,,,,,,,,,,\nS4,B15 2TT,,,,,,,,,,,,,\n"
    ).encode()
    accept(place, data)
    first = learner(session, "S1")
    assert (first.released, first.accommodation, first.weekdays) == (True, True, "123")
    assert (first.priority_reason, str(first.available_until)) == ("repeats a block", "2027-06-30")
    assert first.hub is not None
    assert first.employer is not None
    assert (first.employer.ods, first.hub.ods) == ("RRK", "RL4")
    assert [need.key for need in first.access_needs] == ["step_free"]
    assert [(row.site.name, row.placements) for row in first.record.earlier_sites] == [
        ("Solihull Hospital", 2)
    ]
    assert others(first, "together") == {"S2", "S3"}
    assert others(learner(session, "S4"), "apart") == {"S2"}
    # The same file again changes nothing.
    upload = receive(place, data + b"\n")
    assert compare(session, upload, from_json(upload.parsed)).unchanged == 4
    # A file that says nothing of them leaves them; the preferences too.
    accept(place, b"Student ID,Postcode,Travel\nS1,B15 2TT,car\n")
    first = learner(session, "S1")
    assert (first.travel_mode, first.released, first.weekdays) == ("car", True, "123")
    assert first.hub is not None
    assert [row.site.name for row in first.preferences] == ["Good Hope Hospital"]
    assert others(first, "together") == {"S2", "S3"}
    # One whose columns are there and blank empties them.
    accept(place, (FULL + "S1,B15 2TT,,,,,,,,,,,,,\n").encode())
    first = learner(session, "S1")
    assert first.hub is None
    assert (first.released, first.accommodation, first.weekdays, first.priority_reason) == (
        False,
        False,
        None,
        "",
    )
    assert first.access_needs == first.preferences == first.record.earlier_sites == []
    assert others(first, "together") == set()
    # Who leaves a group leaves the others in it.
    assert groups(session) == [("apart", ["S2", "S4"]), ("together", ["S2", "S3"])]


def groups(session: Session) -> list[tuple[str, list[str]]]:
    session.expire_all()
    rows = session.scalars(select(Companions))
    return sorted((row.kind, [one.reference for one in row.learners]) for row in rows)


def companions_file(kind: str, **named: str) -> bytes:
    lines = [f"{reference},B15 2TT,{others}" for reference, others in named.items()]
    return "\n".join([f"Student ID,Postcode,{kind}", *lines, ""]).encode()


def test_three_who_go_together_are_one_group_however_they_are_named(place: Place, session: Session) -> None:
    for data in (
        companions_file("Together with", S1="S2;S3", S2="", S3="", S4=""),
        companions_file("Together with", S1="", S2="S1", S3="S2", S4=""),
        companions_file("Together with", S1="S2;S3", S2="S1;S3", S3="S1;S2", S4=""),
    ):
        upload = receive(place, data)
        service.accept_upload(place.officer, upload.id, version=upload.version)
        assert groups(session) == [("together", ["S1", "S2", "S3"])]
        again = receive(place, data + b"\n\n")
        assert compare(session, again, from_json(again.parsed)).unchanged == 4
    # A fourth joins them by their own row.
    accept(place, companions_file("Together with", S1="S2;S3;S4"))
    assert groups(session) == [("together", ["S1", "S2", "S3", "S4"])]


def test_those_kept_apart_from_one_are_not_kept_apart_from_each_other(place: Place, session: Session) -> None:
    accept(place, companions_file("Apart from", S1="S2;S3", S2="", S3=""))
    assert groups(session) == [("apart", ["S1", "S2"]), ("apart", ["S1", "S3"])]
    accept(place, companions_file("Apart from", S1="S2;S3", S2="S3", S3=""))
    assert groups(session) == [("apart", ["S1", "S2", "S3"])]


def test_what_a_learner_ranked_themselves_is_not_replaced_unsaid(place: Place, session: Session) -> None:
    cohort = accept(place)
    first = learner(session, "S1")
    first.preferences_by = "learner"
    session.commit()
    upload = receive(place, file_of("S1,B15 2TT,car,Heartlands Hospital,,,,"))
    comparison = compare(session, upload, from_json(upload.parsed))
    assert comparison.ranked_themselves == ("S1",)
    silent = receive(place, b"Student ID,Postcode\nS1,B15 2TT\n")
    assert compare(session, silent, from_json(silent.parsed)).ranked_themselves == ()
    service.accept_upload(place.officer, upload.id, version=upload.version, cohort_version=cohort.version)
    assert learner(session, "S1").preferences_by == "hei"
