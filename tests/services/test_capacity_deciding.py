"""Deciding on declarations; what changed and history; the board; the most of sites and trusts."""

from collections.abc import Mapping
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from placements.access import Role, Viewer
from placements.capacity import board as boards
from placements.capacity import caps, comparing, deciding, queries, reminders, service
from placements.capacity.board import Filters, board
from placements.capacity.caps import WHOLE_TRUST, NewLimit
from placements.capacity.content import ANYONE, Content, Places
from placements.capacity.models import Cap, Declaration, DeclarationRecord
from placements.clock import now_utc, set_clock
from placements.errors import NotAllowed, NotFound, Refused, Stale
from placements.extensions import db
from placements.mail.models import Message
from placements.organisations.models import Department, Site, Trust
from placements.rounds.models import Round
from tests.at_once import at_once
from tests.conftest import NOW_UTC
from tests.factories import (
    BlockFactory,
    DeclarationFactory,
    DepartmentFactory,
    ModalityFactory,
    PersonFactory,
    RoundFactory,
    SiteFactory,
    TrustFactory,
    saved,
    viewer_as,
)

JANUARY = [date(2027, 1, 4) + timedelta(weeks=index) for index in range(4)]


@pytest.fixture
def round_(session: Session) -> Round:
    row: Round = RoundFactory(declare_by=date(2026, 12, 1))
    BlockFactory(round=row)
    return row


@pytest.fixture
def trust(round_: Round) -> Trust:
    row: Trust = TrustFactory(name="Here NHS Trust")
    saved()
    return row


def department_of(trust: Trust, modality: str = "xray") -> Department:
    row: Department = DepartmentFactory(site=SiteFactory(trust=trust), modality=ModalityFactory(key=modality))
    return row


def lead_of(trust: Trust) -> Viewer:
    return viewer_as(Role.TRUST_EDUCATION_LEAD, trust_id=trust.id)


def content(maximum: int = 3, preferred: int = 2, weeks: int = 4) -> Content:
    return Content({ANYONE: {week: Places(preferred, maximum) for week in JANUARY[:weeks]}}, {})


# What changed


def test_a_change_is_told_in_a_sentence_and_step_by_step() -> None:
    before = Content({ANYONE: {week: Places(2, 5) for week in JANUARY}}, {}, "one_to_one")
    after = Content(
        {
            ANYONE: {week: Places(2, 4 if week != JANUARY[2] else 5) for week in JANUARY},
            "sonography": {JANUARY[0]: Places(1, 1)},
        },
        {},
        "coaching",
    )
    found = comparing.steps(before, after)
    assert [(step.line, step.column, step.before, step.after, step.when) for step in found] == [
        ("any", "maximum", "5", "4", "4 Jan to 11 Jan, 25 Jan (3 weeks)"),
        ("sonography", "preferred", "0", "1", "4 Jan"),
        ("sonography", "maximum", "0", "1", "4 Jan"),
        ("", "model", "one_to_one", "coaching", ""),
    ]
    models = {"one_to_one": "1:1", "coaching": "Coaching groups"}
    assert comparing.summary(found, {"sonography": "Sonography"}, models) == [
        "most places 5 to 4 in 3 weeks",
        "Sonography: preferred places 0 to 1 in the week of 4 Jan",
        "Sonography: most places 0 to 1 in the week of 4 Jan",
        "supervision model 1:1 to Coaching groups",
    ]
    assert comparing.steps(before, before) == []


def test_a_long_list_of_changes_is_cut_and_counted() -> None:
    before = Content()
    after = Content({ANYONE: {week: Places(0, index + 1) for index, week in enumerate(JANUARY)}}, {})
    more = Content({**after.lines, "b": {week: Places(0, 1) for week in JANUARY[:2]}, "c": {}}, {})
    words = comparing.summary(comparing.steps(before, more), {}, {})
    assert words[0] == "b: most places 0 to 1 in 2 weeks"
    assert len(words) == 5
    assert words[-1] == "and 1 more change"


# Deciding


def submitted(viewer: Viewer, round_: Round, department: Department, whole: Content) -> Declaration:
    there = queries.declaration_of(db.session, viewer, round_.id, department.id)
    done = service.submit_declaration(
        viewer,
        round_.id,
        department.id,
        version=there.version if there else 0,
        content=whole,
        comment="As agreed",
    )
    assert done.declaration is not None
    return done.declaration


def test_what_waits_is_shown_against_what_was_approved(session: Session, round_: Round, trust: Trust) -> None:
    educator = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=trust.id)
    lead = lead_of(trust)
    changed, new, other = department_of(trust), department_of(trust), department_of(TrustFactory())
    DeclarationFactory(round=round_, department=changed, preferred=2, maximum=5)
    DeclarationFactory(round=round_, department=other, state="submitted")
    saved()
    submitted(educator, round_, changed, content(4))
    submitted(educator, round_, new, content())
    found = {row.department.id: row for row in deciding.waiting(session, lead, round_.id)}
    assert set(found) == {changed.id, new.id}
    row = found[changed.id]
    assert (row.submitted_by, row.comment) == (educator.name, "As agreed")
    assert ("any", "maximum", "5", "4") in {
        (step.line, step.column, step.before, step.after) for step in row.steps
    }
    assert found[new.id].approved is None
    assert deciding.count_waiting(session, lead, round_.id) == 2
    assert deciding.count_waiting(session, viewer_as(Role.ACADEMY_LEAD), round_.id) == 0
    assert deciding.count_waiting(session, educator, round_.id) == 0


def test_several_are_approved_at_once_or_none(session: Session, round_: Round, trust: Trust) -> None:
    educator, lead = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=trust.id), lead_of(trust)
    departments = [department_of(trust) for _ in range(3)]
    versions = {row.id: submitted(educator, round_, row, content()).version for row in departments}
    stale = versions | {departments[1].id: 1}
    with pytest.raises(Stale):
        deciding.approve_declarations(lead, round_.id, stale)
    assert queries.offers(session, round_.id) == []
    with pytest.raises(Refused, match="Choose at least one"):
        deciding.approve_declarations(lead, round_.id, {})
    with pytest.raises(Refused):
        deciding.approve_declarations(lead, round_.id, versions, comment="x" * 2001)
    with pytest.raises(NotAllowed):
        deciding.approve_declarations(educator, round_.id, versions)
    done = deciding.approve_declarations(lead, round_.id, versions, comment="Thank you")
    assert {row.state for row in done} == {"approved"}
    assert len(queries.offers(session, round_.id)) == 3
    comments = session.scalars(
        select(DeclarationRecord.comment).where(DeclarationRecord.verb == "approve")
    ).all()
    assert comments == ["Thank you"] * 3
    with pytest.raises(Stale):
        deciding.approve_declarations(lead, round_.id, versions)


def test_two_leads_at_once_decide_once(app: Flask, session: Session, round_: Round, trust: Trust) -> None:
    educator = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=trust.id)
    department = department_of(trust)
    version = submitted(educator, round_, department, content()).version
    leads = [lead_of(trust), lead_of(trust)]
    round_id, department_id = round_.id, department.id
    session.rollback()

    def decide(lead: Viewer, verb: str) -> str:
        try:
            if verb == "approve":
                deciding.approve_declarations(lead, round_id, {department_id: version})
            else:
                deciding.return_declaration(lead, round_id, department_id, version=version, comment="Why?")
        except Stale:
            return "stale"
        return verb

    answers = at_once(app, lambda: decide(leads[0], "approve"), lambda: decide(leads[1], "return"))
    assert len(answers) == 2
    assert answers.count("stale") == 1, answers
    verbs = session.scalars(
        select(DeclarationRecord.verb).where(DeclarationRecord.verb.in_(("approve", "return")))
    ).all()
    assert len(verbs) == 1
    told = session.scalars(select(Message)).all()
    assert len(told) == (1 if verbs == ["return"] else 0)


def test_whoever_submitted_is_told_what_to_change(session: Session, round_: Round, trust: Trust) -> None:
    lead = lead_of(trust)
    person = PersonFactory(role="practice_educator", trust_id=trust.id)
    colleague = PersonFactory(role="practice_educator", trust_id=trust.id)
    gone = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=trust.id)
    saved()
    viewer = Viewer(person.id, person.name, Role.PRACTICE_EDUCATOR, trust_id=trust.id)
    for by, told in ((viewer, {person.email}), (gone, {person.email, colleague.email})):
        department = department_of(trust)
        version = submitted(by, round_, department, content()).version
        if by is gone:
            session.get_one(type(person), gone.person_id).is_active = False
            saved()
        deciding.return_declaration(lead, round_.id, department.id, version=version, comment="Week 3?")
        messages = session.scalars(select(Message).where(Message.subject.startswith(department.name))).all()
        assert {message.to for message in messages} == told
        assert all("Week 3?" in message.body for message in messages)
        assert all(f"/rounds/{round_.id}/capacity/{department.id}" in message.body for message in messages)


def test_history_keeps_each_version_whole(session: Session, round_: Round, trust: Trust) -> None:
    educator, lead = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=trust.id), lead_of(trust)
    department, other = department_of(trust), department_of(trust)
    first = submitted(educator, round_, department, content(5))
    deciding.approve_declaration(lead, round_.id, department.id, version=first.version)
    declaration = submitted(educator, round_, department, content(4))
    records = deciding.history(session, declaration)
    assert [row.verb for row in records] == ["submit", "save", "approve", "submit", "save"]
    approved, newest = records[2], records[0]
    assert deciding.kept_version(session, declaration, approved.id).total(JANUARY[0]).maximum == 5
    assert deciding.kept_version(session, declaration, newest.id).total(JANUARY[0]).maximum == 4
    stranger = submitted(educator, round_, other, content())
    for record_id in (records[1].id, deciding.history(session, stranger)[0].id, 999_999):
        with pytest.raises(NotFound):
            deciding.kept_version(session, declaration, record_id)


# The board


def test_the_board_says_how_each_department_stands(session: Session, round_: Round, trust: Trust) -> None:
    lead = viewer_as(Role.ACADEMY_LEAD)
    there = TrustFactory(name="There NHS Trust")
    waiting, missing = department_of(trust), department_of(trust, "ct")
    approved = department_of(there)
    centre = DepartmentFactory(site=SiteFactory(trust=there, kind="academy"))
    DeclarationFactory(round=round_, department=waiting, state="submitted", preferred=1, maximum=4)
    DeclarationFactory(round=round_, department=approved)
    saved()
    found = board(session, lead, round_, now=now_utc())
    assert (found.days_left, found.deadline_words) == (7, "7 days left")
    assert {group.name: group.words for group in found.groups} == {
        "Here NHS Trust": "1 of 2 submitted (1 waiting for approval, 1 not declared)",
        "There NHS Trust": "1 of 1 submitted (1 approved)",
        "Midlands Imaging Academy": "0 of 1 submitted (1 not declared)",
    }
    rows = {row.department.id: row for row in found.all_rows}
    assert (rows[waiting.id].preferred, rows[waiting.id].maximum) == ((1, 1), (4, 4))
    assert rows[missing.id].state == "not declared"
    assert rows[centre.id].is_waiting
    own = board(session, lead_of(trust), round_, now=now_utc())
    assert {row.department.id for row in own.all_rows} == {waiting.id, missing.id}


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("draft", "no change for 2 weeks"),
        ("submitted", "waiting for approval for 2 weeks"),
        ("returned", "returned 2 weeks ago and not changed"),
        ("approved", ""),
    ],
)
def test_what_does_not_move_for_long_is_stuck(
    session: Session, round_: Round, trust: Trust, state: str, words: str
) -> None:
    lead = viewer_as(Role.ACADEMY_LEAD)
    DeclarationFactory(round=round_, department=department_of(trust), state=state)
    round_.weeks_stuck = 2
    saved()

    def stuck(days: float) -> str:
        (row,) = board(session, lead, round_, now=NOW_UTC + timedelta(days=days)).all_rows
        return row.stuck

    assert stuck(13.9) == ""
    assert stuck(14) == words


def test_a_move_of_any_kind_ends_being_stuck(session: Session, round_: Round, trust: Trust) -> None:
    educator = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=trust.id)
    department = department_of(trust)
    saved()
    service.save_declaration(educator, round_.id, department.id, version=0, content=content())
    set_clock(lambda: NOW_UTC + timedelta(weeks=3))
    assert board(session, educator, round_, now=now_utc()).all_rows[0].stuck
    submitted(educator, round_, department, content())
    assert not board(session, educator, round_, now=now_utc()).all_rows[0].stuck


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({}, 5),
        ({"show": "stuck"}, 3),
        ({"show": "unfinished"}, 3),
        ({"show": "approved"}, 1),
        ({"trust": "Here NHS Trust"}, 4),
        ({"trust": "Here NHS Trust", "modality": "ct", "show": "draft"}, 1),
        ({"show": "nonsense"}, 0),
    ],
)
def test_the_board_is_filtered(
    session: Session, round_: Round, trust: Trust, filters: Mapping[str, str], count: int
) -> None:
    lead = viewer_as(Role.ACADEMY_LEAD)
    DeclarationFactory(round=round_, department=department_of(trust, "ct"), state="draft")
    DeclarationFactory(round=round_, department=department_of(trust), state="submitted")
    DeclarationFactory(round=round_, department=department_of(trust), state="returned")
    DeclarationFactory(round=round_, department=department_of(trust))
    department_of(TrustFactory())
    saved()
    found = board(session, lead, round_, now=NOW_UTC + timedelta(weeks=2), filters=Filters(**filters))
    assert len(found.shown_rows) == count
    assert len(found.all_rows) == 5


def test_the_board_shows_the_last_reminder_and_what_later_parts_say(
    session: Session, round_: Round, trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = viewer_as(Role.ACADEMY_LEAD)
    PersonFactory(role="practice_educator", trust_id=trust.id)
    department = department_of(trust)
    DeclarationFactory(round=round_, department=department, state="draft")
    saved()
    monkeypatch.setattr(boards, "_markers", {"test": lambda *_: {department.id: "3 to 1"}})
    reminders.chase_declarations(lead, round_.id, [department.id])
    (group,) = board(session, lead, round_, now=now_utc()).groups
    assert group.reminded_utc == NOW_UTC
    assert group.rows[0].late == "3 to 1"


# The most of sites and trusts


def test_a_trusts_lead_limits_its_sites_and_the_whole_trust(
    session: Session, round_: Round, trust: Trust
) -> None:
    lead = lead_of(trust)
    department = department_of(trust)
    site: Site = department.site
    saved()
    assert [(row.name, row.places) for row in caps.limits(session, lead, round_.id)] == [
        ("Here NHS Trust", None),
        (site.name, None),
    ]
    caps.set_caps(lead, round_.id, {WHOLE_TRUST: NewLimit(20, 0), site.id: NewLimit(2, 0)})
    assert queries.caps_of(session, round_.id) == ({site.id: 2}, {trust.id: 20})
    effective = queries.limits_of(session, round_, [department]).effective(department, content(5))
    assert (effective[JANUARY[0]].places, effective[JANUARY[0]].limit) == (2, "site")
    caps.set_caps(lead, round_.id, {WHOLE_TRUST: NewLimit(None, 1), site.id: NewLimit(4, 1)})
    assert queries.caps_of(session, round_.id) == ({site.id: 4}, {})
    with pytest.raises(Stale):
        caps.set_caps(lead, round_.id, {site.id: NewLimit(5, 1)})
    with pytest.raises(Stale):
        caps.set_caps(lead, round_.id, {WHOLE_TRUST: NewLimit(5, 3)})
    with pytest.raises(Refused) as refusal:
        caps.set_caps(lead, round_.id, {site.id: NewLimit(1000, 2), WHOLE_TRUST: NewLimit(-1, 0)})
    assert set(refusal.value.fields) == {str(site.id), "0"}


def test_nobody_limits_what_is_not_theirs(session: Session, round_: Round, trust: Trust) -> None:
    site = department_of(trust).site
    centre = DepartmentFactory(site=SiteFactory(trust=trust, kind="academy")).site
    saved()
    academy = viewer_as(Role.ACADEMY_LEAD)
    for viewer, wanted in (
        (lead_of(TrustFactory()), site.id),
        (lead_of(trust), centre.id),
        (academy, site.id),
        (academy, WHOLE_TRUST),
    ):
        with pytest.raises(NotFound):
            caps.set_caps(viewer, round_.id, {wanted: NewLimit(1, 0)})
    with pytest.raises(NotAllowed):
        caps.set_caps(
            viewer_as(Role.PRACTICE_EDUCATOR, trust_id=trust.id), round_.id, {site.id: NewLimit(1, 0)}
        )
    caps.set_caps(academy, round_.id, {centre.id: NewLimit(6, 0)})
    assert [row.name for row in caps.limits(session, academy, round_.id)] == [centre.name]


def test_two_people_who_limit_at_once_do_not_overwrite_each_other(
    app: Flask, session: Session, round_: Round, trust: Trust
) -> None:
    leads = [lead_of(trust), lead_of(trust)]
    round_id = round_.id
    session.rollback()

    def limit(lead: Viewer, places: int) -> int:
        try:
            caps.set_caps(lead, round_id, {WHOLE_TRUST: NewLimit(places, 0)})
        except Stale:
            return 0
        return places

    answers = at_once(app, lambda: limit(leads[0], 5), lambda: limit(leads[1], 9))
    assert answers.count(0) == 1, answers
    assert session.scalars(select(Cap.places)).all() == [max(answers)]
