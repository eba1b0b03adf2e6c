"""Private links: a site without an account answers for one round until the link expires or is ended.

A link's secret is 256 random bits, shown or mailed once; only its SHA-256 is kept, which nobody can turn back
and which needs no salt since no two secrets are alike or guessable.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import Select, false, select, update
from sqlalchemy.orm import Session, joinedload

from placements.access import Action, Role, Viewer
from placements.capacity.models import Invitation
from placements.clock import now_utc
from placements.errors import NotFound, Refused
from placements.link_secrets import hash_of, is_noted, new_secret
from placements.mail.service import queue
from placements.organisations.models import Department, Icb, Site, Trust
from placements.organisations.queries import sites_of, visible_departments
from placements.rounds.models import Round
from placements.rounds.queries import round_by_id
from placements.transaction import transaction
from placements.web.formats import LONDON

DEFAULT_DAYS = 21
DAYS_AFTER_DEADLINE = 7
MOST_DAYS = 180


@dataclass(frozen=True)
class Invited:
    """A new link; `secret` is known only now."""

    invitation: Invitation
    secret: str

    @property
    def path(self) -> str:
        return f"/declare/{self.secret}"


def visible_invitations(viewer: Viewer) -> Select[Invitation]:
    """A trust's people see the links to its sites, an academy lead those of the network; the newest first."""
    invitations = (
        select(Invitation)
        .join(Invitation.site)
        .join(Site.trust)
        .options(joinedload(Invitation.site), joinedload(Invitation.created_by), joinedload(Invitation.round))
        .order_by(Invitation.id.desc())
    )
    if viewer.role.is_of_a_trust:
        return invitations.where(Site.trust_id == viewer.trust_id)
    if viewer.role is Role.ACADEMY_LEAD:
        return invitations.join(Trust.icb).where(Icb.network_id == viewer.network_id)
    return invitations.where(false())


def invitations_of_round(session: Session, viewer: Viewer, round_id: int) -> list[Invitation]:
    """The links of a round, whether they still work or not."""
    return list(session.scalars(visible_invitations(viewer).where(Invitation.round_id == round_id)))


def sites_to_invite(session: Session, viewer: Viewer) -> list[Site]:
    """The sites that this person may invite, by name: those whose departments they see, but no centre of the
    academy's own, which the academy declares itself."""
    return list(sites_of(session, visible_departments(viewer).where(Site.kind != "academy")).values())


def works(invitation: Invitation, now: datetime) -> bool:
    """Whether the link still opens its page."""
    return invitation.revoked_utc is None and now < invitation.expires_utc


def default_expiry(round_: Round, now: datetime) -> datetime:
    """After DEFAULT_DAYS, or a week after the deadline where that is later, at the end of the day."""
    local = now.astimezone(LONDON)
    day = max(
        local.date() + timedelta(days=DEFAULT_DAYS), round_.declare_by + timedelta(days=DAYS_AFTER_DEADLINE)
    )
    return datetime.combine(day, time(23, 59), LONDON)


def invite_site(
    viewer: Viewer, round_id: int, site_id: int, *, email: str = "", days: int | None = None
) -> Invited:
    """Make a link for a site, good for `days` (None: see default_expiry); with `email`, also send it there.

    Raises NotFound where the person may not invite this site, and Refused naming each wrong value.
    """
    wrong: dict[str, str] = {}
    address = email.strip()
    if address:
        try:
            address = validate_email(address, check_deliverability=False).normalized
        except EmailNotValidError:
            wrong["email"] = f"“{address[:80]}” is not an e-mail address"
    if days is not None and not 1 <= days <= MOST_DAYS:
        wrong["days"] = f"use a whole number of days from 1 to {MOST_DAYS}"
    if wrong:
        raise Refused("The link was not made.", wrong)
    with transaction(viewer, Action.INVITE_SITE) as tx:
        round_ = round_by_id(tx.session, viewer, round_id)
        if round_.state == "draft":
            raise Refused("This round is not open yet, so nobody can declare in it.")
        site = next((row for row in sites_to_invite(tx.session, viewer) if row.id == site_id), None)
        if site is None:
            raise NotFound("There is no such site.")
        secret = new_secret()
        now = now_utc()
        invitation = Invitation(
            round=round_,
            site=site,
            secret_hash=hash_of(secret),
            email=address,
            created_utc=now,
            created_by_id=viewer.person_id,
            expires_utc=now + timedelta(days=days) if days is not None else default_expiry(round_, now),
        )
        tx.session.add(invitation)
        tx.note(invitation, site=site_id, round=round_id)
        made = Invited(invitation, secret)
        if address:
            queue(
                tx.session,
                key=f"invitation:{invitation.id}",
                to=address,
                template="site_invited",
                context={
                    "site": site.name,
                    "round": round_.name,
                    "by": viewer.name,
                    "declare_by": round_.declare_by,
                    "expires": invitation.expires_utc,
                    "path": made.path,
                },
                network_id=round_.network_id,
            )
    return made


def revoke_invitation(viewer: Viewer, invitation_id: int) -> Invitation:
    """End a link: from now on it opens nothing. Ending one twice changes nothing."""
    with transaction(viewer, Action.REVOKE_INVITATION) as tx:
        invitation = tx.session.scalar(visible_invitations(viewer).where(Invitation.id == invitation_id))
        if invitation is None:
            raise NotFound("There is no such link.")
        if invitation.revoked_utc is None:
            invitation.revoked_utc = now_utc()
        tx.note(invitation, site=invitation.site_id, round=invitation.round_id)
    return invitation


def invited_by(session: Session, secret: str) -> Invitation | None:
    """The working invitation of a link's secret; None for an unknown, expired or ended one alike."""
    found = session.scalar(
        select(Invitation)
        .join(Invitation.round)
        .where(
            Invitation.secret_hash == hash_of(secret),
            Invitation.revoked_utc.is_(None),
            Invitation.expires_utc > now_utc(),
            Round.state != "draft",
        )
        .options(joinedload(Invitation.site).joinedload(Site.trust), joinedload(Invitation.round))
    )
    if found is not None:
        _note_use(found)
    return found


def viewer_of(invitation: Invitation) -> Viewer:
    """Whoever holds the link, as the services know them: this site in this round, nothing else."""
    return Viewer(
        person_id=None,
        name=f"{invitation.site.name}, by private link",
        role=Role.INVITED_SITE,
        trust_id=invitation.site.trust_id,
        site_id=invitation.site_id,
        round_id=invitation.round_id,
    )


def departments_invited(session: Session, viewer: Viewer) -> list[Department]:
    """The departments for which the holder of a link answers."""
    return list(session.scalars(visible_departments(viewer)).unique())


def _note_use(invitation: Invitation) -> None:
    now = now_utc()
    if is_noted(invitation.last_used_utc, now):
        return
    with transaction(viewer_of(invitation), Action.SEE_DECLARATIONS, audited=False) as tx:
        tx.session.execute(update(Invitation).where(Invitation.id == invitation.id).values(last_used_utc=now))
