"""Files of declarations: what a person downloads, what they upload, and saving it once they say so."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import PurePosixPath

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload, undefer

from placements.access import Action, Viewer
from placements.capacity import queries, storing
from placements.capacity.content import ANYONE, Content
from placements.capacity.models import Declaration, DeclarationRecord, DeclarationUpload
from placements.capacity.service import in_words, open_round, submit
from placements.capacity.uploads import parse_declarations
from placements.capacity.uploads_directory import Directory, Standing
from placements.capacity.uploads_plan import Plan, plan
from placements.capacity.uploads_result import ParsedDeclarations, from_json, to_json
from placements.capacity.writing import Writer
from placements.clock import now_utc
from placements.errors import NotAllowed, NotFound, Refused, Stale
from placements.organisations.models import Department, Site
from placements.organisations.queries import learner_groups, sites_of, sites_of_network, visible_departments
from placements.rounds.models import Round
from placements.rounds.queries import rounds, visible_rounds
from placements.spreadsheets.remarks import visible
from placements.states import DECLARATION
from placements.transaction import Transaction, transaction

OF_THE_TRUST = "Only the trust's own people can change this department's declaration."
OF_THE_ACADEMY = "Only the academy can change what its own centres declare."


def visible_declaration_uploads(viewer: Viewer) -> Select[DeclarationUpload]:
    """Files that the people of one's trust uploaded; for an academy lead, those of the network."""
    seen = visible_rounds(viewer).with_only_columns(Round.id).order_by(None)
    uploads = select(DeclarationUpload).where(DeclarationUpload.round_id.in_(seen))
    if viewer.trust_id is not None:
        return uploads.where(DeclarationUpload.trust_id == viewer.trust_id)
    return uploads


def declaration_upload(session: Session, viewer: Viewer, upload_id: int) -> DeclarationUpload:
    """One upload with what was read; raises NotFound where there is none that this person may see."""
    found = session.scalar(
        visible_declaration_uploads(viewer)
        .where(DeclarationUpload.id == upload_id)
        .options(
            undefer(DeclarationUpload.parsed),
            joinedload(DeclarationUpload.round),
            joinedload(DeclarationUpload.received_by),
        )
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound("There is no such file. A newer one may have taken its place.")
    return found


def may_accept(viewer: Viewer, upload: DeclarationUpload) -> bool:
    """Whether the file is of the person's own trust, or of the academy for an academy lead."""
    return upload.trust_id == viewer.trust_id and viewer.may(Action.UPLOAD_DECLARATIONS)


def directory(session: Session, viewer: Viewer, round_: Round, site_id: int | None = None) -> Directory:
    """What a file of this round is read against and made from: every department that the person sees, or
    those of one site, in a fixed order."""
    wanted = visible_departments(viewer)
    if site_id is not None:
        wanted = wanted.where(Site.id == site_id)
    departments = list(session.scalars(wanted).unique())
    groups = learner_groups(session)
    declared = queries.declarations_of(session, viewer, round_.id)
    contents = storing.contents(session, [row.id for row in declared.values()])

    def since(department_id: int, version: int) -> list[DeclarationRecord]:
        return queries.records_after(session, declared[department_id].id, version)

    names = {department.site.name for department in departments}
    return Directory(
        round=round_.name,
        weeks=round_.block_weeks(),
        departments=tuple(
            _standing(viewer, department, declared.get(department.id), contents) for department in departments
        ),
        lines={key: queries.line_words(key, groups) for key in queries.line_keys_of(groups)},
        since=since,
        own=own_versions(session, viewer, round_.id),
        elsewhere=frozenset(site.name for site in sites_of_network(session, round_.network_id)) - names,
        other_rounds=frozenset(row.name for row in rounds(session, viewer) if row.id != round_.id),
    )


def own_versions(session: Session, viewer: Viewer, round_id: int) -> dict[int, set[int]]:
    """The versions, by department's id, that came from files that this person uploaded."""
    found: dict[int, set[int]] = {}
    accepted = session.scalars(
        select(DeclarationUpload.saved).where(
            DeclarationUpload.round_id == round_id,
            DeclarationUpload.received_by_id == viewer.person_id,
            DeclarationUpload.state == "accepted",
        )
    )
    for saved in accepted:
        for department_id, version in saved.items():
            found.setdefault(int(department_id), set()).add(version)
    return found


def _standing(
    viewer: Viewer,
    department: Department,
    declaration: Declaration | None,
    contents: dict[int, Content],
) -> Standing:
    fixed = ""
    if not queries.may_change(viewer, department):
        fixed = OF_THE_ACADEMY if department.site.kind == "academy" else OF_THE_TRUST
    return Standing(
        department_id=department.id,
        trust=department.site.trust.name,
        site=department.site.name,
        modality=department.modality.name,
        measure=department.modality.measure,
        version=declaration.version if declaration else 0,
        state=declaration.state if declaration else "not declared",
        content=contents[declaration.id] if declaration else Content({ANYONE: {}}),
        fixed=fixed,
    )


def upload_declarations(viewer: Viewer, round_id: int, *, filename: str, data: bytes) -> DeclarationUpload:
    """Read a file of declarations and keep what came of it for the preview; nothing is declared yet.

    The same file again is the same upload while it waits; another one takes the place of whatever of the
    person's still waits in the round. Raises Refused, naming the field, where the file cannot be read.
    """
    with transaction(viewer, Action.UPLOAD_DECLARATIONS) as tx:
        round_ = open_round(tx, viewer, round_id)
        parsed = parse_declarations(data, directory(tx.session, viewer, round_))
        if parsed.problem is not None:
            words = f"{parsed.problem.message} {parsed.problem.remedy}"
            raise Refused(words, {"file": words})
        content_hash = hashlib.sha256(data).hexdigest()
        upload: DeclarationUpload | None = None
        for waiting in tx.session.scalars(
            visible_declaration_uploads(viewer).where(
                DeclarationUpload.round_id == round_id,
                DeclarationUpload.received_by_id == viewer.person_id,
                DeclarationUpload.state == "received",
            )
        ):
            if waiting.content_hash == content_hash:
                upload = waiting
            else:
                tx.session.delete(waiting)
        if upload is None:
            upload = DeclarationUpload(
                round_id=round_.id, trust_id=viewer.trust_id, received_by_id=viewer.person_id, saved={}
            )
            tx.session.add(upload)
        name = PurePosixPath(filename.replace("\\", "/")).name
        upload.filename = visible(name, 200) or "declarations.csv"
        upload.content_hash, upload.received_utc = content_hash, now_utc()
        upload.parsed = to_json(parsed)
        tx.note(upload, departments=len(parsed.departments), refused=len(parsed.refused_departments))
    return upload


def plan_of(
    session: Session, viewer: Viewer, upload: DeclarationUpload, *, takes_file: bool = False
) -> tuple[Directory, ParsedDeclarations, Plan]:
    """What was read from a file, and what accepting it would do now."""
    parsed = from_json(upload.parsed)
    read_against = directory(session, viewer, upload.round)
    return read_against, parsed, plan(read_against, parsed.departments, takes_file=takes_file)


def accept_declarations(
    viewer: Viewer, upload_id: int, *, seen: str, takes_file: bool = False, submits: bool = False
) -> dict[int, int]:
    """Save what the preview showed as drafts, all departments or none; twice is the same as once. The new
    versions by department's id.

    `seen` is the plan's own, so that nobody saves what they have not been shown: Stale where a declaration
    has changed since. `takes_file` decides cells that both changed for the file, otherwise for the others.
    `submits` also submits every department of the file that is then a draft or returned.
    """
    try:
        with transaction(viewer, Action.UPLOAD_DECLARATIONS) as tx:
            upload = declaration_upload(tx.session, viewer, upload_id)
            if not may_accept(viewer, upload):
                raise NotAllowed("Only the people of the trust whose file this is can accept it.")
            if upload.state == "accepted":
                tx.note(upload, repeated=True)
                return {int(key): version for key, version in upload.saved.items()}
            round_ = open_round(tx, viewer, upload.round_id)
            upload.state, upload.accepted_utc = "accepted", now_utc()
            # Written first, so that of two who accept at once the second stops here.
            tx.session.flush()
            _, parsed, found = plan_of(tx.session, viewer, upload, takes_file=takes_file)
            _require_acceptable(parsed, found, seen)
            saved = _save(tx, viewer, round_, found, submits=submits)
            upload.saved = {str(key): version for key, version in saved.items()}
            upload.parsed = to_json(_without_cells(parsed))
            tx.note(upload, departments=sorted(saved), cells=found.cells, submitted=submits)
    except IntegrityError as error:
        raise in_words(error) from None
    return saved


def _require_acceptable(parsed: ParsedDeclarations, found: Plan, seen: str) -> None:
    if not parsed.departments:
        raise Refused("None of the departments could be read, so there is nothing to save.")
    if found.seen != seen:
        raise Stale(
            "What is declared has changed since this preview was made, so nothing was saved. Look at what"
            " accepting would do now, then accept it again."
        )
    if found.wrong:
        names = "; ".join(one.standing.name for one in found.wrong[:5])
        raise Refused(
            "Nothing was saved, because what is declared has changed and some figures of the file no longer"
            f" fit ({names}). Upload the file again."
        )


def _save(tx: Transaction, viewer: Viewer, round_: Round, found: Plan, *, submits: bool) -> dict[int, int]:
    """Write the departments that change; the versions of what was written, by department's id."""
    changing = {one.standing.department_id: one for one in found.departments if one.changes}
    writer = Writer(tx, viewer, round_, changing)
    declared = {
        id_: writer.save(id_, one.standing.version, one.content).declaration for id_, one in changing.items()
    }
    writer.finish()
    saved = {id_: row.version for id_, row in declared.items()}
    if submits:
        for one in found.departments:
            id_ = one.standing.department_id
            row = declared.get(id_) or queries.declaration_of(tx.session, viewer, round_.id, id_)
            if row is not None and DECLARATION.allows(row.state, "submit"):
                submit(tx, viewer, round_, row)
    return saved


def _without_cells(parsed: ParsedDeclarations) -> ParsedDeclarations:
    return replace(parsed, departments=())


def sites_seen(session: Session, viewer: Viewer) -> dict[int, str]:
    """The sites of the departments that the person sees, by id, by name."""
    return {id_: site.name for id_, site in sites_of(session, visible_departments(viewer)).items()}


def directory_lines(session: Session) -> list[str]:
    """The words of every line that a file may name."""
    groups = learner_groups(session)
    return [queries.line_words(key, groups) for key in queries.line_keys_of(groups)]


def waiting_upload(session: Session, viewer: Viewer, round_id: int) -> DeclarationUpload | None:
    """The person's own file that still waits for a yes in a round."""
    return session.scalar(
        visible_declaration_uploads(viewer).where(
            DeclarationUpload.round_id == round_id,
            DeclarationUpload.received_by_id == viewer.person_id,
            DeclarationUpload.state == "received",
        )
    )
