"""Learners rank sites themselves: which are within reach, until when, and what it leaves alone."""

from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from placements.access import Role, Viewer
from placements.clock import now_utc
from placements.cohorts.models import Cohort, Learner, LearnerExclusion, LearnerPreference
from placements.errors import NotAllowed, NotFound, Refused, Stale
from placements.learner_pages.links import viewer_of
from placements.learner_pages.preferences import own_learner, save_preferences, sites_in_reach
from placements.organisations.models import Site
from tests.factories import LearnerLinkFactory, SiteFactory, saved, viewer_as
from tests.factories.region import SmallRound, small_round


@pytest.fixture
def region(session: Session) -> SmallRound:
    """Three learners in Edgbaston; sites in Edgbaston and Heartlands, 4 and about 25 minutes away."""
    found = small_round()
    near, far = (department.site for department in found.departments)
    near.name, far.name = "Near Hospital", "Far Hospital"
    far.latitude, far.longitude = 52.47798, -1.82913
    SiteFactory(name="No X-ray Here")
    saved()
    return found


def guest_of(learner: Learner) -> Viewer:
    link = LearnerLinkFactory(learner=learner)
    saved()
    return viewer_of(link)


def ranked(session: Session, learner: Learner) -> list[int]:
    return list(
        session.scalars(
            select(LearnerPreference.site_id)
            .where(LearnerPreference.learner_id == learner.id)
            .order_by(LearnerPreference.rank)
        )
    )


def names(session: Session, guest: Viewer) -> list[str]:
    return [row.site.name for row in sites_in_reach(session, own_learner(session, guest))]


def test_sites_within_reach_come_nearest_first(session: Session, region: SmallRound) -> None:
    learner = region.learners[0]
    guest = guest_of(learner)
    found = sites_in_reach(session, own_learner(session, guest))
    assert [row.site.name for row in found] == ["Near Hospital", "Far Hospital"]
    assert found[0].minutes < found[1].minutes
    learner.travel_limit_minutes = found[0].minutes
    saved()
    assert names(session, guest) == ["Near Hospital"]
    learner.preferences = [LearnerPreference(rank=1, site_id=region.departments[1].site_id)]
    saved()
    (_, kept) = sites_in_reach(session, own_learner(session, guest))
    assert not kept.is_within_limit, "what the officer ranked stays on the list"


def test_employer_and_exclusions_narrow_the_sites(session: Session, region: SmallRound) -> None:
    learner = region.learners[0]
    guest = guest_of(learner)
    learner.employer_trust_id = region.trusts[1].id
    saved()
    assert names(session, guest) == ["Far Hospital"]
    learner.released = True
    learner.exclusions = [LearnerExclusion(site_id=region.departments[1].site_id)]
    saved()
    assert names(session, guest) == ["Near Hospital"]


def test_a_learners_ranks_stand_and_the_cohort_stays_submitted(session: Session, region: SmallRound) -> None:
    learner = region.learners[0]
    near, far = (department.site_id for department in region.departments)
    guest = guest_of(learner)
    version = learner.version
    before = now_utc()
    save_preferences(guest, [None, far, near], version=version)
    session.expire_all()
    assert ranked(session, learner) == [far, near]
    assert (learner.preferences_by, learner.changed_utc) == ("learner", before)
    assert session.get_one(Cohort, learner.cohort_id).state == "submitted"
    save_preferences(guest, [far, near], version=version)
    session.expire_all()
    assert learner.version == version + 1, "the same press again changes nothing"
    with pytest.raises(Stale):
        save_preferences(guest, [near], version=version)
    save_preferences(guest, [], version=learner.version)
    session.expire_all()
    assert ranked(session, learner) == []


def test_wrong_ranks_are_named_and_nothing_is_saved(session: Session, region: SmallRound) -> None:
    learner = region.learners[0]
    near, far = (department.site_id for department in region.departments)
    nowhere = session.scalars(select(Site.id).filter_by(name="No X-ray Here")).one()
    with pytest.raises(Refused) as refusal:
        save_preferences(guest_of(learner), [near, far, near, nowhere], version=learner.version)
    assert set(refusal.value.fields) == {"rank_3", "rank_4"}
    session.expire_all()
    assert ranked(session, learner) == []


def test_ranking_ends_with_the_deadline_or_the_publication(session: Session, region: SmallRound) -> None:
    learner = region.learners[0]
    guest = guest_of(learner)
    near = region.departments[0].site_id
    region.round.submit_by = date(2026, 11, 23)
    saved()
    with pytest.raises(Refused, match="over"):
        save_preferences(guest, [near], version=learner.version)
    region.round.submit_by, region.round.state = date(2026, 12, 8), "published"
    saved()
    with pytest.raises(Refused, match="over"):
        save_preferences(guest, [near], version=learner.version)


def test_nobody_else_saves_them_so(session: Session, region: SmallRound) -> None:
    near = region.departments[0].site_id
    with pytest.raises(NotFound):
        save_preferences(viewer_as(Role.PLACEMENT_OFFICER, hei_id=region.hei.id), [near], version=1)
    with pytest.raises(NotAllowed):
        save_preferences(viewer_as(Role.ACADEMY_LEAD), [near], version=1)
