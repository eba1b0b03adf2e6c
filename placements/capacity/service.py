"""What can be done with capacity declarations."""

from collections.abc import Mapping

from sqlalchemy.exc import IntegrityError

from placements.access import Action, Viewer
from placements.capacity import queries
from placements.capacity.content import Content
from placements.capacity.merging import Change
from placements.capacity.models import Declaration, DeclarationRecord
from placements.capacity.writing import Edit, Saved, Writer
from placements.clock import now_utc
from placements.errors import NotAllowed, NotFound, Refused, Stale
from placements.organisations.queries import department_by_id
from placements.rounds.models import Round
from placements.rounds.queries import round_by_id
from placements.states import DECLARATION
from placements.transaction import CHANGED_MEANWHILE, Transaction, transaction, violates

LONGEST_COMMENT = 2000
# How often a save of cells is tried where others save at the same moment.
TRIES = 5


def save_declaration(
    viewer: Viewer, round_id: int, department_id: int, *, version: int, content: Content
) -> Saved:
    """Save a department's declaration as a draft; a block's week that is left out counts as nothing.

    `version` is what was read, 0 where there was no declaration yet. Where somebody else saved meanwhile,
    both people's work is kept, cell by cell; raises Clash where both changed the same cell, and Refused
    naming each wrong cell. An offer that was approved before stands until this one is approved.
    """
    return save_declarations(
        viewer, round_id, {department_id: (version, content)}, action=Action.SAVE_DECLARATION
    )[department_id]


def save_declarations(
    viewer: Viewer,
    round_id: int,
    contents: Mapping[int, tuple[int, Content]],
    *,
    action: Action = Action.SAVE_DECLARATION,
) -> dict[int, Saved]:
    """Save several departments' declarations, by department's id to the version read and the content; all or
    none. Wrong cells are named `department.cell`, those of a single department without it."""
    try:
        with transaction(viewer, action) as tx:
            round_ = open_round(tx, viewer, round_id)
            writer = Writer(tx, viewer, round_, contents)
            found = {
                department_id: writer.save(department_id, version, content)
                for department_id, (version, content) in contents.items()
            }
            writer.finish()
            tx.note(round_, departments=sorted(contents))
    except IntegrityError as error:
        raise in_words(error) from None
    return found


def save_cells(viewer: Viewer, round_id: int, edits: Mapping[int, Edit]) -> dict[int, Saved]:
    """Save changed cells of drafts as they are typed, by department's id: those that can be right and that
    nobody else changed to something else since. What was left out is in each answer, and nothing of others is
    ever overwritten, so a save that met another's is simply tried again."""
    for tries_left in reversed(range(TRIES)):
        try:
            with transaction(viewer, Action.SAVE_DECLARATION) as tx:
                round_ = open_round(tx, viewer, round_id)
                writer = Writer(tx, viewer, round_, edits)
                found = {id_: writer.save_cells(id_, edit) for id_, edit in edits.items()}
                writer.finish()
                tx.note(round_, departments=sorted(edits))
            return found
        except IntegrityError as error:
            reason = in_words(error)
        except Stale as stale:
            reason = stale
        if not tries_left or not isinstance(reason, Stale):
            raise reason
    raise AssertionError("the last try has ended one way or the other")


def submit_declaration(
    viewer: Viewer,
    round_id: int,
    department_id: int,
    *,
    version: int,
    content: Content | None = None,
    comment: str = "",
) -> Saved:
    """Submit a department's declaration for approval; with `content`, save that first. Where the round asks
    for no approval, the match may use it from now on."""
    try:
        with transaction(viewer, Action.SUBMIT_DECLARATION) as tx:
            round_ = open_round(tx, viewer, round_id)
            theirs: tuple[Change, ...] = ()
            if content is not None:
                writer = Writer(tx, viewer, round_, [department_id])
                saved = writer.save(department_id, version, content)
                writer.finish()
                declaration, theirs = saved.declaration, saved.theirs
            else:
                declaration = read_to_act(tx, viewer, round_id, department_id, version)
            whole = submit(tx, viewer, round_, declaration, comment)
    except IntegrityError as error:
        raise in_words(error) from None
    return Saved(declaration, whole, theirs)


def submit(
    tx: Transaction, viewer: Viewer, round_: Round, declaration: Declaration, comment: str = ""
) -> Content:
    """Submit a declaration within one's own transaction; what it says."""
    if not declaration.lines:
        raise Refused("There is nothing to submit yet: fill in the weeks first.")
    whole = queries.content_of(declaration)
    declaration.state = DECLARATION.move(declaration.state, "submit")
    declaration.submitted_utc = now_utc()
    tx.note(declaration, state=declaration.state)
    record(tx, viewer, declaration, "submit", content=whole, comment=comment)
    if not round_.needs_approval:
        declaration.state = DECLARATION.move(declaration.state, "approve")
        tx.note(declaration, state=declaration.state)
        record(tx, viewer, declaration, "approve", content=whole, comment="")
    return whole


def open_round(tx: Transaction, viewer: Viewer, round_id: int) -> Round:
    """A round in which one may declare; raises Refused where it is a draft."""
    round_ = round_by_id(tx.session, viewer, round_id)
    if round_.state == "draft":
        raise Refused("This round is not open yet, so nothing can be declared in it.")
    return round_


def read_to_act(
    tx: Transaction, viewer: Viewer, round_id: int, department_id: int, version: int
) -> Declaration:
    """A declaration that the person may act on, in the version that they read."""
    department = department_by_id(tx.session, viewer, department_id)
    if not queries.may_change(viewer, department):
        raise NotAllowed("Only the trust itself can do this with its department's declaration.")
    declaration = queries.declaration_of(tx.session, viewer, round_id, department_id)
    if declaration is None:
        if version == 0:
            raise Refused("There is nothing to submit yet: fill in the weeks first.")
        raise NotFound("There is no such declaration.")
    if declaration.version != version:
        raise Stale(CHANGED_MEANWHILE)
    return declaration


def record(
    tx: Transaction,
    viewer: Viewer,
    declaration: Declaration,
    verb: str,
    *,
    changed: dict[str, list[str]] | None = None,
    content: Content | None = None,
    comment: str = "",
) -> None:
    """Keep for good what was done with a declaration, and what it then said."""
    tx.session.flush()
    tx.session.add(
        DeclarationRecord(
            declaration_id=declaration.id,
            version=declaration.version,
            verb=verb,
            at_utc=now_utc(),
            by_id=viewer.person_id,
            by_name=viewer.name,
            comment=comment,
            changes=changed or {},
            content=content.to_json() if content else None,
        )
    )


def in_words(error: IntegrityError) -> Exception:
    """What to raise where two people made the department's first declaration at the same moment."""
    unique = "declaration.round_id, declaration.department_id"
    if violates(error, "uq_declaration_round_id_department_id", unique):
        return Stale(CHANGED_MEANWHILE)
    return error
