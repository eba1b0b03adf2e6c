"""What sites have for learners with access needs, and what an HEI's letters add."""

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from placements.access import Role, Viewer
from placements.audit.models import AuditEntry
from placements.errors import NotAllowed, NotFound, PlacementsError, Refused, Stale
from placements.organisations.letter_text import LONGEST_TEXT, paragraphs, save_letter_text
from placements.organisations.models import Hei, Site
from placements.organisations.queries import access_needs_of_sites, visible_sites
from placements.organisations.site_access import MOST_BEDS, SiteAccess, save_site_access
from placements.scenarios.snapshot import problem_of
from tests.at_once import at_once
from tests.factories import AccessNeedFactory, HeiFactory, NetworkFactory, SiteFactory, saved, viewer_as
from tests.factories.region import small_round


@pytest.fixture
def site(app: Flask) -> Site:
    for key in ("step_free", "hearing_loop", "quiet_space"):
        AccessNeedFactory(key=key)
    row: Site = SiteFactory()
    saved()
    return row


@pytest.fixture
def educator(site: Site) -> Viewer:
    return viewer_as(Role.PRACTICE_EDUCATOR, trust_id=site.trust_id)


def test_what_a_site_has_is_saved_and_audited(session: Session, site: Site, educator: Viewer) -> None:
    changed = save_site_access(educator, site.id, SiteAccess(("quiet_space", "step_free"), 4), version=1)
    assert ([need.key for need in changed.meets], changed.beds) == (["step_free", "quiet_space"], 4)
    assert access_needs_of_sites(session) == {site.id: ("step_free", "quiet_space")}
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "save_site_access")).one()
    assert (entry.subject, entry.subject_id) == ("site", site.id)
    assert entry.detail == {"needs": ["quiet_space", "step_free"], "beds": 4}


def test_needs_alone_make_a_new_version(site: Site, educator: Viewer) -> None:
    save_site_access(educator, site.id, SiteAccess(("step_free",), 0), version=1)
    with pytest.raises(Stale):
        save_site_access(educator, site.id, SiteAccess(("hearing_loop",), 0), version=1)
    again = save_site_access(educator, site.id, SiteAccess(("step_free",), 0), version=1)
    assert (again.version, [need.key for need in again.meets]) == (2, ["step_free"]), "the same press again"


def test_of_two_at_once_one_is_told(app: Flask, site: Site, educator: Viewer) -> None:
    site_id = site.id

    def save(needs: tuple[str, ...]) -> str:
        try:
            save_site_access(educator, site_id, SiteAccess(needs, 0), version=1)
        except Stale:
            return "stale"
        return "saved"

    assert sorted(at_once(app, lambda: save(("step_free",)), lambda: save(("quiet_space",)))) == [
        "saved",
        "stale",
    ]


@pytest.mark.parametrize("beds", [-1, MOST_BEDS + 1])
def test_wrong_figures_are_refused_by_name(session: Session, site: Site, educator: Viewer, beds: int) -> None:
    with pytest.raises(Refused) as refused:
        save_site_access(educator, site.id, SiteAccess(("wings",), beds), version=1)
    assert set(refused.value.fields) == {"needs", "beds"}
    assert access_needs_of_sites(session) == {}


def test_who_sees_and_changes_which_sites(session: Session, site: Site, educator: Viewer) -> None:
    foreign = SiteFactory(trust__icb__ods="QFO", trust__icb__network_id=NetworkFactory(name="Other").id)
    other = SiteFactory()
    saved()

    def seen(viewer: Viewer) -> set[int]:
        return set(session.scalars(visible_sites(viewer).with_only_columns(Site.id)))

    assert seen(educator) == {site.id}
    lead, officer = viewer_as(Role.ACADEMY_LEAD), viewer_as(Role.PLACEMENT_OFFICER)
    assert seen(lead) == seen(officer) == {site.id, other.id}
    assert seen(viewer_as(Role.ADMINISTRATOR)) == set()
    save_site_access(lead, other.id, SiteAccess((), 2), version=1)
    for viewer, which in ((educator, other), (lead, foreign)):
        with pytest.raises(NotFound):
            save_site_access(viewer, which.id, SiteAccess((), 2), version=which.version)
    with pytest.raises(NotAllowed):
        save_site_access(officer, site.id, SiteAccess((), 2), version=1)


def test_the_match_knows_what_a_site_has(session: Session) -> None:
    region = small_round()
    AccessNeedFactory(key="step_free")
    site = region.departments[0].site
    lead = viewer_as(Role.TRUST_EDUCATION_LEAD, trust_id=site.trust_id)
    save_site_access(lead, site.id, SiteAccess(("step_free",), 3), version=1)
    problem, _ = problem_of(session, region.round)
    told = {row.key: (row.access, row.accommodation) for row in problem.sites}
    assert told[f"s{site.id}"] == (("step_free",), (3,) * len(problem.weeks))
    assert told[f"s{region.departments[1].site_id}"] == ((), None)


@pytest.fixture
def hei(app: Flask) -> Hei:
    row: Hei = HeiFactory()
    saved()
    return row


def test_what_letters_add_is_saved_for_the_own_hei_alone(session: Session, hei: Hei) -> None:
    other, officer = HeiFactory(), viewer_as(Role.PLACEMENT_OFFICER, hei_id=hei.id)
    changed = save_letter_text(officer, "  Bring your badge. \r\n\r\nRing 0121 #1  ", version=1)
    assert changed.id == hei.id
    assert changed.letter_text == "Bring your badge.\n\nRing 0121 #1"
    assert paragraphs(changed.letter_text) == ["Bring your badge.", "Ring 0121 #1"]
    assert session.get_one(Hei, other.id).letter_text == ""
    assert session.scalars(select(AuditEntry.detail)).one() == {"characters": 31}
    with pytest.raises(Stale):
        save_letter_text(officer, "Something else", version=1)
    assert save_letter_text(officer, "Bring your badge.\n\nRing 0121 #1", version=1).version == 2
    with pytest.raises(Refused) as refused:
        save_letter_text(officer, "x" * (LONGEST_TEXT + 1), version=2)
    assert "4,001 now" in refused.value.fields["text"]
    with pytest.raises(PlacementsError):
        save_letter_text(viewer_as(Role.ACADEMY_LEAD), "Ours", version=1)
    assert session.scalar(select(func.count()).where(Hei.letter_text != "")) == 1


@given(st.text(max_size=300))
def test_paragraphs_lose_no_words(text: str) -> None:
    found = paragraphs(text)
    assert "".join(found).split() == [] or found
    assert [word for row in found for word in row.split()] == text.split()
    assert all(row == row.strip() and row for row in found)
