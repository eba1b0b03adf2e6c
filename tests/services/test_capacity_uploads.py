"""Files of declarations on real databases: seen before they are saved, saved all or not at all, once."""

import io
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from placements.access import Role, Viewer
from placements.capacity import queries, receiving, service
from placements.capacity.content import ANYONE, EDUCATORS, Cell, Content, Places
from placements.capacity.downloads import declarations_csv, declarations_xlsx, file_rows
from placements.capacity.models import Declaration, DeclarationRecord, DeclarationUpload
from placements.csv_files import csv_bytes
from placements.errors import NotAllowed, NotFound, Refused, Stale
from placements.extensions import db
from placements.organisations.models import Department
from placements.rounds.models import Round
from tests.factories import (
    BlockFactory,
    DeclarationFactory,
    DepartmentFactory,
    LearnerGroupFactory,
    ModalityFactory,
    RoundFactory,
    SiteFactory,
    StageFactory,
    TrustFactory,
    saved,
    viewer_as,
)

MONDAY = date(2027, 1, 4)
MOST = Cell(ANYONE, "maximum", MONDAY).name


class Trust:
    """A round of four weeks, and a trust with a declared X-ray department and a CT department without."""

    def __init__(self) -> None:
        LearnerGroupFactory(stages=[StageFactory.build(learner_group=None, key="year_1", name="Year 1")])
        self.round: Round = RoundFactory(name="Spring 2027")
        BlockFactory(round=self.round, weeks=4)
        self.trust = TrustFactory()
        site = SiteFactory(trust=self.trust, name="Good Hope Hospital")
        self.xray: Department = DepartmentFactory(site=site)
        self.ct: Department = DepartmentFactory(site=site, modality=ModalityFactory(key="ct"))
        DeclarationFactory(round=self.round, department=self.xray, state="draft")
        saved()
        self.educator = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=self.trust.id)
        self.other = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=self.trust.id)

    def rows(self, viewer: Viewer | None = None) -> list[list[object]]:
        """The file as it is downloaded now."""
        return [
            [*row] for row in file_rows(receiving.directory(db.session, viewer or self.educator, self.round))
        ]

    def upload(self, rows: list[list[object]], viewer: Viewer | None = None) -> DeclarationUpload:
        data = csv_bytes(rows)
        return receiving.upload_declarations(
            viewer or self.educator, self.round.id, filename="C:\\spring.csv", data=data
        )

    def accept(
        self, upload: DeclarationUpload, viewer: Viewer | None = None, **choices: bool
    ) -> Mapping[int, int]:
        viewer = viewer or self.educator
        found = receiving.declaration_upload(db.session, viewer, upload.id)
        _, _, plan = receiving.plan_of(db.session, viewer, found)
        return receiving.accept_declarations(viewer, upload.id, seen=plan.seen, **choices)

    def content(self, department: Department) -> Content:
        db.session.expire_all()
        return queries.content_of(
            queries.declaration_of(db.session, self.educator, self.round.id, department.id)
        )

    def state(self, department: Department) -> str:
        db.session.expire_all()
        row = queries.declaration_of(db.session, self.educator, self.round.id, department.id)
        return row.state if row else "not declared"


def put(rows: list[list[object]], modality: str, figure: str, *values: object) -> list[list[object]]:
    """The file with these figures for anyone from its first week on."""
    for row in rows[2:]:
        if row[2] == modality and row[3] in ("Anyone", "Educators") and row[4] == figure:
            row[7 : 7 + len(values)] = values
    return rows


def records(session: Session) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(DeclarationRecord)) or 0


def test_what_is_downloaded_and_edited_is_saved_once_it_is_accepted(session: Session) -> None:
    trust = Trust()
    rows = put(trust.rows(), "X-ray", "Most", 5, 6)
    put(rows, "CT", "Most", 2, 2, 2, 2)
    put(rows, "CT", "WTE", "1,25")
    before = records(session)
    upload = trust.upload(rows)
    assert (records(session), trust.state(trust.ct)) == (before, "not declared")
    assert upload.filename == "spring.csv"
    changed = trust.accept(upload)
    assert sorted(changed) == sorted([trust.xray.id, trust.ct.id])
    assert [trust.content(trust.xray).places(ANYONE, week).maximum for week in trust.round.block_weeks()] == [
        5, 6, 3, 3,
    ]  # fmt: skip
    assert trust.content(trust.xray).places(ANYONE, MONDAY).preferred == 2
    assert trust.content(trust.ct).wte[MONDAY] == Decimal("1.25")
    assert (trust.state(trust.xray), trust.state(trust.ct)) == ("draft", "draft")
    record = session.scalars(sa.select(DeclarationRecord).order_by(DeclarationRecord.id.desc())).first()
    assert record is not None
    assert record.by_id == trust.educator.person_id
    # Twice is the same as once, and the same file again changes nothing.
    number = records(session)
    assert trust.accept(upload) == changed
    again = trust.upload(rows)
    assert again.id != upload.id
    assert trust.accept(again) == {}
    assert records(session) == number


def test_a_workbook_goes_round_and_changes_nothing(session: Session) -> None:
    trust = Trust()
    for write in (declarations_csv, declarations_xlsx):
        data = write(receiving.directory(session, trust.educator, trust.round))
        upload = receiving.upload_declarations(trust.educator, trust.round.id, filename="a", data=data)
        _, parsed, plan = receiving.plan_of(
            session, trust.educator, receiving.declaration_upload(session, trust.educator, upload.id)
        )
        assert (parsed.refusals, parsed.corrections, plan.changing) == ((), (), ())


def test_a_department_with_a_fault_is_left_and_the_others_are_saved(session: Session) -> None:
    trust = Trust()
    rows = put(trust.rows(), "X-ray", "Most", 5, "lots")
    put(rows, "CT", "Most", 2)
    upload = trust.upload(rows)
    assert sorted(trust.accept(upload)) == [trust.ct.id]
    assert trust.content(trust.xray).places(ANYONE, MONDAY).maximum == 3
    assert '"lots"' in receiving.declaration_upload(session, trust.educator, upload.id).parsed
    with pytest.raises(Refused, match="nothing to save"):
        trust.accept(trust.upload(put(trust.rows()[:5], "X-ray", "Most", "lots")))


def test_a_file_that_cannot_be_read_is_refused_and_nothing_is_kept(session: Session) -> None:
    trust = Trust()
    with pytest.raises(Refused) as refusal:
        receiving.upload_declarations(trust.educator, trust.round.id, filename="a.pdf", data=b"%PDF-1.4")
    assert "PDF" in refusal.value.fields["file"]
    trust.round.state = "draft"
    saved()
    lead = viewer_as(Role.ACADEMY_LEAD, network_id=trust.round.network_id)
    with pytest.raises(Refused, match="not open yet"):
        receiving.upload_declarations(lead, trust.round.id, filename="a.csv", data=b"")
    assert session.scalars(sa.select(DeclarationUpload)).all() == []


def test_somebody_elses_change_since_the_download_is_kept_and_the_same_cell_is_a_choice(
    session: Session,
) -> None:
    trust = Trust()
    rows = put(trust.rows(), "X-ray", "Most", 5, 3, 7)
    row = queries.declaration_of(session, trust.other, trust.round.id, trust.xray.id)
    assert row is not None
    theirs = queries.content_of(row)
    weeks = trust.round.block_weeks()
    changed = {week: Places(2, most) for week, most in zip(weeks, (4, 6, 3, 3), strict=True)}
    service.save_declaration(
        trust.other,
        trust.round.id,
        trust.xray.id,
        version=row.version,
        content=Content({ANYONE: changed}, theirs.wte),
    )
    for choice, first in ((False, 4), (True, 5)):
        upload = trust.upload(rows)
        found = receiving.declaration_upload(session, trust.educator, upload.id)
        _, _, plan = receiving.plan_of(session, trust.educator, found)
        (one,) = [one for one in plan.departments if one.standing.modality == "X-ray"]
        assert [(both.theirs.cell, both.typed, both.theirs.now) for both in one.clashes] == [(MOST, "5", "4")]
        trust.accept(upload, takes_file=choice)
        content = trust.content(trust.xray)
        assert [content.places(ANYONE, week).maximum for week in weeks] == [first, 6, 7, 3]


def test_a_file_that_is_edited_on_after_it_was_accepted_is_no_clash_with_oneself(session: Session) -> None:
    trust = Trust()
    rows = put(trust.rows(), "X-ray", "Most", 5)
    trust.accept(trust.upload(rows))
    # The same file, still of the old version: one cell changed once more, one put back.
    put(rows, "X-ray", "Most", 6, 4)
    trust.accept(trust.upload(rows))
    put(rows, "X-ray", "Most", 3, 4)
    upload = trust.upload(rows)
    _, _, plan = receiving.plan_of(
        session, trust.educator, receiving.declaration_upload(session, trust.educator, upload.id)
    )
    assert (plan.clashes, plan.cells, plan.put_back) == (0, 1, 1)
    trust.accept(upload)
    content = trust.content(trust.xray)
    assert [content.places(ANYONE, week).maximum for week in trust.round.block_weeks()[:2]] == [3, 4]


def test_nobody_saves_what_they_were_not_shown(session: Session) -> None:
    trust = Trust()
    upload = trust.upload(put(trust.rows(), "X-ray", "Most", 5))
    found = receiving.declaration_upload(session, trust.educator, upload.id)
    seen = receiving.plan_of(session, trust.educator, found)[2].seen
    trust.accept(trust.upload(put(trust.rows(), "X-ray", "Surge", 1), trust.other), trust.other)
    with pytest.raises(Stale, match="has changed since"):
        receiving.accept_declarations(trust.educator, upload.id, seen=seen)
    assert trust.content(trust.xray).places(ANYONE, MONDAY) == Places(2, 3, 1)
    trust.accept(upload)
    assert trust.content(trust.xray).places(ANYONE, MONDAY) == Places(2, 5, 1)


def test_submitting_as_well_submits_what_changes_and_what_was_a_draft(session: Session) -> None:
    trust = Trust()
    trust.accept(trust.upload(put(trust.rows(), "CT", "Most", 2)), submits=True)
    assert (trust.state(trust.xray), trust.state(trust.ct)) == ("submitted", "submitted")
    trust.accept(trust.upload(put(trust.rows(), "CT", "Most", 4)))
    assert (trust.state(trust.xray), trust.state(trust.ct)) == ("submitted", "draft")


def test_a_new_line_for_some_learners_arrives(session: Session) -> None:
    trust = Trust()
    rows = [row for row in trust.rows() if "CT" not in row]
    line = [*rows[3]]
    line[3], line[4] = "Diagnostic radiography", "Most"
    line[7:] = [1, 0, 0, 0]
    trust.accept(trust.upload([*rows, line]))
    assert trust.content(trust.xray).places("diagnostic_radiography", MONDAY).maximum == 1
    words = {(row[3], row[4]) for row in trust.rows()[2:] if row[2] == "X-ray"}
    assert ("Diagnostic radiography", "Most") in words
    assert EDUCATORS not in trust.content(trust.xray).lines


def test_only_ones_own_trust_sees_and_accepts_a_file(session: Session) -> None:
    trust = Trust()
    stranger = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=TrustFactory().id)
    lead = viewer_as(Role.ACADEMY_LEAD, network_id=trust.round.network_id)
    upload = trust.upload(put(trust.rows(), "X-ray", "Most", 5))
    with pytest.raises(NotFound):
        receiving.declaration_upload(session, stranger, upload.id)
    assert receiving.declaration_upload(session, lead, upload.id) is not None
    with pytest.raises(NotAllowed):
        receiving.accept_declarations(lead, upload.id, seen="")
    # A colleague of the trust may.
    assert trust.accept(upload, trust.other) != {}


def test_an_academy_lead_changes_the_academys_centres_and_downloads_all(session: Session) -> None:
    trust = Trust()
    centre = DepartmentFactory(site=SiteFactory(trust=trust.trust, name="Skills Centre", kind="academy"))
    saved()
    lead = viewer_as(Role.ACADEMY_LEAD, network_id=trust.round.network_id)
    rows = trust.rows(lead)
    assert {row[1] for row in rows[2:]} == {"Good Hope Hospital", "Skills Centre"}
    for row in rows[2:]:
        if row[1] == "Skills Centre" and row[4] == "Most":
            row[7] = 8
    assert sorted(trust.accept(trust.upload(rows, lead), lead)) == [centre.id]
    # A trust's figures are refused at their line, and only where they differ.
    upload = trust.upload(put(trust.rows(lead), "X-ray", "Most", 9), lead)
    _, parsed, _ = receiving.plan_of(session, lead, receiving.declaration_upload(session, lead, upload.id))
    assert [refusal.reason for refusal in parsed.refusals] == [receiving.OF_THE_TRUST]


def test_a_newer_file_takes_the_place_of_one_that_waits(session: Session) -> None:
    trust = Trust()
    first = trust.upload(put(trust.rows(), "X-ray", "Most", 5))
    assert trust.upload(put(trust.rows(), "X-ray", "Most", 5)).id == first.id
    number = first.id
    others = trust.upload(trust.rows(), trust.other)
    second = trust.upload(put(trust.rows(), "X-ray", "Most", 6))
    assert second.id != others.id
    with pytest.raises(NotFound):
        receiving.declaration_upload(session, trust.educator, number)
    assert receiving.waiting_upload(session, trust.other, trust.round.id) is not None


def test_one_site_alone_can_be_downloaded(session: Session) -> None:
    trust = Trust()
    other = DepartmentFactory(site=SiteFactory(trust=trust.trust, name="Another Hospital"))
    saved()
    found = receiving.directory(session, trust.educator, trust.round, other.site_id)
    assert [standing.site for standing in found.departments] == ["Another Hospital"]
    assert io.BytesIO(declarations_xlsx(found)).read(2) == b"PK"
    assert session.scalar(sa.select(sa.func.count()).select_from(Declaration)) == 1
