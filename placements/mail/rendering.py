"""An e-mail's words: a template of templates/mail, its subject on the first line, filled in as plain text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from placements.settings import ROOT, Settings
from placements.web.formats import count, day, moment

LONGEST_SUBJECT = 200

_words = Environment(
    loader=FileSystemLoader(ROOT / "templates" / "mail"),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701 - plain text: there is no markup to escape
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_words.filters.update(day=day, moment=moment)
_words.globals.update(count=count)
_site_url = Settings.site_url


@dataclass(frozen=True)
class Rendered:
    """What is sent: one line of subject, and plain text."""

    subject: str
    body: str


def bind(settings: Settings) -> None:
    """Begin links with this installation's address."""
    global _site_url
    _site_url = settings.site_url


def link(path: str) -> str:
    """A page's whole address, for an e-mail: `path` begins with a slash."""
    return _site_url + path


def render(template: str, context: Mapping[str, Any]) -> Rendered:
    """The template of this name (without .txt) with these values; `link(path)` is there too.

    Raises jinja2.UndefinedError where the template asks for a value that is missing.
    """
    text = _words.get_template(f"{template}.txt").render({"link": link} | dict(context))
    subject, _, body = text.partition("\n")
    return Rendered(" ".join(subject.split())[:LONGEST_SUBJECT], body.strip() + "\n")
