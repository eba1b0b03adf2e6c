"""A learner's name and e-mail address: held apart from everything else, and opened only with a trace."""

import re
from dataclasses import dataclass

from placements.access import Action, Viewer
from placements.cohorts.models import LearnerContact
from placements.errors import Stale
from placements.learners.changing import learner_to_change
from placements.learners.details import refuse
from placements.learners.queries import learner_by_id
from placements.transaction import CHANGED_MEANWHILE, transaction

LONGEST_NAME = 200
LONGEST_EMAIL = 254
_EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]+")


@dataclass(frozen=True)
class Contact:
    """A learner's name and e-mail address, each "" where it is not held; version 0 where nothing is."""

    name: str = ""
    email: str = ""
    version: int = 0


def open_contact(viewer: Viewer, learner_id: int) -> Contact:
    """The learner's name and e-mail address. That they were opened, and by whom, is kept in the audit."""
    with transaction(viewer, Action.OPEN_CONTACT) as tx:
        learner = learner_by_id(tx.session, viewer, learner_id)
        found = learner.record.contact
        tx.note(learner)
        return Contact(found.name, found.email, found.version) if found is not None else Contact()


def save_contact(viewer: Viewer, learner_id: int, *, version: int, name: str, email: str) -> None:
    """Keep a learner's name and e-mail address; with both empty none is kept. The same once more changes
    nothing.

    Raises Stale where somebody else changed them since `version`, and Refused naming each wrong field.
    """
    with transaction(viewer, Action.SAVE_CONTACT) as tx:
        learner = learner_to_change(tx, viewer, learner_id)
        contact = learner.record.contact
        name, email = " ".join(name.split()), email.strip()
        if (name, email) == ((contact.name, contact.email) if contact is not None else ("", "")):
            tx.note(learner, repeated=True)
            return
        if version != (contact.version if contact is not None else 0):
            raise Stale(CHANGED_MEANWHILE)
        wrong = {}
        if len(name) > LONGEST_NAME:
            wrong["name"] = f"Use at most {LONGEST_NAME} characters"
        if email and (len(email) > LONGEST_EMAIL or not _EMAIL.fullmatch(email)):
            wrong["email"] = "Enter an e-mail address such as name@university.ac.uk, or leave it empty"
        refuse(wrong)
        if not name and not email:
            learner.record.contact = None
        elif contact is None:
            learner.record.contact = LearnerContact(name=name, email=email)
        else:
            contact.name, contact.email = name, email
        tx.note(learner, kept=bool(name or email))
