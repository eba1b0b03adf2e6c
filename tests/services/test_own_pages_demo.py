"""The demo's private links are made and used through the services."""

from random import Random

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from placements.access import Role
from placements.cohorts.models import Learner, LearnerLink
from placements.seeding.own_pages import open_own_pages
from tests.factories import viewer_as
from tests.factories.region import small_round


def test_some_learners_have_opened_their_page_and_ranked_sites(session: Session) -> None:
    region = small_round()
    wanted = {"own_pages": {"hei": region.hei.name, "visits": 2, "ranked": 1}}
    officer = viewer_as(Role.PLACEMENT_OFFICER, hei_id=region.hei.id)
    open_own_pages(wanted, region.round.id, lambda _: officer, Random(1))
    session.expire_all()
    assert session.scalar(select(func.count()).select_from(LearnerLink)) == 3
    used = session.scalars(select(LearnerLink).where(LearnerLink.last_used_utc.is_not(None))).all()
    assert len(used) == 2
    ranked = session.scalars(select(Learner).where(Learner.preferences_by == "learner")).all()
    assert [len(row.preferences) for row in ranked] == [1, 1]
