"""What an HEI can do with its programmes. Stages belong to the learner group, which is reference data."""

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from placements.access import Action, Viewer
from placements.errors import NotFound, Refused, Stale
from placements.organisations.models import LearnerGroup, Programme
from placements.plans.queries import programme_by_id
from placements.transaction import CHANGED_MEANWHILE, transaction, violates

LONGEST_NAME = 200


def create_programme(viewer: Viewer, *, name: str, learner_group_id: int) -> Programme:
    """Add a programme to one's own HEI; one of the same name and learner group is that programme.

    Raises Refused naming each wrong field.
    """
    name = _checked(name)
    try:
        with transaction(viewer, Action.CREATE_PROGRAMME) as tx:
            if viewer.hei_id is None:
                raise NotFound("There is no HEI to add a programme to.")
            if tx.session.get(LearnerGroup, learner_group_id) is None:
                words = "Choose a learner group from the list"
                raise Refused(f"{words}.", {"learner_group_id": words})
            same = tx.session.scalar(select(Programme).filter_by(hei_id=viewer.hei_id, name=name))
            if same is not None and same.learner_group_id == learner_group_id:
                tx.note(same, repeated=True)
                return same
            programme = Programme(hei_id=viewer.hei_id, learner_group_id=learner_group_id, name=name)
            tx.session.add(programme)
            tx.note(programme, name=name)
    except IntegrityError as error:
        raise _refusal(error, name) from None
    return programme


def rename_programme(viewer: Viewer, programme_id: int, *, name: str, version: int) -> Programme:
    """Give a programme of one's own HEI another name; what was published keeps the name that it had.

    Raises Refused naming the field, and Stale where somebody else renamed it since.
    """
    name = _checked(name)
    try:
        with transaction(viewer, Action.RENAME_PROGRAMME) as tx:
            programme = programme_by_id(tx.session, viewer, programme_id)
            if programme.name == name:
                tx.note(programme, repeated=True)
                return programme
            if programme.version != version:
                raise Stale(CHANGED_MEANWHILE)
            before, programme.name = programme.name, name
            tx.note(programme, name=name, before=before)
    except IntegrityError as error:
        raise _refusal(error, name) from None
    return programme


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= LONGEST_NAME:
        words = f"Enter the programme's name, at most {LONGEST_NAME} characters"
        raise Refused(f"{words}.", {"name": words})
    return name


def _refusal(error: IntegrityError, name: str) -> Exception:
    if violates(error, "uq_programme_hei_id_name", "programme.hei_id, programme.name"):
        words = f"Your HEI has a programme called {name}: use another name"
        return Refused(f"{words}.", {"name": words})
    return error
