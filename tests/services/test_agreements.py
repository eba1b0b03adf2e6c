"""Agreements: who proposes and who agrees, what holds, what is used of it, and what the match makes of it."""

import csv
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from placements.access import Role, Viewer
from placements.agreements import queries
from placements.agreements.lists import agreements_csv
from placements.agreements.models import Agreement, figures
from placements.agreements.queries import Filter
from placements.agreements.service import (
    Proposal,
    decide_agreement,
    end_agreement,
    propose_agreement,
)
from placements.agreements.used import Use, uses
from placements.allocations.service import adopt_run, publish_round
from placements.audit.models import AuditEntry
from placements.cohorts.models import Requirement
from placements.errors import NotAllowed, NotFound, Refused, Stale
from placements.extensions import db
from placements.mail.models import Message
from placements.organisations.models import Hei, Trust
from placements.scenarios.agreed import agreements_of
from placements.scenarios.models import Run
from placements.scenarios.results import certificate, describe_result
from placements.scenarios.service import start_run
from placements.scenarios.solving import perform_run
from tests.at_once import at_once
from tests.factories import (
    AgreementFactory,
    HeiFactory,
    NetworkFactory,
    PublicationFactory,
    PublicationLineFactory,
    RoundFactory,
    StageFactory,
    TrustFactory,
    saved,
    summary_of,
    viewer_as,
)
from tests.factories.region import SmallRound, small_round


class Pair:
    """An HEI and a trust with somebody who speaks for each, and an academy lead."""

    def __init__(self) -> None:
        self.hei: Hei = HeiFactory(name="Keele University")
        self.trust: Trust = TrustFactory(name="UHB")
        self.stage = StageFactory(key="year_1", name="Year 1")
        saved()
        self.officer = viewer_as(Role.PLACEMENT_OFFICER, hei_id=self.hei.id)
        self.trust_lead = viewer_as(Role.TRUST_EDUCATION_LEAD, trust_id=self.trust.id)
        self.lead = viewer_as(Role.ACADEMY_LEAD)

    def proposal(self, **values: Any) -> Proposal:
        base = Proposal(self.hei.id, self.trust.id, learners="", year=2026, least=10, most=15)
        return replace(base, **values)

    def agreed(self, **values: Any) -> Agreement:
        made = propose_agreement(self.officer, self.proposal(**values))
        return decide_agreement(self.trust_lead, made.id, version=made.version, answer="agree")


@pytest.fixture
def pair(app: Flask) -> Pair:
    return Pair()


def told(session: Session) -> list[tuple[str, str]]:
    rows = session.execute(select(Message.to, Message.subject).order_by(Message.id))
    return [(to, subject.split(":")[0]) for to, subject in rows]


def test_an_officer_proposes_and_the_education_lead_agrees(session: Session, pair: Pair) -> None:
    made = propose_agreement(pair.officer, pair.proposal(learners="diagnostic_radiography/year_1"))
    assert (made.state, made.of_whom) == ("proposed", "Diagnostic radiography, Year 1")
    assert (made.hei_agreed_by, made.trust_agreed_by) == (pair.officer.name, "")
    assert [row.id for row in queries.waiting(session, pair.trust_lead)] == [made.id]
    assert queries.waiting(session, pair.officer) == queries.waiting(session, pair.lead) == []
    done = decide_agreement(pair.trust_lead, made.id, version=1, answer="agree")
    assert (done.state, done.trust_agreed_by) == ("agreed", pair.trust_lead.name)
    assert [subject for _, subject in told(session)] == ["Please answer", "Agreed"]
    assert len({to for to, _ in told(session)}) == 2, "each side is told of what the other did"
    actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert actions == ["propose_agreement", "decide_agreement"]


def test_the_same_press_again_changes_and_tells_nothing(session: Session, pair: Pair) -> None:
    first = propose_agreement(pair.officer, pair.proposal())
    assert propose_agreement(pair.officer, pair.proposal()).id == first.id
    decide_agreement(pair.trust_lead, first.id, version=1, answer="agree")
    again = decide_agreement(pair.trust_lead, first.id, version=1, answer="agree")
    assert (again.state, again.version) == ("agreed", 2)
    end_agreement(pair.officer, first.id, version=2)
    assert end_agreement(pair.officer, first.id, version=2).version == 3
    assert len(told(session)) == 3


def test_the_academy_proposes_and_agrees_for_nobody(session: Session, pair: Pair) -> None:
    made = propose_agreement(pair.lead, pair.proposal())
    assert len(told(session)) == 2
    with pytest.raises(NotAllowed):
        decide_agreement(pair.lead, made.id, version=1, answer="agree")
    half = decide_agreement(pair.trust_lead, made.id, version=1, answer="agree")
    assert half.state == "proposed"
    with pytest.raises(Refused, match="waits for the other side"):
        decide_agreement(
            viewer_as(Role.TRUST_EDUCATION_LEAD, trust_id=pair.trust.id),
            made.id,
            version=half.version,
            answer="agree",
        )
    done = decide_agreement(pair.officer, made.id, version=half.version, answer="agree")
    assert (done.state, done.proposed_side) == ("agreed", "academy")
    assert [subject for _, subject in told(session)][2:] == 3 * ["Agreed"], "two of the trust, one"
    with pytest.raises(NotAllowed):
        end_agreement(pair.lead, made.id, version=done.version)


def test_nobody_agrees_to_their_own_proposal_or_for_both(session: Session, pair: Pair) -> None:
    made = propose_agreement(pair.officer, pair.proposal())
    with pytest.raises(Refused, match="Your side has agreed"):
        decide_agreement(pair.officer, made.id, version=1, answer="agree")
    turncoat = replace(pair.officer, role=Role.TRUST_EDUCATION_LEAD, hei_id=None, trust_id=pair.trust.id)
    with pytest.raises(NotAllowed, match="for the other side"):
        decide_agreement(turncoat, made.id, version=1, answer="agree")
    row = session.get_one(Agreement, made.id)
    row.trust_agreed_by_id = pair.officer.person_id
    with pytest.raises(IntegrityError):
        session.commit()
    session.rollback()


def test_declining_needs_a_reason(session: Session, pair: Pair) -> None:
    made = propose_agreement(pair.trust_lead, pair.proposal(note="As last year"))
    with pytest.raises(Refused) as refused:
        decide_agreement(pair.officer, made.id, version=1, answer="decline", note="  ")
    assert set(refused.value.fields) == {"note"}
    with pytest.raises(Refused) as refused:
        decide_agreement(pair.officer, made.id, version=1, answer="perhaps")
    assert set(refused.value.fields) == {"answer"}
    done = decide_agreement(pair.officer, made.id, version=1, answer="decline", note="Too few")
    assert (done.state, done.answer, done.ended_by) == ("declined", "Too few", pair.officer.name)
    body = session.scalars(select(Message.body).order_by(Message.id.desc())).first() or ""
    assert "Too few" in body
    with pytest.raises(Refused, match="is declined"):
        decide_agreement(pair.officer, made.id, version=2, answer="agree")
    propose_agreement(pair.officer, pair.proposal(least=12))


def test_new_figures_replace_the_old_once_agreed(session: Session, pair: Pair) -> None:
    old = pair.agreed()
    with pytest.raises(Refused) as refused:
        propose_agreement(pair.trust_lead, pair.proposal())
    assert "agreed already: at least 10 and at most 15" in refused.value.fields["least"]
    new = propose_agreement(pair.trust_lead, pair.proposal(least=12, most=12))
    assert (old.state, new.replaces_id) == ("agreed", old.id)
    decide_agreement(pair.officer, new.id, version=1, answer="agree")
    assert (old.state, old.ended_by, new.state) == ("ended", pair.officer.name, "agreed")
    assert [row.id for row in queries.history(session, pair.officer, new)] == [new.id, old.id]


def test_one_proposal_waits_for_the_same_learners(pair: Pair) -> None:
    propose_agreement(pair.officer, pair.proposal())
    with pytest.raises(Refused) as refused:
        propose_agreement(pair.trust_lead, pair.proposal(most=20))
    words = refused.value.fields["learners"]
    assert f"{pair.officer.name} of the HEI proposed at least 10 and at most 15" in words
    propose_agreement(pair.officer, pair.proposal(year=2027))
    propose_agreement(pair.officer, pair.proposal(learners="diagnostic_radiography"))
    propose_agreement(pair.officer, pair.proposal(learners="diagnostic_radiography/year_1"))


@pytest.mark.parametrize("kind", ["everyone", "group", "stage"])
def test_the_database_lets_one_hold(session: Session, pair: Pair, kind: str) -> None:
    of = {
        "everyone": {},
        "group": {"learner_group": pair.stage.learner_group},
        "stage": {"learner_group": pair.stage.learner_group, "stage": pair.stage},
    }[kind]
    AgreementFactory(hei=pair.hei, trust=pair.trust, state="agreed", **of)
    AgreementFactory(hei=pair.hei, trust=pair.trust, state="ended", **of)
    AgreementFactory(hei=pair.hei, trust=pair.trust, state="ended", **of)
    with pytest.raises(IntegrityError):
        AgreementFactory(hei=pair.hei, trust=pair.trust, state="agreed", **of)
    session.rollback()


def test_a_proposal_does_not_end_what_it_was_not_to_replace(session: Session, pair: Pair) -> None:
    made = propose_agreement(pair.officer, pair.proposal())
    other = AgreementFactory(hei=pair.hei, trust=pair.trust, state="agreed", least=3, most=None)
    saved()
    with pytest.raises(Refused, match="Meanwhile at least 3 was agreed") as refused:
        decide_agreement(pair.trust_lead, made.id, version=1, answer="agree")
    assert set(refused.value.fields) == {"answer"}
    assert session.get_one(Agreement, other.id).state == "agreed"


def test_two_who_propose_at_once(app: Flask, pair: Pair) -> None:
    def propose(viewer: Viewer, most: int) -> str:
        try:
            propose_agreement(viewer, pair_of(most))
        except (Refused, Stale):
            return "refused"
        return "made"

    ids = pair.hei.id, pair.trust.id

    def pair_of(most: int) -> Proposal:
        return Proposal(*ids, learners="", year=2026, least=0, most=most)

    officer, trust_lead = pair.officer, pair.trust_lead
    answers = at_once(app, lambda: propose(officer, 5), lambda: propose(trust_lead, 6))
    assert sorted(answers) == ["made", "refused"]


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({"least": 0, "most": None}, {"least"}),
        ({"least": -1}, {"least"}),
        ({"least": 10_000, "most": None}, {"least"}),
        ({"least": 5, "most": 4}, {"most"}),
        ({"most": 10_000}, {"most"}),
        ({"year": 2025}, {"year"}),
        ({"year": 2029}, {"year"}),
        ({"learners": "wizards"}, {"learners"}),
        ({"hei_id": 0, "trust_id": 0}, {"hei", "trust"}),
        ({"note": "x" * 501}, {"note"}),
    ],
)
def test_what_cannot_be_right_is_refused_by_name(
    session: Session, pair: Pair, values: dict[str, Any], fields: set[str]
) -> None:
    with pytest.raises(Refused) as refused:
        propose_agreement(pair.lead, pair.proposal(**values))
    assert set(refused.value.fields) == fields
    assert session.scalars(select(Agreement)).all() == []


def test_figures_that_cannot_both_be_kept_are_refused(pair: Pair) -> None:
    pair.agreed(least=0, most=8)
    with pytest.raises(Refused) as refused:
        propose_agreement(pair.officer, pair.proposal(learners="diagnostic_radiography", least=9, most=None))
    assert "All learners: at most 8 is agreed for 2026/27" in refused.value.fields["least"]
    pair.agreed(learners="diagnostic_radiography", least=6, most=None)
    with pytest.raises(Refused) as refused:
        propose_agreement(pair.officer, pair.proposal(least=0, most=5))
    assert "Diagnostic radiography, all years: at least 6" in refused.value.fields["most"]


def test_either_side_ends_it_at_once(session: Session, pair: Pair) -> None:
    made = pair.agreed()
    with pytest.raises(Stale):
        end_agreement(pair.trust_lead, made.id, version=1)
    done = end_agreement(pair.trust_lead, made.id, version=2, note="Scanner gone")
    assert (done.state, done.answer, done.ended_by) == ("ended", "Scanner gone", pair.trust_lead.name)
    assert told(session)[-1][1] == "Ended"
    with pytest.raises(Refused, match="is ended"):
        end_agreement(pair.officer, made.id, version=3)
    taken = propose_agreement(pair.officer, pair.proposal())
    with pytest.raises(NotAllowed, match="Only a side that has agreed"):
        end_agreement(pair.trust_lead, taken.id, version=1)
    assert end_agreement(pair.officer, taken.id, version=1).state == "ended"


def test_who_sees_which(session: Session, pair: Pair) -> None:
    own = AgreementFactory(hei=pair.hei, trust=pair.trust)
    sibling = AgreementFactory(hei=HeiFactory(), trust=TrustFactory())
    foreign = AgreementFactory(hei=HeiFactory(network_id=NetworkFactory(name="Other").id))
    saved()

    def seen(viewer: Viewer) -> set[int]:
        return {row.id for row in queries.agreements(session, viewer, Filter())}

    educator = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=pair.trust.id)
    assert seen(pair.officer) == seen(pair.trust_lead) == seen(educator) == {own.id}
    assert seen(pair.lead) == {own.id, sibling.id}
    assert seen(viewer_as(Role.ADMINISTRATOR)) == set()
    for viewer in (pair.officer, pair.trust_lead):
        with pytest.raises(NotFound):
            end_agreement(viewer, sibling.id, version=1)
    with pytest.raises(NotAllowed):
        propose_agreement(educator, pair.proposal())
    with pytest.raises(Refused) as refused:
        propose_agreement(pair.officer, pair.proposal(hei_id=sibling.hei_id))
    assert set(refused.value.fields) == {"hei"}
    with pytest.raises(Refused):
        propose_agreement(pair.lead, pair.proposal(hei_id=foreign.hei_id))


def test_a_list_can_be_narrowed_and_saved(session: Session, pair: Pair) -> None:
    first = AgreementFactory(hei=pair.hei, trust=pair.trust, state="agreed")
    AgreementFactory(hei=pair.hei, trust=pair.trust, year=2027, state="ended")
    saved()

    def shown(**values: Any) -> list[int]:
        return [row.id for row in queries.agreements(session, pair.lead, Filter(**values))]

    assert shown() == shown(year=2026) == shown(show="agreed", hei_id=pair.hei.id) == [first.id]
    assert len(shown(show="all")) == 2
    assert shown(trust_id=0) == shown(show="declined") == []
    assert queries.years(session, pair.lead) == [2027, 2026]
    rows = queries.agreements(session, pair.lead, Filter())
    (line,) = csv.DictReader(agreements_csv(rows, {first.id: Use(5, 1)}).decode("utf-8-sig").splitlines())
    told = ("HEI", "Learners", "Academic year", "Least", "Most", "Placements published", "Short of the least")
    assert [line[name] for name in told] == [
        "Keele University",
        "All learners",
        "2026/27",
        "2",
        "4",
        "1",
        "1",
    ]


def published(region: SmallRound) -> Run:
    run_id = start_run(region.lead, region.round.id).id
    perform_run(run_id)
    adopt_run(region.lead, run_id)
    publish_round(region.lead, region.round.id, version=region.round.version)
    return run_of(run_id)


def run_of(run_id: int) -> Run:
    db.session.expire_all()
    return db.session.get_one(Run, run_id)


def test_the_match_keeps_to_what_is_agreed(session: Session) -> None:
    """Three learners, three places at each of two trusts: the second is agreed to have two at least."""
    region = small_round(learners=3, places=(3, 3))
    for trust, least, most in zip(region.trusts, (0, 2), (1, None), strict=True):
        AgreementFactory(hei=region.hei, trust=trust, least=least, most=most, state="agreed")
    AgreementFactory(hei=region.hei, trust=region.trusts[0], least=3, most=None, year=2027, state="agreed")
    AgreementFactory(hei=region.hei, trust=region.trusts[0], least=3, most=None)
    saved()
    run = published(region)
    assert run.summary["placed"] == 3
    most, least, *_ = session.scalars(select(Agreement).order_by(Agreement.id)).all()
    used = uses(session, [most, least])
    assert used[most.id].published <= 1
    assert used[most.id].published + used[least.id].published == 3
    assert used[most.id].asked == 3
    (row,) = describe_result(session, run)["agreements"]
    assert (row.is_met, row.least, row.elsewhere) == (True, 2, 0)


def test_places_published_in_other_rounds_of_the_year_use_it_up(session: Session) -> None:
    region = small_round(learners=3, places=(2, 3))
    agreed = AgreementFactory(hei=region.hei, trust=region.trusts[0], least=7, most=8, state="agreed")
    loose = AgreementFactory(hei=region.hei, trust=region.trusts[1], least=1, most=None, state="agreed")
    other = RoundFactory(first_week=date(2026, 9, 7), last_week=date(2026, 12, 7), state="published")
    last_year = RoundFactory(first_week=date(2026, 3, 2), last_week=date(2026, 6, 1), state="published")
    department = region.departments[0]
    for number, lines in ((1, 6), (2, 4)):
        publication = PublicationFactory(round=other, number=number)
        for index in range(lines):
            PublicationLineFactory(
                publication=publication, of_hei=region.hei, at=department, state="held" if index else "placed"
            )
        PublicationLineFactory(publication=publication, at=department)
        PublicationLineFactory(publication=publication, of_hei=region.hei, state="unplaced")
    PublicationLineFactory(publication__round=last_year, of_hei=region.hei, at=department)
    saved()
    told = {row.key: (row.least, row.most) for row in agreements_of(session, region.round, {region.hei.id})}
    assert told == {f"a{agreed.id}": (3, 4), f"a{loose.id}": (1, None)}
    in_the_other = agreements_of(session, other, {region.hei.id})
    assert in_the_other[0].least == 7, "a round's own places do not count against itself"

    run = published(region)
    rows = describe_result(session, run)["agreements"]
    assert [(r.agreement.id, r.placed, r.least, r.elsewhere, r.is_met) for r in rows] == [
        (agreed.id, 2, 3, 4, False),
        (loose.id, 1, 1, 0, True),
    ]
    use = uses(session, [agreed])[agreed.id]
    assert (use.published, use.asked, use.short_of(agreed)) == (6, 3, 1)
    assert agreements_of(session, other, {region.hei.id})[0].least == 5
    agreed.least = agreed.most = 3
    session.commit()
    assert agreements_of(session, region.round, {region.hei.id})[0].most == 0


def test_what_is_used_counts_the_learners_of_the_agreement(session: Session) -> None:
    region = small_round(learners=2, places=(2, 2))
    published(region)
    cohort = region.learners[0].cohort
    same = {"hei": region.hei, "trust": region.trusts[0], "state": "agreed"}
    group = cohort.programme.learner_group
    rows = [
        AgreementFactory(**same),
        AgreementFactory(**same, learner_group=group),
        AgreementFactory(**same, learner_group=group, stage=cohort.stage),
        AgreementFactory(**same, learner_group=group, stage=StageFactory(learner_group=group)),
    ]
    saved()

    def published_of() -> list[int]:
        found = uses(session, rows)
        return [found[row.id].published for row in rows]

    before = published_of()
    assert before[0] == before[1] == before[2]
    assert before[3] == 0
    assert before[0] > 0
    # Erased learners: their lines say by name what they were.
    session.execute(delete(Requirement))
    assert published_of() == before


def test_an_agreement_that_could_be_better_met_is_no_proof() -> None:
    tier = {"name": "agreement_shortfall", "value": 3, "bound": 1, "gap": 0.5}
    said = certificate(summary_of(tiers=[tier]))
    assert (said.is_proven, "up to 2 more" in said.title) == (False, True)
    assert certificate(summary_of(tiers=[tier | {"bound": 3}])).is_proven


@given(least=st.integers(0, 9999), room=st.integers(0, 9999) | st.none(), used=st.integers(0, 9999))
def test_figures_in_words_and_what_is_missing(least: int, room: int | None, used: int) -> None:
    most = None if room is None else least + room
    words = figures(least, most)
    numbers = {int(word) for word in words.split() if word.isdigit()}
    assert numbers == {n for n in (least, most) if n} or words in ("none", "at least 0")
    short = Use(0, used).short_of(Agreement(least=least, most=most))
    assert short == max(0, least - used)
    assert most is None or max(0, most - used) >= short, "what is left for a round can be kept"
