"""The worker's job for large files: the rows of an upload are read while its page shows how far that is.

The table stands in the upload already, without what speaks of persons, so the file's bytes are never kept. A
row's reading depends on nothing but the table and the directory: a worker that dies leaves the upload
`reading`, and the next one reads it from the start. Nothing is saved of a cohort before somebody accepts.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from time import monotonic

from sqlalchemy import func, select, update

from placements.access import SYSTEM, Action
from placements.clock import now_utc, today
from placements.cohorts import queries
from placements.cohorts.models import Upload
from placements.cohorts.uploads import from_json, read_rows, to_json
from placements.extensions import db
from placements.states import UPLOAD
from placements.tasks import chore, job, queue
from placements.transaction import transaction

SECONDS_BETWEEN_REPORTS = 0.3
# A worker that has said nothing for this long is taken for dead, and a job as lost.
QUIET_FOR = timedelta(minutes=1)
# A file that has been tried for this long is given up.
TRIED_FOR = timedelta(minutes=15)
GIVEN_UP = "The file could not be read to its end. Discard it and upload it again, in parts if it is large."

log = logging.getLogger(__name__)


@job
def read_upload(upload_id: int) -> None:
    """Read the rows of an upload that waits for it; does nothing where another worker has done so."""
    upload = db.session.scalar(select(Upload).where(Upload.id == upload_id, Upload.state == "reading"))
    if upload is None or upload.message:
        return
    version, kept = upload.version, from_json(upload.parsed)
    directory = queries.directory(db.session, upload.round, upload.hei_id)
    db.session.rollback()
    if kept.table is None:
        return
    said = monotonic()

    def report(rows: int) -> None:
        nonlocal said
        if monotonic() - said < SECONDS_BETWEEN_REPORTS:
            return
        said = monotonic()
        _report(upload_id, rows)

    _report(upload_id, 0)
    try:
        parsed = read_rows(kept.table, directory, today=today(), report=report)
    except Exception:
        log.exception("upload %s could not be read", upload_id)
        _give_up(upload_id)
        return
    with transaction(SYSTEM, Action.READ_UPLOAD) as tx:
        found = tx.session.scalar(select(Upload).where(Upload.id == upload_id, Upload.version == version))
        if found is None or found.state != "reading":
            return
        found.state = UPLOAD.move(found.state, "read")
        found.rows_read = found.rows_found
        found.parsed = to_json(parsed)
        if parsed.problem is not None:
            found.state, found.message = "reading", f"{parsed.problem.message} {parsed.problem.remedy}"
        tx.note(found, accepted=len(parsed.rows), refused=len(parsed.refused_rows))


@chore
def recover_uploads() -> None:
    """Queue again the uploads whose worker died or whose job was lost; give up on those that keep failing."""
    now = now_utc()
    lost = db.session.execute(
        select(Upload.id, Upload.received_utc).where(
            Upload.state == "reading",
            Upload.message.is_(None),
            func.coalesce(Upload.heartbeat_utc, Upload.received_utc) < now - QUIET_FOR,
        )
    ).all()
    db.session.rollback()
    for upload_id, received_utc in lost:
        if received_utc < now - TRIED_FOR:
            _give_up(upload_id)
        else:
            queue("read_upload", upload_id=upload_id)


def _report(upload_id: int, rows: int) -> None:
    # The version stays, so that nobody who looks at the page is told of a change.
    with transaction(SYSTEM, Action.READ_UPLOAD, audited=False) as tx:
        tx.session.execute(
            update(Upload)
            .where(Upload.id == upload_id, Upload.state == "reading")
            .values(rows_read=rows, heartbeat_utc=now_utc())
        )


def _give_up(upload_id: int) -> None:
    with transaction(SYSTEM, Action.READ_UPLOAD) as tx:
        tx.session.execute(
            update(Upload).where(Upload.id == upload_id, Upload.state == "reading").values(message=GIVEN_UP)
        )
        tx.note(upload=upload_id, failed=True)
