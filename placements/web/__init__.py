"""What every page shares: the design system's files, the viewer, formats and error pages."""

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

from flask import Blueprint, Flask, Response, current_app, g, send_from_directory
from flask.templating import Environment
from flask_login import current_user
from werkzeug.routing import IntegerConverter, Map

from placements.access import Can, Viewer
from placements.settings import ROOT, Settings

NHSUK = ROOT / "node_modules" / "nhsuk-frontend" / "dist" / "nhsuk"
FONT_FACE = re.compile(r"@font-face\{[^}]*\}")
LARGEST_ID = 2**31 - 1
OWN_FILES = ROOT / "placements" / "web" / "static"

files = Blueprint("files", __name__)


@files.get("/assets/nhsuk.css")
def design_system_css() -> Response:
    """The design system's stylesheet; without its web font unless the settings ask for it."""
    css = (NHSUK / "nhsuk-frontend.min.css").read_text()
    if not current_app.extensions["settings"].use_frutiger:
        css = FONT_FACE.sub("", css)
    response = Response(css, mimetype="text/css")
    response.headers["Cache-Control"] = "max-age=3600"
    return response


@files.get("/assets/nhsuk.js")
def design_system_js() -> Response:
    """The design system's compiled JavaScript, as `npm ci` put it."""
    return send_from_directory(NHSUK, "nhsuk-frontend.min.js", max_age=3600)


@files.get("/assets/<path:name>")
def assets(name: str) -> Response:
    """The design system's images, where its stylesheet looks for them."""
    return send_from_directory(NHSUK / "assets", name, max_age=3600)


@files.get("/own/<path:name>")
def own(name: str) -> Response:
    """Our own stylesheet and scripts."""
    return send_from_directory(OWN_FILES, name, max_age=300)


@files.get("/health")
def health() -> dict[str, str]:
    """Whether the process answers."""
    return {"status": "ok"}


class Templates(Environment):
    """Jinja, with what every template knows in one dictionary for each. Its own chain of two is looked
    through name by name wherever a macro of the design system is imported, dozens of times a page; it would
    show what is made known to all templates after the first was read, which nothing here is."""

    def make_globals(self, d: Mapping[str, Any] | None) -> MutableMapping[str, Any]:
        return {**self.globals, **(d or {})}


class RowId(IntegerConverter):
    """A row's number in an address: one that no row can have is no page, and never reaches the database."""

    def __init__(self, map: Map, *args: Any, **kwargs: Any) -> None:
        super().__init__(map, *args, **{"max": LARGEST_ID} | kwargs)


def viewer() -> Viewer:
    """The signed-in person as the services know them; only behind `login_required`."""
    if "viewer" not in g:
        g.viewer = current_user.viewer()
    found: Viewer = g.viewer
    return found


def init_app(app: Flask, settings: Settings) -> None:
    app.url_map.converters["int"] = RowId
    app.register_blueprint(files)

    @app.context_processor
    def _shared() -> dict[str, object]:
        signed_in = viewer() if current_user.is_authenticated else None
        return {"viewer": signed_in, "can": Can(signed_in), "use_frutiger": settings.use_frutiger}
