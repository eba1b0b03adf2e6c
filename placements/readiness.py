"""Whether this installation can serve: asked by /ready, by `placements check`, and before anything starts."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from placements import migrations
from placements.extensions import db
from placements.settings import Settings
from placements.web import NHSUK

readiness = Blueprint("readiness", __name__)


@dataclass(frozen=True)
class Finding:
    """One thing that has to be right, and what is wrong with it, in words, where it is not."""

    what: str
    fault: str | None


def findings(settings: Settings, engine: sa.Engine) -> Iterator[Finding]:
    """Everything that has to be right before the site can serve."""
    yield Finding(f"folder {settings.var}", _folder_fault(settings))
    shown = engine.url.render_as_string(hide_password=True)
    yield Finding(f"database {shown}", database_fault(engine))
    yield Finding("front-end files", _assets_fault())


def database_fault(engine: sa.Engine) -> str | None:
    """Why the database cannot be used: it does not answer, or its tables are not the code's."""
    try:
        found = migrations.current(engine)
    except SQLAlchemyError as error:
        return f"It does not answer: {first_line(error)}."
    wanted = migrations.heads()
    if found in wanted:
        return None
    if found is None:
        return "It has no tables yet: run `placements upgrade`."
    if migrations.is_known(found):
        return f"Its tables are at {found}, older than this code ({wanted[0]}): run `placements upgrade`."
    return (
        f"Its tables are at {found}, which this code does not know: they were made by a newer version of"
        " Placements. Use that version, or restore a backup made before it."
    )


def first_line(error: BaseException) -> str:
    """What went wrong in the database driver's own words, without the statement or a full stop."""
    cause = getattr(error, "orig", None) or error
    return (str(cause).strip().splitlines() or [type(cause).__name__])[0].rstrip(".")


def _folder_fault(settings: Settings) -> str | None:
    if os.access(settings.var, os.W_OK | os.X_OK):
        return None
    return "It cannot be written to: give this account the right to, or set PLACEMENTS_VAR to another folder."


def _assets_fault() -> str | None:
    if (NHSUK / "nhsuk-frontend.min.css").is_file():
        return None
    return "The design system's files are missing: run `npm ci` (every make target does)."


@readiness.get("/ready")
def ready() -> ResponseReturnValue:
    """Whether the site can serve people now: the database answers and its tables are the code's."""
    if fault := database_fault(db.engine):
        return {"status": "not ready", "reason": fault}, 503
    return {"status": "ready"}
