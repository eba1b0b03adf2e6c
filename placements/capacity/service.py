"""What can be done with capacity declarations."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from placements.access import Action, Viewer
from placements.capacity import queries
from placements.capacity.content import ANYONE, Content, changes, wrong_figures
from placements.capacity.merging import Change, Clash, merge
from placements.capacity.models import (
    Declaration,
    DeclarationRecord,
    DeclaredLine,
    DeclaredWeek,
    DeclaredWte,
)
from placements.clock import now_utc
from placements.errors import NotAllowed, NotFound, Refused, Stale
from placements.organisations.models import Department, LearnerGroup, SupervisionModel
from placements.organisations.queries import learner_groups
from placements.rounds.models import Round
from placements.rounds.queries import round_by_id
from placements.states import DECLARATION
from placements.transaction import CHANGED_MEANWHILE, Transaction, transaction, violates

LONGEST_COMMENT = 2000


@dataclass(frozen=True)
class Saved:
    """A declaration as it now stands; `theirs` are cells that somebody else changed since it was read and
    that were kept."""

    declaration: Declaration
    content: Content
    theirs: tuple[Change, ...] = ()


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
            round_ = _open_round(tx, viewer, round_id)
            writer = _Writer(tx, viewer, round_, contents)
            found = {
                department_id: writer.save(department_id, version, content)
                for department_id, (version, content) in contents.items()
            }
            writer.refuse_wrong()
            tx.note(round_, departments=sorted(contents))
    except IntegrityError as error:
        raise _in_words(error) from None
    return found


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
            round_ = _open_round(tx, viewer, round_id)
            theirs: tuple[Change, ...] = ()
            if content is not None:
                writer = _Writer(tx, viewer, round_, {department_id: (version, content)})
                saved = writer.save(department_id, version, content)
                writer.refuse_wrong()
                declaration, theirs = saved.declaration, saved.theirs
            else:
                declaration = _read(tx, viewer, round_id, department_id, version)
            whole = queries.content_of(declaration)
            if not declaration.lines:
                raise Refused("There is nothing to submit yet: fill in the weeks first.")
            declaration.state = DECLARATION.move(declaration.state, "submit")
            declaration.submitted_utc = now_utc()
            tx.note(declaration, state=declaration.state)
            _record(tx, viewer, declaration, "submit", content=whole, comment=comment)
            if not round_.needs_approval:
                declaration.state = DECLARATION.move(declaration.state, "approve")
                tx.note(declaration, state=declaration.state)
                _record(tx, viewer, declaration, "approve", content=whole, comment="")
    except IntegrityError as error:
        raise _in_words(error) from None
    return Saved(declaration, whole, theirs)


def approve_declaration(
    viewer: Viewer, round_id: int, department_id: int, *, version: int, comment: str = ""
) -> Declaration:
    """Approve what a department submitted: from now on the match may use it."""
    return _decide(viewer, Action.APPROVE_DECLARATION, "approve", round_id, department_id, version, comment)


def return_declaration(
    viewer: Viewer, round_id: int, department_id: int, *, version: int, comment: str
) -> Declaration:
    """Give a submitted declaration back to its department, with what should be changed."""
    if not comment.strip():
        words = "Say what should be changed, so that the department knows"
        raise Refused(words + ".", {"comment": words})
    return _decide(viewer, Action.RETURN_DECLARATION, "return", round_id, department_id, version, comment)


def _decide(
    viewer: Viewer,
    action: Action,
    verb: str,
    round_id: int,
    department_id: int,
    version: int,
    comment: str,
) -> Declaration:
    if len(comment) > LONGEST_COMMENT:
        words = f"Use at most {LONGEST_COMMENT:,} characters"
        raise Refused(words + ".", {"comment": words})
    with transaction(viewer, action) as tx:
        declaration = _read(tx, viewer, round_id, department_id, version)
        declaration.state = DECLARATION.move(declaration.state, verb)
        tx.note(declaration, state=declaration.state, department=department_id, round=round_id)
        content = queries.content_of(declaration)
        _record(tx, viewer, declaration, verb, content=content, comment=comment.strip())
    return declaration


class _Writer:
    """Writes declarations within one transaction, reading what they share once."""

    def __init__(
        self, tx: Transaction, viewer: Viewer, round_: Round, contents: Mapping[int, tuple[int, Content]]
    ) -> None:
        self._tx, self._viewer, self._round = tx, viewer, round_
        self._weeks = round_.block_weeks()
        departments = tx.session.scalars(
            queries.changeable_departments(viewer).where(Department.id.in_(contents))
        ).unique()
        self._departments = {department.id: department for department in departments}
        self._found = queries.declarations_of(tx.session, viewer, round_.id, contents)
        self._models = {row.key: row for row in tx.session.scalars(select(SupervisionModel))}
        self._groups: dict[str, LearnerGroup] = {group.key: group for group in learner_groups(tx.session)}
        self._lines = queries.line_keys(tx.session)
        self._is_one = len(contents) == 1
        self._wrong: dict[str, str] = {}
        self._clashes: list[Change] = []
        self._theirs: list[Change] = []

    def save(self, department_id: int, version: int, content: Content) -> Saved:
        """Write one declaration; what is wrong is kept for `refuse_wrong`."""
        if department_id not in self._departments:
            queries.department_by_id(self._tx.session, self._viewer, department_id)
            raise NotAllowed("Only the trust itself can change this department's declaration.")
        declaration = self._found.get(department_id)
        saved = queries.content_of(declaration)
        theirs: tuple[Change, ...] = ()
        if declaration is None and version != 0:
            raise Stale(CHANGED_MEANWHILE)
        if declaration is not None and declaration.version != version:
            since = queries.records_after(self._tx.session, declaration.id, version)
            merged = merge(content, saved, since)
            content, theirs = merged.content, merged.theirs
            self._clashes += merged.clashes
            self._theirs += merged.theirs
        self._check(department_id, content)
        if self._wrong or self._clashes:
            return Saved(declaration or Declaration(state="draft", saves=0), content, theirs)
        if declaration is None:
            declaration = Declaration(
                state="draft", saves=0, round=self._round, department=self._departments[department_id]
            )
            self._tx.session.add(declaration)
        declaration.state = DECLARATION.move(declaration.state, "save")
        declaration.changed_utc, declaration.changed_by_id = now_utc(), self._viewer.person_id
        declaration.supervision_model = self._models[content.model] if content.model else None
        # Counted, so that the version moves on even where nothing but the weeks changes.
        declaration.saves += 1
        self._write(declaration, content)
        self._tx.session.flush()
        _record(self._tx, self._viewer, declaration, "save", changed=changes(saved, content))
        return Saved(declaration, content, theirs)

    def refuse_wrong(self) -> None:
        """Raise Refused or Clash where anything kept the declarations from being saved."""
        if self._wrong:
            raise Refused("Some figures cannot be right, so nothing was saved.", self._wrong)
        if self._clashes:
            raise Clash(CHANGED_MEANWHILE, tuple(self._clashes), tuple(self._theirs))

    def _check(self, department_id: int, content: Content) -> None:
        wrong = wrong_figures(self._weeks, content, self._lines)
        if content.model and content.model not in self._models:
            wrong["model"] = f"there is no supervision model called {content.model}"
        if not self._is_one:
            wrong = {f"{department_id}.{name}": words for name, words in wrong.items()}
        self._wrong |= wrong

    def _write(self, declaration: Declaration, content: Content) -> None:
        lines = {queries.line_key(line): line for line in declaration.lines}
        for key in [*lines]:
            if key not in content.lines and key != ANYONE:
                declaration.lines.remove(lines.pop(key))
        for key in dict.fromkeys([ANYONE, *content.lines]):
            line = lines.get(key)
            if line is None:
                line = self._new_line(key)
                declaration.lines.append(line)
            self._write_weeks(line, content, key)
        wte = {row.week: row for row in declaration.wte}
        for week in [*wte]:
            if week not in self._weeks:
                declaration.wte.remove(wte.pop(week))
        for week in self._weeks:
            if week not in wte:
                wte[week] = DeclaredWte(week=week)
                declaration.wte.append(wte[week])
            wte[week].wte = content.wte.get(week, Decimal(0))

    def _new_line(self, key: str) -> DeclaredLine:
        group_key, _, stage_key = key.partition("/")
        group = self._groups.get(group_key)
        stage = next((row for row in group.stages if row.key == stage_key), None) if group else None
        return DeclaredLine(learner_group=group, stage=stage)

    def _write_weeks(self, line: DeclaredLine, content: Content, key: str) -> None:
        rows: dict[date, DeclaredWeek] = {row.week: row for row in line.weeks}
        for week in [*rows]:
            if week not in self._weeks:
                line.weeks.remove(rows.pop(week))
        for week in self._weeks:
            if week not in rows:
                rows[week] = DeclaredWeek(week=week)
                line.weeks.append(rows[week])
            told = content.places(key, week)
            row = rows[week]
            row.preferred, row.maximum, row.surge = told.preferred, told.maximum, told.surge


def _open_round(tx: Transaction, viewer: Viewer, round_id: int) -> Round:
    round_ = round_by_id(tx.session, viewer, round_id)
    if round_.state == "draft":
        raise Refused("This round is not open yet, so nothing can be declared in it.")
    return round_


def _read(tx: Transaction, viewer: Viewer, round_id: int, department_id: int, version: int) -> Declaration:
    """A declaration that the person may act on, in the version that they read."""
    department = queries.department_by_id(tx.session, viewer, department_id)
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


def _record(
    tx: Transaction,
    viewer: Viewer,
    declaration: Declaration,
    verb: str,
    *,
    changed: dict[str, list[str]] | None = None,
    content: Content | None = None,
    comment: str = "",
) -> None:
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


def _in_words(error: IntegrityError) -> Exception:
    """Two people made the department's first declaration at the same moment."""
    unique = "declaration.round_id, declaration.department_id"
    if violates(error, "uq_declaration_round_id_department_id", unique):
        return Stale(CHANGED_MEANWHILE)
    return error
