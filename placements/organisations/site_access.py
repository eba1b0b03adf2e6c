"""What a site has for learners with access needs, and its beds for those who live too far away."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.orm.attributes import flag_modified

from placements.access import Action, Viewer
from placements.errors import Refused, Stale
from placements.organisations.models import Site
from placements.organisations.queries import access_needs, site_by_id
from placements.transaction import CHANGED_MEANWHILE, transaction

MOST_BEDS = 999


@dataclass(frozen=True)
class SiteAccess:
    """The access needs (keys) that a site meets, and its beds for learners."""

    needs: Collection[str]
    beds: int


def save_site_access(viewer: Viewer, site_id: int, access: SiteAccess, *, version: int) -> Site:
    """Say what a site has; the match goes by it from its next run on. The same again changes nothing.

    Raises Stale where somebody else changed the site since `version`, and Refused naming each wrong field.
    """
    with transaction(viewer, Action.SAVE_SITE_ACCESS) as tx:
        site = site_by_id(tx.session, viewer, site_id)
        known = {need.key: need for need in access_needs(tx.session)}
        wrong = {}
        if set(access.needs) - set(known):
            wrong["needs"] = "Choose from the list: it may have changed since you opened the page"
        if not 0 <= access.beds <= MOST_BEDS:
            wrong["beds"] = f"Enter a whole number from 0 to {MOST_BEDS}"
        if wrong:
            raise Refused(" ".join(f"{words}." for words in wrong.values()), wrong)
        meets = [need for key, need in known.items() if key in access.needs]
        is_same = ({need.key for need in site.meets}, site.beds) == (set(access.needs), access.beds)
        if site.version != version and not is_same:
            raise Stale(CHANGED_MEANWHILE)
        if not is_same:
            site.meets, site.beds = meets, access.beds
            # What stands in another table would leave the version as it was.
            flag_modified(site, "beds")
        tx.note(site, needs=sorted(access.needs), beds=access.beds)
    return site
