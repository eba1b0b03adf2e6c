"""Imports what the site and the worker do, for the template that they are forked from."""

import gc
import tempfile
from pathlib import Path

from flask import Flask
from flask.templating import Environment
from jinja2 import FileSystemBytecodeCache

from placements import create_app, serving, tasks  # noqa: F401
from placements.settings import ROOT, Settings

# Templates as an earlier process compiled them: each is kept with a sum of its text.
_compiled = ROOT / ".pytest_cache" / "templates"
_compiled.mkdir(parents=True, exist_ok=True)
_make = Flask.create_jinja_environment


def _with_compiled(app: Flask) -> Environment:
    environment = _make(app)
    environment.bytecode_cache = FileSystemBytecodeCache(str(_compiled))
    return environment


Flask.create_jinja_environment = _with_compiled  # type: ignore[method-assign]

# An application imports its parts as it is made, and its first question configures the tables' mappers.
with tempfile.TemporaryDirectory() as folder:
    app = create_app(Settings(var=Path(folder), database_url="sqlite://", secret_key="template"))
    app.extensions["huey"].storage.close()
gc.collect()
gc.freeze()
