"""What can be done with cohorts and the files that they come in."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from placements.access import Action, Viewer
from placements.clock import now_utc, today
from placements.cohorts import queries
from placements.cohorts.acceptance import Comparison, compare
from placements.cohorts.changing import note_change, require_changeable
from placements.cohorts.models import Cohort, Upload
from placements.cohorts.saving import save_learners
from placements.cohorts.uploads import ParsedUpload, from_json, parse_cohort, to_json
from placements.cohorts.uploads_mending import after_accepting
from placements.errors import NotFound, Refused, Stale
from placements.organisations.models import Hei, Programme
from placements.organisations.queries import visible_programmes
from placements.rounds import queries as rounds
from placements.spreadsheets.remarks import visible
from placements.states import COHORT, UPLOAD
from placements.tasks import queue
from placements.transaction import CHANGED_MEANWHILE, Transaction, transaction, violates

LONGEST_INTAKE = 20
# Rows that are read in a fraction of a second; more of them are the worker's.
ROWS_AT_ONCE = 1_000
_INTAKE = re.compile(r"(?=.*\b20\d\d\b)[\w /&-]+", re.ASCII)
_NAMED = 5


def receive_upload(
    viewer: Viewer,
    round_id: int,
    *,
    programme_id: int,
    stage_id: int,
    intake: str,
    filename: str,
    data: bytes,
    is_located: Callable[[str], bool] = queries.is_located,
    rows_at_once: int = ROWS_AT_ONCE,
) -> Upload:
    """Read a cohort file and keep what came of it for the preview; no learner is saved yet.

    The rows of one with more than `rows_at_once` are read by the worker, and while it is not known what every
    column holds, none are. The same file for the same cohort, while it still waits for a yes, is the same
    upload. Raises Refused, naming the field, where the file cannot be read, the intake has no year, or the
    round's plan does not name the programme and stage; and NotFound where the programme belongs to another
    HEI.
    """
    with transaction(viewer, Action.RECEIVE_UPLOAD) as tx:
        round_ = rounds.round_by_id(tx.session, viewer, round_id)
        require_changeable(round_)
        programme = tx.session.scalar(visible_programmes(viewer).where(Programme.id == programme_id))
        if programme is None:
            raise NotFound("There is no such programme.")
        if not queries.plan_of_stage(tx.session, round_id, programme_id, stage_id):
            wrong = "Choose a programme and stage that has a placement in this round"
            raise Refused(f"{wrong}.", {"choice": wrong})
        intake = _checked_intake(intake)
        directory = replace(queries.directory(tx.session, round_, programme.hei_id), locates=is_located)
        parsed = parse_cohort(
            data,
            directory,
            today=today(),
            choices=queries.column_choices(tx.session, programme.hei_id),
            rows_at_once=rows_at_once,
        )
        if parsed.problem is not None:
            words = f"{parsed.problem.message} {parsed.problem.remedy}"
            raise Refused(words, {"file": words})
        kept = to_json(parsed)
        content_hash = hashlib.sha256(data).hexdigest()
        for waiting in queries.waiting_uploads(tx.session, viewer, round_id):
            if (waiting.programme_id, waiting.stage_id, waiting.intake, waiting.content_hash) == (
                programme_id,
                stage_id,
                intake,
                content_hash,
            ):
                # What was put right in it here is kept.
                if not from_json(waiting.parsed).mended:
                    waiting.parsed = kept
                    await_rows(tx, waiting, parsed)
                tx.note(waiting, repeated=True)
                return waiting
        upload = Upload(
            round=round_,
            hei_id=programme.hei_id,
            programme_id=programme_id,
            stage_id=stage_id,
            intake=intake,
            filename=_safe_filename(filename),
            content_hash=content_hash,
            received_utc=now_utc(),
            received_by_id=viewer.person_id,
            parsed=kept,
        )
        tx.session.add(upload)
        await_rows(tx, upload, parsed)
        tx.note(upload, accepted=len(parsed.rows), refused=len(parsed.refused_rows))
    return upload


def await_rows(tx: Transaction, upload: Upload, parsed: ParsedUpload) -> None:
    """Leave an upload in the state that goes with what was read of it; rows not read yet go to the worker."""
    table = parsed.table
    upload.message, upload.heartbeat_utc = None, None
    upload.rows_found = len(table.rows) if table else 0
    is_read = bool(parsed.rows or parsed.refusals)
    upload.rows_read = upload.rows_found if is_read else 0
    if not parsed.is_settled:
        upload.state = "columns"
    elif is_read:
        upload.state = "received"
    else:
        upload.state = "reading"
        tx.session.flush()
        upload_id = upload.id
        tx.afterwards(lambda: queue("read_upload", upload_id=upload_id))


def accept_upload(
    viewer: Viewer, upload_id: int, *, version: int, cohort_version: int | None = None
) -> Cohort:
    """Save exactly the rows that the preview showed, all or none of them; twice is the same as once.

    Learners are known by their reference. Those of the cohort whom the file does not name stay as they are.
    A submitted cohort goes back to draft if anything in it changes. `cohort_version` is the cohort's as the
    preview read it (0 where there was none); Stale where it has changed since. Raises Refused where no row
    was accepted, or where a reference stands in another cohort of the HEI in this round.
    """
    try:
        with transaction(viewer, Action.ACCEPT_UPLOAD) as tx:
            upload = queries.upload_by_id(tx.session, viewer, upload_id)
            if upload.state == "accepted" and upload.cohort_id is not None:
                tx.note(upload, repeated=True)
                return queries.cohort_by_id(tx.session, viewer, upload.cohort_id)
            require_changeable(upload.round)
            _require_read(upload)
            upload.state = UPLOAD.move(upload.state, "accept")
            if upload.version != version:
                raise Stale(CHANGED_MEANWHILE)
            upload.accepted_utc = now_utc()
            # Written first, so that of two people at once with this upload the second stops here; those with
            # another upload of the same HEI wait for their turn, and see what this one has saved.
            tx.session.flush()
            tx.session.execute(select(Hei.id).where(Hei.id == upload.hei_id).with_for_update(key_share=True))
            parsed = from_json(upload.parsed)
            comparison = compare(tx.session, upload, parsed)
            _require_acceptable(parsed, comparison)
            seen = comparison.cohort.version if comparison.cohort is not None else 0
            if cohort_version not in (None, seen):
                raise Stale(
                    "The cohort has changed since this preview was made, so nothing was saved. Look at what"
                    " accepting would do now, then accept it again."
                )
            was_submitted = comparison.cohort is not None and comparison.cohort.state == "submitted"
            cohort = _cohort_to_write(tx.session, upload, comparison)
            save_learners(tx.session, cohort, upload.hei_id, comparison)
            upload.cohort_id = cohort.id
            upload.parsed = to_json(after_accepting(parsed))
            tx.note(
                upload,
                cohort_id=cohort.id,
                new=len(comparison.new),
                changed=len(comparison.changed),
                unchanged=comparison.unchanged,
                not_saved=len(parsed.refused_rows),
                back_to_draft=was_submitted and cohort.state == "draft",
            )
    except IntegrityError as error:
        if violates(error, "uq_cohort_", "cohort.round_id, cohort.programme_id") or violates(
            error, "uq_learner_", "learner.round_id, learner.hei_id"
        ):
            raise Stale(CHANGED_MEANWHILE) from None
        raise
    return cohort


def discard_upload(viewer: Viewer, upload_id: int, *, version: int) -> None:
    """Put an upload aside for good: nothing of what it held is kept."""
    with transaction(viewer, Action.DISCARD_UPLOAD) as tx:
        upload = queries.upload_by_id(tx.session, viewer, upload_id)
        if upload.state == "discarded":
            tx.note(upload, repeated=True)
            return
        upload.state = UPLOAD.move(upload.state, "discard")
        if upload.version != version:
            raise Stale(CHANGED_MEANWHILE)
        upload.parsed = to_json(ParsedUpload())
        tx.note(upload)


def submit_cohort(viewer: Viewer, cohort_id: int, *, version: int) -> Cohort:
    """Let the cohort take part in the match; raises Refused where none of its learners needs a place."""
    with transaction(viewer, Action.SUBMIT_COHORT) as tx:
        cohort = queries.cohort_by_id(tx.session, viewer, cohort_id)
        if cohort.state == "submitted" and cohort.version == version + 1:
            # The same button pressed twice.
            tx.note(cohort, repeated=True)
            return cohort
        if cohort.version != version:
            raise Stale(CHANGED_MEANWHILE)
        require_changeable(cohort.round)
        needs = queries.needs_of_cohort(tx.session, cohort)
        if not any(need.learners for need in needs):
            raise Refused(
                "None of this cohort's learners needs a place in this round, so there is nothing to submit."
                " Upload the learners who do."
            )
        cohort.state = COHORT.move(cohort.state, "submit")
        cohort.submitted_utc = now_utc()
        tx.note(cohort, requirements=sum(need.learners for need in needs))
    return cohort


def _require_read(upload: Upload) -> None:
    if upload.state == "columns":
        raise Refused("Say first what the columns of this file hold.")
    if upload.state == "reading":
        raise Refused("The rows of this file are still being read. Look at them before you accept any.")


def _require_acceptable(parsed: ParsedUpload, comparison: Comparison) -> None:
    if not parsed.rows:
        raise Refused("None of the rows could be accepted, so there is nothing to save.")
    if comparison.clashes:
        named = "; ".join(
            f"line {clash.line}, {clash.reference} ({clash.cohort})" for clash in comparison.clashes[:_NAMED]
        )
        more = len(comparison.clashes) - _NAMED
        raise Refused(
            "Nothing was saved, because some references are already in another cohort of this round:"
            f" {named}{f'; and {more:,} more' if more > 0 else ''}. Take these rows out of the file, or check"
            " that you chose the right programme, stage and intake, and upload it again."
        )
    if comparison.unknown:
        named = ", ".join(comparison.unknown[:_NAMED])
        raise Refused(
            f"Nothing was saved, because the list of sites and trusts has changed since ({named})."
            " Upload the file again."
        )


def _cohort_to_write(session: Session, upload: Upload, comparison: Comparison) -> Cohort:
    """The upload's cohort, made where there is none; one that changes becomes a draft of a new version."""
    cohort = comparison.cohort
    if cohort is None:
        cohort = Cohort(
            round_id=upload.round_id,
            programme_id=upload.programme_id,
            stage_id=upload.stage_id,
            intake=upload.intake,
        )
        session.add(cohort)
    elif comparison.changes_anything:
        note_change(cohort)
    session.flush()
    return cohort


def _checked_intake(text: str) -> str:
    intake = " ".join(text.split())
    if not _INTAKE.fullmatch(intake) or len(intake) > LONGEST_INTAKE:
        wrong = (
            f"Enter the intake with its year, such as September 2026, in at most {LONGEST_INTAKE} characters"
        )
        raise Refused(f"{wrong}.", {"intake": wrong})
    return intake


def _safe_filename(filename: str) -> str:
    name = PurePosixPath(filename.replace("\\", "/")).name
    return visible(name, 200) or "cohort.csv"
