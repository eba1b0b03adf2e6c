"""What the pages of a run and of a placing show of the parts that come after scenarios: each part registers
a section of its own, a piece of HTML."""

from collections.abc import Callable

from markupsafe import Markup

from placements.access import Viewer
from placements.scenarios.models import Placing, Run

OfPlacing = Callable[[Viewer, Placing], Markup | str]
OfRun = Callable[[Viewer, Run], Markup | str]

_of_placing: dict[str, OfPlacing] = {}
_of_run: dict[str, OfRun] = {}


def register_of_placing(name: str, html: OfPlacing) -> None:
    """Add a part's section to the page of a placing; the same name again replaces it."""
    _of_placing[name] = html


def register_of_run(name: str, html: OfRun) -> None:
    """Add a part's section to the page of a finished run; the same name again replaces it."""
    _of_run[name] = html


def sections_of_placing(viewer: Viewer, placing: Placing) -> list[Markup | str]:
    """The sections that say something, in the order in which the parts registered."""
    return [html for make in _of_placing.values() if (html := make(viewer, placing))]


def sections_of_run(viewer: Viewer, run: Run) -> list[Markup | str]:
    """The same for a finished run."""
    return [html for make in _of_run.values() if (html := make(viewer, run))]
