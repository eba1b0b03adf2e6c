"""What a trust's education lead decides: approve what was submitted, or give it back with a comment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from placements.access import Action, Viewer
from placements.capacity import queries, storing
from placements.capacity.comparing import Step, steps
from placements.capacity.content import Content
from placements.capacity.models import Declaration, DeclarationRecord
from placements.capacity.recipients import tell_returned
from placements.capacity.service import LONGEST_COMMENT, read_to_act, record
from placements.errors import NotFound, Refused
from placements.organisations.models import Department
from placements.rounds.queries import round_by_id
from placements.states import DECLARATION
from placements.transaction import Transaction, transaction


def approve_declaration(
    viewer: Viewer, round_id: int, department_id: int, *, version: int, comment: str = ""
) -> Declaration:
    """Approve what a department submitted: from now on the match may use it."""
    return approve_declarations(viewer, round_id, {department_id: version}, comment=comment)[0]


def approve_declarations(
    viewer: Viewer, round_id: int, versions: Mapping[int, int], *, comment: str = ""
) -> list[Declaration]:
    """Approve several at once, by department's id to the version that was read; all or none."""
    if not versions:
        words = "Choose at least one declaration to approve"
        raise Refused(words + ".", {"department": words})
    _check_length(comment)
    with transaction(viewer, Action.APPROVE_DECLARATION) as tx:
        round_ = round_by_id(tx.session, viewer, round_id)
        found = [
            _decide(tx, viewer, "approve", round_id, department_id, version, comment)
            for department_id, version in versions.items()
        ]
        tx.note(round_, approved=sorted(versions))
    return found


def return_declaration(
    viewer: Viewer, round_id: int, department_id: int, *, version: int, comment: str
) -> Declaration:
    """Give a submitted declaration back to its department, with what should be changed; whoever submitted
    it is told by e-mail."""
    if not comment.strip():
        words = "Say what should be changed, so that the department knows"
        raise Refused(words + ".", {"comment": words})
    _check_length(comment)
    with transaction(viewer, Action.RETURN_DECLARATION) as tx:
        declaration = _decide(tx, viewer, "return", round_id, department_id, version, comment)
        tx.note(declaration, department=department_id, round=round_id)
        tell_returned(tx, viewer, declaration, comment.strip())
    return declaration


def _check_length(comment: str) -> None:
    if len(comment) > LONGEST_COMMENT:
        words = f"Use at most {LONGEST_COMMENT:,} characters"
        raise Refused(words + ".", {"comment": words})


def _decide(
    tx: Transaction,
    viewer: Viewer,
    verb: str,
    round_id: int,
    department_id: int,
    version: int,
    comment: str,
) -> Declaration:
    declaration = read_to_act(tx, viewer, round_id, department_id, version)
    declaration.state = DECLARATION.move(declaration.state, verb)
    content = queries.content_of(declaration)
    record(tx, viewer, declaration, verb, content=content, comment=comment.strip())
    return declaration


@dataclass(frozen=True)
class Waiting:
    """A declaration that waits for a decision: who submitted it when, with what comment, and what differs
    from the approved version (None: nothing was approved before)."""

    department: Department
    declaration: Declaration
    submitted_by: str
    submitted_utc: datetime | None
    comment: str
    content: Content
    approved: Content | None
    steps: list[Step]


def waiting(session: Session, viewer: Viewer, round_id: int) -> list[Waiting]:
    """What waits for this person's decision in a round, by site."""
    departments = list(
        session.scalars(
            queries.changeable_departments(viewer).where(
                Department.id.in_(
                    select(Declaration.department_id).where(
                        Declaration.round_id == round_id, Declaration.state == "submitted"
                    )
                )
            )
        ).unique()
    )
    ids = [department.id for department in departments]
    declarations = queries.declarations_of(session, viewer, round_id, ids, with_changer=True)
    contents = storing.contents(session, [row.id for row in declarations.values()])
    offers = {offer.department_id: offer.content for offer in queries.offers(session, round_id, ids)}
    submits = {
        row.declaration_id: row
        for row in session.scalars(
            select(DeclarationRecord)
            .where(
                DeclarationRecord.declaration_id.in_([row.id for row in declarations.values()]),
                DeclarationRecord.verb == "submit",
            )
            .order_by(DeclarationRecord.id)
        )
    }
    found = []
    for department in departments:
        declaration = declarations[department.id]
        submit = submits.get(declaration.id)
        content, approved = contents[declaration.id], offers.get(department.id)
        found.append(
            Waiting(
                department,
                declaration,
                submit.by_name if submit else (declaration.changed_by.name if declaration.changed_by else ""),
                submit.at_utc if submit else declaration.submitted_utc,
                submit.comment if submit else "",
                content,
                approved,
                steps(approved or Content(), content),
            )
        )
    return found


def count_waiting(session: Session, viewer: Viewer, round_id: int) -> int:
    """How many declarations wait for this person's decision."""
    if not viewer.may(Action.APPROVE_DECLARATION):
        return 0
    departments = queries.changeable_departments(viewer).with_only_columns(Department.id).order_by(None)
    found = select(func.count(Declaration.id)).where(
        Declaration.round_id == round_id,
        Declaration.state == "submitted",
        Declaration.department_id.in_(departments),
    )
    return session.scalar(found) or 0


def return_of(session: Session, declaration: Declaration | None) -> DeclarationRecord | None:
    """Why a declaration was given back, while it is not submitted again; the caller has been let see it."""
    if declaration is None or declaration.state not in ("returned", "draft"):
        return None
    newest = session.scalar(
        select(DeclarationRecord)
        .where(DeclarationRecord.declaration_id == declaration.id, DeclarationRecord.verb != "save")
        .order_by(DeclarationRecord.id.desc())
        .limit(1)
    )
    return newest if newest is not None and newest.verb == "return" else None


def history(session: Session, declaration: Declaration) -> list[DeclarationRecord]:
    """Everything that was done with a declaration that the caller has been let see, the newest first."""
    return list(
        session.scalars(
            select(DeclarationRecord)
            .where(DeclarationRecord.declaration_id == declaration.id)
            .order_by(DeclarationRecord.id.desc())
        )
    )


def kept_version(session: Session, declaration: Declaration, record_id: int) -> Content:
    """The content of a kept record of a declaration; raises NotFound where it keeps none."""
    found = session.scalar(
        select(DeclarationRecord).where(
            DeclarationRecord.id == record_id, DeclarationRecord.declaration_id == declaration.id
        )
    )
    if found is None or found.content is None:
        raise NotFound("There is no such version of this declaration.")
    return Content.from_json(found.content)
