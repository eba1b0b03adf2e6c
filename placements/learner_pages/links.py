"""Private links for learners: each opens one learner's own page in one round, until it expires or is ended.

A link's secret is 256 random bits, shown, downloaded or mailed once; only its SHA-256 is kept, which nobody
can turn back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import Select, false, select, update
from sqlalchemy.orm import Session, joinedload, selectinload

from placements.access import Action, Role, Viewer
from placements.clock import now_utc
from placements.cohorts.models import Cohort, Learner, LearnerLink, LearnerRecord
from placements.cohorts.queries import cohort_by_id, visible_cohorts
from placements.errors import NotFound, Refused
from placements.link_secrets import hash_of, is_noted, new_secret
from placements.mail.service import queue
from placements.rounds.models import Round
from placements.transaction import Transaction, transaction
from placements.web.formats import LONDON

WEEKS_AFTER_ROUND = 4
MOST_DAYS = 400
DAYS_WORDS = f"Use a whole number of days from 1 to {MOST_DAYS}"


@dataclass(frozen=True)
class MadeLink:
    """A new link; `secret` is known only now."""

    link: LearnerLink
    secret: str

    @property
    def path(self) -> str:
        return f"/my/{self.secret}"


@dataclass(frozen=True)
class LinkLine:
    """A learner of a cohort and their newest link, if any was made."""

    learner: Learner
    link: LearnerLink | None
    works: bool
    has_email: bool


def visible_links(viewer: Viewer) -> Select[LearnerLink]:
    """An officer sees the links of the HEI's own learners, and nobody else sees any; the newest first."""
    links = (
        select(LearnerLink)
        .join(LearnerLink.learner)
        .options(joinedload(LearnerLink.learner))
        .order_by(LearnerLink.id.desc())
    )
    if viewer.role is Role.PLACEMENT_OFFICER:
        return links.where(Learner.hei_id == viewer.hei_id)
    return links.where(false())


def learner_to_invite(session: Session, viewer: Viewer, learner_id: int) -> Learner:
    """A learner for whom this person may make a link; raises NotFound where there is none."""
    cohorts = visible_cohorts(viewer).with_only_columns(Cohort.id).order_by(None)
    found = session.scalar(_learners().where(Learner.id == learner_id, Learner.cohort_id.in_(cohorts)))
    if found is None or not viewer.may(Action.INVITE_LEARNER):
        raise NotFound("There is no such learner.")
    return found


def links_of_cohort(session: Session, viewer: Viewer, cohort_id: int) -> list[LinkLine]:
    """A cohort's learners by reference, each with the newest link; raises NotFound for another's cohort."""
    cohort = cohort_by_id(session, viewer, cohort_id)
    return _lines(session, cohort.id)


def works(link: LearnerLink, now: datetime) -> bool:
    """Whether the link still opens its page."""
    return link.revoked_utc is None and now < link.expires_utc


def default_expiry(round_: Round, now: datetime) -> datetime:
    """WEEKS_AFTER_ROUND after the round's last day (or after today, where that has gone), at the day's end,
    and within MOST_DAYS."""
    last = max([round_.last_week + timedelta(days=4), *(block.last_day for block in round_.blocks)])
    today = now.astimezone(LONDON).date()
    day = min(max(last, today) + timedelta(weeks=WEEKS_AFTER_ROUND), today + timedelta(days=MOST_DAYS))
    return datetime.combine(day, time(23, 59), LONDON)


def invite_learner(viewer: Viewer, learner_id: int, *, days: int | None = None) -> MadeLink:
    """Make a link for one learner, good for `days` (None: see default_expiry), beside any that works already.

    Raises NotFound for a learner of another HEI and Refused naming `days` where it is out of range.
    """
    with transaction(viewer, Action.INVITE_LEARNER) as tx:
        learner = learner_to_invite(tx.session, viewer, learner_id)
        made = _make(tx, learner, _expiry(learner.cohort.round, days))
        tx.note(learner, expires=made.link.expires_utc.date().isoformat())
    return made


def invite_cohort(
    viewer: Viewer, cohort_id: int, *, by_mail: bool = False, days: int | None = None
) -> list[MadeLink]:
    """Make a link for each learner of a cohort who has none that works, by reference.

    With `by_mail` only for those whose e-mail address is held, to whom it is sent, once. Raises NotFound for
    another HEI's cohort, Refused where nobody is left to make one for or `days` is out of range.
    """
    with transaction(viewer, Action.INVITE_LEARNER) as tx:
        cohort = cohort_by_id(tx.session, viewer, cohort_id)
        # Written so that two who press at once take turns on either database, and nobody gets two.
        tx.session.execute(
            update(Cohort)
            .where(Cohort.id == cohort.id)
            .values(intake=Cohort.intake)
            .execution_options(synchronize_session=False)
        )
        waiting = [row for row in _lines(tx.session, cohort.id) if not row.works]
        if not waiting:
            raise Refused("Every learner of this cohort has a link that works. End one to make another.")
        if by_mail:
            waiting = [row for row in waiting if row.has_email]
        if not waiting:
            raise Refused(
                "No e-mail address is held of the learners who have no link yet. Make the links and download"
                " them, or add the addresses on the learners’ pages."
            )
        expires = _expiry(cohort.round, days)
        made = [_make(tx, row.learner, expires) for row in waiting]
        if by_mail:
            for one in made:
                _mail(tx.session, one, cohort)
        tx.note(cohort, links=len(made), by_mail=by_mail)
    return made


def revoke_learner_link(viewer: Viewer, link_id: int) -> LearnerLink:
    """End a link: from now on it opens nothing. Ending one twice changes nothing."""
    with transaction(viewer, Action.REVOKE_LEARNER_LINK) as tx:
        link = tx.session.scalar(visible_links(viewer).where(LearnerLink.id == link_id))
        if link is None:
            raise NotFound("There is no such link.")
        if link.revoked_utc is None:
            link.revoked_utc = now_utc()
        tx.note(link, learner=link.learner_id)
    return link


def invited_by(session: Session, secret: str) -> LearnerLink | None:
    """The working link of a secret; None for an unknown, expired or ended one alike."""
    found = session.scalar(
        select(LearnerLink)
        .join(LearnerLink.learner)
        .join(Learner.cohort)
        .join(Cohort.round)
        .join(Learner.record)
        .where(
            LearnerLink.secret_hash == hash_of(secret),
            LearnerLink.revoked_utc.is_(None),
            LearnerLink.expires_utc > now_utc(),
            LearnerRecord.erased_utc.is_(None),
            Round.state != "draft",
        )
        .options(
            joinedload(LearnerLink.learner).options(
                joinedload(Learner.hei), joinedload(Learner.cohort).joinedload(Cohort.round)
            )
        )
    )
    if found is not None:
        _note_use(found)
    return found


def viewer_of(link: LearnerLink) -> Viewer:
    """Whoever holds the link, as the services know them: this learner in this round, nothing else. The name
    says nothing of who it is, since the audit keeps it."""
    return Viewer(
        person_id=None,
        name="a learner, by private link",
        role=Role.INVITED_LEARNER,
        hei_id=link.learner.hei_id,
        learner_id=link.learner_id,
        round_id=link.learner.round_id,
    )


def _learners() -> Select[Learner]:
    return (
        select(Learner)
        .options(
            joinedload(Learner.cohort).joinedload(Cohort.round).selectinload(Round.blocks),
            joinedload(Learner.record).joinedload(LearnerRecord.contact),
            selectinload(Learner.links),
        )
        .order_by(Learner.reference, Learner.id)
    )


def _lines(session: Session, cohort_id: int) -> list[LinkLine]:
    now = now_utc()
    learners: Sequence[Learner] = session.scalars(
        _learners()
        .where(Learner.cohort_id == cohort_id, Learner.record.has(LearnerRecord.erased_utc.is_(None)))
        .execution_options(populate_existing=True)
    ).all()
    return [_line(learner, now) for learner in learners]


def _line(learner: Learner, now: datetime) -> LinkLine:
    """A link that works stands before a newer one that was ended."""
    working = [link for link in learner.links if works(link, now)]
    newest = next(iter(working or learner.links), None)
    contact = learner.record.contact
    return LinkLine(learner, newest, bool(working), bool(contact and contact.email))


def _expiry(round_: Round, days: int | None) -> datetime:
    if round_.state == "draft":
        raise Refused("This round is not open yet, so learners have nothing to see in it.")
    if days is None:
        return default_expiry(round_, now_utc())
    if not 1 <= days <= MOST_DAYS:
        raise Refused("No link was made.", {"days": DAYS_WORDS})
    return now_utc() + timedelta(days=days)


def _make(tx: Transaction, learner: Learner, expires: datetime) -> MadeLink:
    secret = new_secret()
    link = LearnerLink(
        learner=learner,
        secret_hash=hash_of(secret),
        created_utc=now_utc(),
        created_by_id=tx.viewer.person_id,
        expires_utc=expires,
    )
    tx.session.add(link)
    return MadeLink(link, secret)


def _mail(session: Session, made: MadeLink, cohort: Cohort) -> None:
    session.flush()
    contact = made.link.learner.record.contact
    if contact is None:
        return
    queue(
        session,
        key=f"learner_link:{made.link.id}",
        to=contact.email,
        template="learner_invited",
        context={
            "hei": cohort.programme.hei.name,
            "programme": cohort.programme.name,
            "round": cohort.round.name,
            "ranks_by": cohort.round.submit_by if cohort.round.state == "open" else None,
            "expires": made.link.expires_utc,
            "path": made.path,
        },
        network_id=cohort.round.network_id,
    )


def _note_use(link: LearnerLink) -> None:
    now = now_utc()
    if is_noted(link.last_used_utc, now):
        return
    with transaction(viewer_of(link), Action.SEE_OWN_PLACES, audited=False) as tx:
        tx.session.execute(update(LearnerLink).where(LearnerLink.id == link.id).values(last_used_utc=now))
