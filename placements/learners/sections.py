"""What a learner's page shows of the parts that come after learners: each part registers a section of its
own. What a section shows is a piece of HTML, made of a template in `templates/components/`."""

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from placements.access import Action, Viewer
from placements.cohorts.models import Learner


@dataclass(frozen=True)
class Section:
    """A section of a learner's page for whoever may do `action`; `html` is asked on each view, and is ""
    where there is nothing to show. The heading stands above it."""

    title: str
    order: int
    action: Action
    html: Callable[[Viewer, Learner], Markup | str]


_sections: dict[str, Section] = {}


def register(section: Section) -> None:
    """Add a part's section; the same title again replaces it."""
    _sections[section.title] = section


def sections_for(viewer: Viewer, learner: Learner) -> list[tuple[str, Markup | str]]:
    """Title and HTML of the sections that this person may see, in order; the viewer has been let see the
    learner."""
    found = sorted((row for row in _sections.values() if viewer.may(row.action)), key=lambda row: row.order)
    shown = [(section.title, section.html(viewer, learner)) for section in found]
    return [(title, html) for title, html in shown if html]
