"""What can be done with an upload before it is accepted: say what its columns hold, and put cells right."""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from sqlalchemy import CursorResult, delete, select

from placements.access import Action, Viewer
from placements.clock import now_utc, today
from placements.cohorts import queries
from placements.cohorts.changing import require_changeable
from placements.cohorts.models import ColumnChoice, Upload
from placements.cohorts.service import ROWS_AT_ONCE, await_rows
from placements.cohorts.uploads import ParsedUpload, from_json, read_rows, to_json
from placements.cohorts.uploads_columns import field_of, is_field
from placements.cohorts.uploads_mending import Place, mended
from placements.cohorts.uploads_table import LEFT_OUT, Table
from placements.cohorts.withholding import without_personal_details
from placements.errors import Refused, Stale
from placements.states import UPLOAD
from placements.transaction import Transaction, transaction


@dataclass(frozen=True)
class Mending:
    """What came of putting cells right: how many changed, and how many refused rows are now accepted."""

    upload: Upload
    cells: int
    accepted: int


CHANGED = (
    "Somebody else changed this file's rows while you were working on it. Nothing of yours was saved yet:"
    " look at the rows as they are now."
)


def choose_columns(
    viewer: Viewer,
    upload_id: int,
    *,
    version: int,
    fields: Sequence[str],
    is_located: Callable[[str], bool] = queries.is_located,
) -> Upload:
    """Say what each column of a waiting upload holds, in the file's order (`LEFT_OUT` for nothing of use),
    and read its rows so. The cells of columns left out are not kept any longer.

    Raises Refused where a column that is needed is missing or two hold the same, and Stale where somebody
    else changed the upload.
    """
    with transaction(viewer, Action.CHOOSE_COLUMNS) as tx:
        upload, parsed = _waiting(tx, viewer, upload_id)
        table = _table_of(parsed)
        if upload.state == "received" and [column.field for column in table.columns] == list(fields):
            # The same button pressed twice.
            tx.note(upload, repeated=True)
            return upload
        if upload.version != version:
            raise Stale(CHANGED)
        if len(fields) != len(table.columns) or not all(
            field == LEFT_OUT or is_field(field) for field in fields
        ):
            raise Refused("Choose what each column holds from the list.")
        chosen = table.with_fields(fields)
        if chosen.trouble is not None:
            raise Refused(f"{chosen.trouble.message} {chosen.trouble.remedy}")
        _remember(tx, upload, table, fields)
        upload.state = UPLOAD.move(upload.state, "choose columns")
        if len(chosen.rows) > ROWS_AT_ONCE:
            unread = ParsedUpload(table=without_personal_details(chosen))
            upload.parsed = to_json(unread)
            await_rows(tx, upload, unread)
        else:
            _read_again(tx, upload, chosen, parsed, is_located)
        tx.note(upload, columns=len(chosen.used), left_out=len(chosen.left_out))
    return upload


def forget_columns(viewer: Viewer, upload_id: int) -> int:
    """Forget what the HEI chose for the headings of this upload's file, so that they are asked about when it
    is uploaded again; how many there were."""
    with transaction(viewer, Action.FORGET_COLUMNS) as tx:
        upload = queries.upload_by_id(tx.session, viewer, upload_id)
        table = _table_of(from_json(upload.parsed))
        keys = [*(column.key for column in table.columns), *(column.key for column in table.left_out)]
        forgotten = tx.session.execute(
            delete(ColumnChoice).where(ColumnChoice.hei_id == upload.hei_id, ColumnChoice.heading.in_(keys))
        )
        number = cast("CursorResult[Any]", forgotten).rowcount
        tx.note(upload, forgotten=number)
    return number


def mend_upload(
    viewer: Viewer,
    upload_id: int,
    *,
    version: int,
    typed: Mapping[Place, str],
    everywhere: Collection[Place] = (),
    is_located: Callable[[str], bool] = queries.is_located,
) -> Mending:
    """Put cells of a waiting upload right: they are read again as if the file had held what was typed, and
    nothing else is saved. A cell in `everywhere` takes with it those of its column that hold the same.

    Raises Stale where somebody else changed the upload, unless all is already as typed.
    """
    with transaction(viewer, Action.MEND_UPLOAD) as tx:
        upload, parsed = _waiting(tx, viewer, upload_id)
        before = _table_of(parsed)
        table, notes = mended(before, parsed.mended, typed, everywhere)
        cells = sum(
            old != new
            for one, other in zip(before.rows, table.rows, strict=True)
            for old, new in zip(one.cells, other.cells, strict=True)
        )
        pressed = _told_apart(version, typed, everywhere)
        if not cells or pressed == parsed.last_mend:
            # Nothing was typed, or the same button was pressed twice.
            tx.note(upload, repeated=True)
            return Mending(upload, 0, 0)
        if upload.version != version:
            raise Stale(CHANGED)
        upload.state = UPLOAD.move(upload.state, "mend")
        after = _read_again(tx, upload, table, replace(parsed, mended=notes, last_mend=pressed), is_located)
        tx.note(upload, mended=cells)
    return Mending(upload, cells, len(after.rows) - len(parsed.rows))


def _told_apart(version: int, typed: Mapping[Place, str], everywhere: Collection[Place]) -> str:
    """A few letters by which the same press of a button is known again."""
    said = repr((version, sorted(typed.items()), sorted(everywhere)))
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:16]


def _waiting(tx: Transaction, viewer: Viewer, upload_id: int) -> tuple[Upload, ParsedUpload]:
    """An upload that still waits for a yes, with what was read from it."""
    upload = queries.upload_by_id(tx.session, viewer, upload_id)
    require_changeable(upload.round)
    if upload.state in ("accepted", "discarded"):
        raise Refused(f"This file has been {upload.state}, so nothing in it can be changed any more.")
    if upload.state == "reading":
        raise Refused("The rows of this file are still being read. Wait until they are.")
    return upload, from_json(upload.parsed)


def _remember(tx: Transaction, upload: Upload, table: Table, fields: Sequence[str]) -> None:
    """Keep what was chosen against what the headings say, for the HEI's next file."""
    known = {
        choice.heading: choice
        for choice in tx.session.scalars(select(ColumnChoice).where(ColumnChoice.hei_id == upload.hei_id))
    }
    for column, field in zip(table.columns, fields, strict=True):
        choice = known.get(column.key)
        if choice is not None:
            choice.field, choice.chosen_utc = field, now_utc()
        elif field != (field_of(column.heading) or None):
            tx.session.add(
                ColumnChoice(hei_id=upload.hei_id, heading=column.key, field=field, chosen_utc=now_utc())
            )


def _table_of(parsed: ParsedUpload) -> Table:
    if parsed.table is None:
        raise Refused("Nothing of this file is kept. Upload it again.")
    return parsed.table


def _read_again(
    tx: Transaction,
    upload: Upload,
    table: Table,
    before: ParsedUpload,
    is_located: Callable[[str], bool],
) -> ParsedUpload:
    directory = replace(queries.directory(tx.session, upload.round, upload.hei_id), locates=is_located)
    parsed = read_rows(table, directory, today=today())
    if parsed.problem is not None:
        raise Refused(f"{parsed.problem.message} {parsed.problem.remedy}")
    parsed = replace(parsed, mended=before.mended, last_mend=before.last_mend)
    upload.parsed = to_json(parsed)
    return parsed
