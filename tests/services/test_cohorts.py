"""Cohorts: receive a file, accept it once or twice, submit the cohort, read the demand."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from placements.access import Role, Viewer
from placements.audit.models import AuditEntry
from placements.cohorts import acceptance, queries, saving, service
from placements.cohorts.demand import demand
from placements.cohorts.models import (
    Cohort,
    Learner,
    LearnerExclusion,
    LearnerPreference,
    Requirement,
    Upload,
)
from placements.cohorts.uploads import MAX_BYTES, from_json
from placements.errors import NotAllowed, NotFound, Refused, Stale
from placements.extensions import db
from placements.organisations.models import Programme, Stage
from placements.rounds.models import Round
from tests.at_once import at_once
from tests.factories import (
    BlockFactory,
    HeiFactory,
    ModalityFactory,
    PlanLineFactory,
    ProgrammeFactory,
    RoundFactory,
    SiteFactory,
    StageFactory,
    TrustFactory,
    saved,
    viewer_as,
)

HEADINGS = "Student ID,Home postcode,Travel,Preference 1,Preference 2,Employer,Sites to avoid,Available from"


@dataclass
class Place:
    """A round with two blocks, of which the programme's second year has both, and its officer."""

    round: Round
    programme: Programme
    stage: Stage
    officer: Viewer


@pytest.fixture
def place(session: Session) -> Place:
    round_ = RoundFactory()
    trust = TrustFactory(ods="RRK", name="University Hospitals Birmingham NHS Foundation Trust")
    for name, postcode in (
        ("Good Hope Hospital", "B75 7RR"),
        ("Solihull Hospital", "B91 2JL"),
        ("Heartlands Hospital", "B9 5SS"),
    ):
        SiteFactory(trust=trust, name=name, postcode=postcode)
    programme = ProgrammeFactory(hei=HeiFactory())
    stage = StageFactory(learner_group=programme.learner_group, priority=2)
    for name, first_week, keys in (
        ("Block 1", date(2027, 1, 4), ("xray",)),
        ("Block 2", date(2027, 2, 15), ("ct", "xray")),
    ):
        block = BlockFactory(round=round_, name=name, first_week=first_week, weeks=4)
        modalities = [ModalityFactory(key=key) for key in keys]
        PlanLineFactory(block=block, programme=programme, stage=stage, modalities=modalities)
    officer = viewer_as(Role.PLACEMENT_OFFICER, hei_id=programme.hei_id)
    return Place(round_, programme, stage, officer)


def file_of(*rows: str) -> bytes:
    return "\n".join((HEADINGS, *rows)).encode()


FILE = file_of(
    "S1,B15 2TT,car,Good Hope Hospital,Solihull Hospital,,,",
    "S2,B15 2TT,public transport,,,RRK,Heartlands Hospital,",
    "S3,B15 2TT,car,,,,,2027-02-01",
)


def receive(place: Place, data: bytes = FILE, **other: Any) -> Upload:
    values = {
        "programme_id": place.programme.id,
        "stage_id": place.stage.id,
        "intake": "2025",
        "filename": "cohort.csv",
        "data": data,
        "is_located": lambda postcode: postcode != "B99 9ZZ",
    } | other
    return service.receive_upload(place.officer, place.round.id, **values)


def accept(place: Place, data: bytes = FILE, **other: Any) -> Cohort:
    upload = receive(place, data, **other)
    return service.accept_upload(place.officer, upload.id, version=upload.version)


def counted(session: Session) -> dict[str, int]:
    tables = (Cohort, Learner, LearnerPreference, LearnerExclusion, Requirement)
    return {
        table.__tablename__: session.scalar(select(func.count()).select_from(table)) or 0 for table in tables
    }


def references(session: Session) -> list[str]:
    return list(session.scalars(select(Learner.reference).order_by(Learner.reference)))


NOTHING = {"cohort": 0, "learner": 0, "learner_preference": 0, "learner_exclusion": 0, "requirement": 0}
ALL = {"cohort": 1, "learner": 3, "learner_preference": 2, "learner_exclusion": 1, "requirement": 5}


def test_a_received_file_saves_nobody_until_it_is_accepted(place: Place, session: Session) -> None:
    upload = receive(place)
    assert counted(session) == NOTHING
    assert [row.reference for row in from_json(upload.parsed).rows] == ["S1", "S2", "S3"]
    cohort = service.accept_upload(place.officer, upload.id, version=upload.version)
    assert (cohort.state, cohort.intake, cohort.programme_id) == ("draft", "2025", place.programme.id)
    assert counted(session) == ALL
    first, second, third = session.scalars(select(Learner).order_by(Learner.reference))
    assert [row.site.name for row in first.preferences] == ["Good Hope Hospital", "Solihull Hospital"]
    assert (first.travel_mode, second.travel_mode) == ("car", "public_transport")
    assert second.employer is not None
    assert second.employer.ods == "RRK"
    assert [row.site.name for row in second.exclusions] == ["Heartlands Hospital"]
    # Available from February: the block that begins in January is left out.
    assert [row.block.name for row in third.requirements] == ["Block 2"]
    assert upload.state == "accepted"
    assert upload.cohort_id == cohort.id


def test_the_same_file_twice_or_the_button_twice_makes_no_doubles(place: Place, session: Session) -> None:
    upload = receive(place)
    cohort = service.accept_upload(place.officer, upload.id, version=1)
    ids = set(session.scalars(select(Requirement.id)))
    service.submit_cohort(place.officer, cohort.id, version=cohort.version)
    version = cohort.version
    again = service.accept_upload(place.officer, upload.id, version=1)
    assert again.id == cohort.id
    renewed = accept(place, intake=" 2025 ")
    assert renewed.id == cohort.id
    assert counted(session) == ALL
    assert set(session.scalars(select(Requirement.id))) == ids
    # Nothing changed, so it stays submitted.
    assert (renewed.state, renewed.version) == ("submitted", version)


def test_the_same_file_received_twice_waits_once(place: Place, session: Session) -> None:
    first, second, other = receive(place), receive(place), receive(place, intake="2026")
    assert first.id == second.id != other.id
    assert len(queries.waiting_uploads(session, place.officer, place.round.id)) == 2


def test_a_changed_file_changes_those_it_names_and_leaves_the_others(place: Place, session: Session) -> None:
    cohort = accept(place)
    service.submit_cohort(place.officer, cohort.id, version=cohort.version)
    version = cohort.version
    before = {row.learner.reference + row.block.name: row.id for row in session.scalars(select(Requirement))}
    data = file_of(
        # The preferences change places, the reference is typed in other capitals.
        "s1,B15 2TT,car,Solihull Hospital,Good Hope Hospital,,,",
        "S3,B15 2TT,car,,,,Good Hope Hospital,2027-03-01",
        "S4,B15 2TT,car,,,,,",
    )
    upload = receive(place, data)
    comparison = acceptance.compare(session, upload, from_json(upload.parsed))
    assert [learner.reference for learner in comparison.new] == ["S4"]
    assert [change.after.reference for change in comparison.changed] == ["s1", "S3"]
    assert (comparison.unchanged, comparison.staying) == (0, ("S2",))
    assert [row.reference for row in comparison.without_block] == ["S3"]
    again = service.accept_upload(place.officer, upload.id, version=upload.version)
    assert again.id == cohort.id
    assert (again.state, again.submitted_utc) == ("draft", None)
    assert again.version > version
    assert references(session) == ["S2", "S3", "S4", "s1"]
    changed = session.scalars(select(Learner).where(Learner.reference == "s1")).one()
    assert [row.site.name for row in changed.preferences] == ["Solihull Hospital", "Good Hope Hospital"]
    after = {row.learner.reference + row.block.name: row.id for row in session.scalars(select(Requirement))}
    # The ids of requirements that stay are kept; S3's is gone, since no block is left.
    assert after["s1Block 1"] == before["S1Block 1"]
    assert "S3Block 2" not in after
    assert session.query(AuditEntry).filter_by(action="accept_upload").count() == 2


def test_refused_rows_are_not_saved_and_a_file_of_only_those_cannot_be_accepted(
    place: Place, session: Session
) -> None:
    accept(place, file_of("S1,B15 2TT,car,,,,,", "S2,B99 9ZZ,car,,,,,"))
    assert references(session) == ["S1"]
    upload = receive(place, file_of("S5,B99 9ZZ,car,,,,,"))
    with pytest.raises(Refused, match="None of the rows"):
        service.accept_upload(place.officer, upload.id, version=upload.version)
    assert upload.state == "received"


def test_a_reference_of_another_cohort_is_refused_by_line_and_nothing_is_saved(
    place: Place, session: Session
) -> None:
    accept(place)
    upload = receive(place, file_of("S9,B15 2TT,car,,,,,", "s2,B15 2TT,car,,,,,"), intake="2026")
    before = counted(session)
    with pytest.raises(Refused, match=r"line 3, s2 \(.*2025 intake\)"):
        service.accept_upload(place.officer, upload.id, version=upload.version)
    assert counted(session) == before
    assert upload.state == "received"


def test_the_same_reference_at_another_hei_is_another_learner(place: Place, session: Session) -> None:
    accept(place)
    programme = ProgrammeFactory(hei=HeiFactory(), learner_group=place.programme.learner_group)
    block = session.scalars(select(Requirement)).first().block
    PlanLineFactory(block=block, programme=programme, stage=place.stage)
    officer = viewer_as(Role.PLACEMENT_OFFICER, hei_id=programme.hei_id)
    accept(Place(place.round, programme, place.stage, officer))
    assert references(session) == ["S1", "S1", "S2", "S2", "S3", "S3"]


def test_all_or_nothing_where_the_middle_fails(
    place: Place, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = receive(place)

    def fail(*_: object) -> None:
        raise RuntimeError("the lights went out")

    monkeypatch.setattr(saving, "_save_requirements", fail)
    with pytest.raises(RuntimeError):
        service.accept_upload(place.officer, upload.id, version=upload.version)
    assert counted(session) == NOTHING
    assert upload.state == "received"
    monkeypatch.undo()
    service.accept_upload(place.officer, upload.id, version=upload.version)
    assert counted(session) == ALL


def test_a_preview_that_is_out_of_date_is_stale(place: Place, session: Session) -> None:
    first, second = receive(place), receive(place, file_of("S1,B15 2TT,car,,,,,"))
    with pytest.raises(Stale):
        service.accept_upload(place.officer, first.id, version=7)
    service.accept_upload(place.officer, first.id, version=first.version, cohort_version=0)
    with pytest.raises(Stale, match="The cohort has changed"):
        service.accept_upload(place.officer, second.id, version=second.version, cohort_version=0)
    assert counted(session) == ALL
    discarded = receive(place, file_of("S8,B15 2TT,car,,,,,"))
    version = discarded.version
    service.discard_upload(place.officer, discarded.id, version=version)
    service.discard_upload(place.officer, discarded.id, version=version)
    assert not from_json(discarded.parsed).rows
    with pytest.raises(Refused, match="discarded"):
        service.accept_upload(place.officer, discarded.id, version=discarded.version)
    with pytest.raises(Refused, match="accepted"):
        service.discard_upload(place.officer, first.id, version=first.version)


@pytest.mark.parametrize("together", ["the same upload", "two uploads"])
def test_two_officers_at_once_make_one_cohort(
    place: Place, session: Session, app: Flask, together: str
) -> None:
    first = receive(place)
    second = first if together == "the same upload" else receive(place, FILE + b"\n")
    ids = [first.id, second.id]
    session.rollback()

    def press(upload_id: int) -> str:
        try:
            service.accept_upload(place.officer, upload_id, version=1)
        except Stale:
            return "stale"
        return "accepted"

    outcomes = sorted(at_once(app, lambda: press(ids[0]), lambda: press(ids[1])))
    assert outcomes in (["accepted", "accepted"], ["accepted", "stale"])
    assert counted(session) == ALL


def test_another_hei_sees_neither_upload_nor_cohort(place: Place, session: Session) -> None:
    upload = receive(place)
    cohort = accept(place, file_of("S7,B15 2TT,car,,,,,"), intake="2024")
    other = viewer_as(Role.PLACEMENT_OFFICER)
    for attempt in (
        lambda: service.accept_upload(other, upload.id, version=upload.version),
        lambda: service.discard_upload(other, upload.id, version=upload.version),
        lambda: service.submit_cohort(other, cohort.id, version=cohort.version),
        lambda: queries.upload_by_id(session, other, upload.id),
        lambda: queries.cohort_by_id(session, other, cohort.id),
        lambda: receive(Place(place.round, place.programme, place.stage, other)),
    ):
        with pytest.raises(NotFound):
            attempt()
    lead = viewer_as(Role.ACADEMY_LEAD)
    assert queries.cohort_by_id(session, lead, cohort.id) is cohort
    with pytest.raises(NotFound):
        queries.upload_by_id(session, lead, upload.id)
    for role in (Role.ACADEMY_LEAD, Role.PRACTICE_EDUCATOR, Role.ADMINISTRATOR):
        with pytest.raises(NotAllowed):
            service.accept_upload(viewer_as(role), upload.id, version=upload.version)


def test_no_cohort_is_taken_before_the_round_is_open(place: Place, session: Session) -> None:
    upload = receive(place)
    cohort = accept(place, file_of("S7,B15 2TT,car,,,,,"), intake="2024")
    session.get_one(Round, place.round.id).state = "draft"
    session.commit()
    for attempt in (
        lambda: receive(place, intake="2023"),
        lambda: service.accept_upload(place.officer, upload.id, version=upload.version),
        lambda: service.submit_cohort(place.officer, cohort.id, version=cohort.version),
    ):
        with pytest.raises(NotFound):
            attempt()


def test_late_joiners_of_a_published_round_are_in_at_once(place: Place, session: Session) -> None:
    cohort = accept(place, file_of("S7,B15 2TT,car,,,,,"))
    service.submit_cohort(place.officer, cohort.id, version=cohort.version)
    session.get_one(Round, place.round.id).state = "published"
    session.commit()
    changed = accept(place, file_of("S7,B15 2TT,car,,,,,", "S8,B15 2TT,car,,,,,"))
    assert changed.state == "submitted"
    found = demand(session, session.get_one(Round, place.round.id))
    assert [learner.reference for learner in found] == ["S7", "S8"]


def test_a_cohort_is_submitted_once_by_whoever_saw_it_as_it_is(place: Place, session: Session) -> None:
    cohort = accept(place)
    version = cohort.version
    with pytest.raises(Stale):
        service.submit_cohort(place.officer, cohort.id, version=version - 1)
    submitted = service.submit_cohort(place.officer, cohort.id, version=version)
    assert submitted.state == "submitted"
    assert submitted.submitted_utc is not None
    # The button pressed twice.
    assert service.submit_cohort(place.officer, cohort.id, version=version).version == version + 1
    with pytest.raises(Refused, match="submitted"):
        service.submit_cohort(place.officer, cohort.id, version=version + 1)


def test_a_cohort_that_needs_no_place_is_not_submitted(place: Place) -> None:
    cohort = accept(place, file_of("S1,B15 2TT,car,,,,,2027-03-01"))
    with pytest.raises(Refused, match="nothing to submit"):
        service.submit_cohort(place.officer, cohort.id, version=cohort.version)


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("file", {"data": b""}),
        ("file", {"data": HEADINGS.encode()}),
        ("file", {"data": b"x" * (MAX_BYTES + 1)}),
        ("file", {"data": b"1,1,B15 2TT"}),
        ("intake", {"intake": "this year"}),
        ("intake", {"intake": "September 2026 and after"}),
        ("choice", {"stage_id": 0}),
    ],
)
def test_a_file_or_a_choice_that_cannot_be_used_is_refused_at_its_field(
    place: Place, session: Session, field: str, other: dict[str, Any]
) -> None:
    with pytest.raises(Refused) as refusal:
        receive(place, **other)
    assert list(refusal.value.fields) == [field]
    assert session.scalar(select(func.count()).select_from(Upload)) == 0


def test_names_and_addresses_are_never_stored(place: Place, session: Session) -> None:
    data = (
        b"Student ID,Name,E-mail,Home postcode,Sites to avoid\n"
        b"S1,Ann Other,ann@example.ac.uk,B15 2TT,\n"
        b"Jane Smith,,,B15 2TT,\n"
        b'"Smith, Jane",,,B15 2TT,\n'
        b"jane@example.ac.uk,,,B15 2TT,\n"
        b"S5,,,B15 2TT,ask jane@example.ac.uk\n"
        b"=S6,,,B15 2TT,\n"
    )
    upload = receive(place, data, filename="C:\\files\\year 2.csv")
    assert upload.filename == "year 2.csv"
    for told in ("Jane", "Smith", "Ann", "@"):
        assert told not in upload.parsed
    parsed = from_json(upload.parsed)
    assert [row.line for row in parsed.refused_rows] == [3, 4, 5, 6, 7]
    assert "=S6" in upload.parsed
    service.accept_upload(place.officer, upload.id, version=upload.version)
    assert references(session) == ["S1"]


def test_the_board_counts_what_is_expected_and_what_is_submitted(place: Place, session: Session) -> None:
    second = StageFactory(learner_group=place.programme.learner_group)
    block = session.scalars(select(Round)).one().blocks[0]
    PlanLineFactory(block=block, programme=place.programme, stage=second)
    PlanLineFactory(block=block)  # another HEI's
    saved()
    cohort = accept(place)
    lead = viewer_as(Role.ACADEMY_LEAD)

    def figures(viewer: Viewer) -> tuple[int, int, int, int]:
        board = queries.board(session, viewer, place.round.id)
        return len(board.submitted), board.expected, board.learners, board.requirements

    assert figures(place.officer) == (0, 2, 0, 0)
    assert figures(lead) == (0, 3, 0, 0)
    service.submit_cohort(place.officer, cohort.id, version=cohort.version)
    assert figures(place.officer) == (1, 2, 3, 5)
    assert figures(lead) == (1, 3, 3, 5)
    states = [board.state for _, board in queries.board(session, lead, place.round.id).by_hei]
    assert sorted(states) == ["expected", "part submitted"]
    assert figures(viewer_as(Role.PRACTICE_EDUCATOR)) == (0, 0, 0, 0)


def test_demand_has_all_that_the_match_needs_of_submitted_cohorts_only(
    place: Place, session: Session
) -> None:
    data = (
        b"Student ID,Home postcode,Term postcode,Travel limit,Preference 1,Preference 2,Employer,Avoid,"
        b"Available from,Priority\n"
        b"S1,B15 2TT,B29 6LN,45,Solihull Hospital,Good Hope Hospital,RRK,Heartlands Hospital,,1\n"
        b"S2,B15 2TT,,,,,,,2027-02-01,\n"
    )
    cohort = accept(place, data)
    accept(place, file_of("S9,B15 2TT,car,,,,,"), intake="2024")
    assert demand(session, session.get_one(Round, place.round.id)) == []
    service.submit_cohort(place.officer, cohort.id, version=cohort.version)
    first, second = demand(session, session.get_one(Round, place.round.id))
    sites = {site.name: site.id for site in queries.sites_of_network(session, place.round.network_id)}
    assert (first.reference, first.hei_id, first.hei) == (
        "S1",
        place.programme.hei_id,
        place.programme.hei.name,
    )
    assert (first.group, first.stage) == (place.programme.learner_group.key, place.stage.key)
    assert (first.travels_from, first.travel_limit_minutes, first.employer) == ("B29 6LN", 45, "RRK")
    assert first.preferences == (sites["Solihull Hospital"], sites["Good Hope Hospital"])
    assert first.exclusions == (sites["Heartlands Hospital"],)
    assert [set(needed.modalities) for needed in first.requirements] == [{"xray"}, {"ct", "xray"}]
    assert [needed.priority for needed in first.requirements] == [1, 1]
    assert (second.travels_from, second.employer, second.preferences) == ("B15 2TT", None, ())
    assert [needed.priority for needed in second.requirements] == [place.stage.priority]


def test_demand_and_the_comparison_ask_few_questions_however_many_learners(
    place: Place, session: Session
) -> None:
    rows = [f"L{number:04d},B15 2TT,car,Good Hope Hospital,,RRK,Solihull Hospital," for number in range(2000)]
    cohort = accept(place, file_of(*rows), rows_at_once=5_000)
    service.submit_cohort(place.officer, cohort.id, version=cohort.version)
    upload = receive(place, file_of(*rows, "L9999,B15 2TT,car,,,,,"), rows_at_once=5_000)
    parsed = from_json(upload.parsed)
    with Counted() as asked:
        assert len(demand(session, session.get_one(Round, place.round.id))) == 2000
    # The learners, what hangs on them, the plan and earlier rounds: as many whatever their number.
    assert len(asked.statements) <= 16
    with Counted() as asked:
        comparison = acceptance.compare(session, upload, parsed)
    assert (comparison.unchanged, len(comparison.new)) == (2000, 1)
    assert len(asked.statements) <= 20


class Counted:
    """The SQL statements sent within it."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def __enter__(self) -> "Counted":
        event.listen(db.engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(db.engine, "before_cursor_execute", self._note)

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_: Iterable[Any]) -> None:
        self.statements.append(statement)
