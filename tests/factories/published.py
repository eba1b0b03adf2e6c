"""A small round that is matched and published, with two sites that are not equally far."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from placements.access import Role, Viewer
from placements.allocations.models import Publication, PublicationLine
from placements.allocations.service import adopt_run, publish_round
from placements.clock import now_utc
from placements.cohorts.models import Requirement
from placements.extensions import db
from placements.learner_pages.links import viewer_of
from placements.scenarios.repairing import Wishes
from placements.scenarios.service import start_run
from placements.scenarios.solving import perform_run
from tests.factories import LearnerLinkFactory, saved, viewer_as
from tests.factories.region import RoundDates, SmallRound, small_round


@dataclass(frozen=True)
class PublishedRound:
    """The round, its first version, and the people concerned; `own` is the first learner by private link."""

    region: SmallRound
    publication: Publication
    officer: Viewer
    own: Viewer

    @property
    def round_id(self) -> int:
        return self.region.round.id

    @property
    def lead(self) -> Viewer:
        return self.region.lead

    def requirement(self, index: int = 0) -> Requirement:
        """What the learner of this index needs."""
        return db.session.scalars(
            select(Requirement).where(Requirement.learner_id == self.region.learners[index].id)
        ).one()

    def line(self, index: int = 0, number: int | None = None) -> PublicationLine:
        """The line of the learner of this index, in the first version or another."""
        return db.session.scalars(
            select(PublicationLine)
            .join(PublicationLine.publication)
            .where(
                PublicationLine.requirement_id == self.requirement(index).id,
                Publication.round_id == self.round_id,
                Publication.number == (number or 1),
            )
        ).one()

    def site_ids(self) -> tuple[int, int]:
        """The near site and the far one."""
        near, far = self.region.departments
        return near.site_id, far.site_id


def published_round(
    *,
    learners: int = 2,
    places: tuple[int, int] = (1, 1),
    secret: str = "own-secret",
    dates: RoundDates | None = None,
) -> PublishedRound:
    """Of two learners one is at the far site, half an hour by car, unless `places` say otherwise."""
    region = small_round(learners=learners, places=places, dates=dates)
    far = region.departments[1].site
    far.latitude, far.longitude, far.postcode = 52.47798, -1.62913, "B46 1AA"
    LearnerLinkFactory(learner=region.learners[0], secret=secret, expires_utc=now_utc() + timedelta(days=100))
    saved()
    publication = publish_again(region)
    link = region.learners[0].links[0]
    return PublishedRound(
        region, publication, viewer_as(Role.PLACEMENT_OFFICER, hei_id=region.hei.id), viewer_of(link)
    )


def publish_again(region: SmallRound, *, is_repair: bool = False) -> Publication:
    """Run the match or a repair, adopt it and publish it."""
    run_id = start_run(region.lead, region.round.id, repair=Wishes() if is_repair else None).id
    perform_run(run_id)
    adopt_run(region.lead, run_id)
    db.session.expire_all()
    return publish_round(region.lead, region.round.id, version=region.round.version)
