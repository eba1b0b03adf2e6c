"""Forms about appeals: lodging one, and the panel's decision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, cast

from flask_wtf import FlaskForm
from flask_wtf.file import MultipleFileField
from werkzeug.datastructures import FileStorage
from wtforms import IntegerField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import Optional

from placements.appeals.evidence import MOST_BYTES, MOST_FILES, GivenFile
from placements.appeals.nearness import NearSite
from placements.appeals.service import Lodging
from placements.appeals.words import GROUNDS, WANTS
from placements.errors import Refused
from placements.web.formats import minutes
from placements.web.refusals import show_refusal


def _plain(text: str | None) -> str:
    return (text or "").replace("\r\n", "\n").strip()


class LodgingForm(FlaskForm):
    """An appeal: whoever lodges it, an officer or the learner on a phone."""

    grounds = RadioField(
        "What is it about?",
        choices=[SelectChoice(key, words) for key, words in GROUNDS.items()],
        validate_choice=False,
    )
    statement = TextAreaField("What is wrong with this place?")
    wants = RadioField(
        "What would put it right?",
        choices=[SelectChoice(key, words) for key, words in WANTS.items()],
        validate_choice=False,
    )
    wanted_minutes = StringField("How many minutes one way at most?")
    wanted_site_id = SelectField("Which site?", validate_choice=False)
    files = MultipleFileField("Evidence (optional)")

    def __init__(self, sites: Sequence[NearSite], **values: Any) -> None:
        super().__init__(**values)
        self.wanted_site_id.choices = [SelectChoice("", "Choose a site")] + [
            SelectChoice(
                str(row.site.id),
                row.site.name + (f" ({minutes(row.minutes)})" if row.minutes is not None else ""),
            )
            for row in sites
        ]

    def command(self) -> Lodging:
        """What was said; the service says what is wrong with it."""
        sent = [cast(FileStorage, file) for file in self.files.data or () if file and file.filename]
        return Lodging(
            grounds=self.grounds.data or "",
            statement=_plain(self.statement.data),
            wants=self.wants.data or "",
            wanted_minutes=_number(self.wanted_minutes.data),
            wanted_site_id=_number(self.wanted_site_id.data),
            # One too many is enough to see that there are too many.
            files=tuple(
                GivenFile(file.filename or "", file.stream.read(MOST_BYTES + 1))
                for file in sent[: MOST_FILES + 1]
            ),
        )

    @property
    def had_files(self) -> bool:
        """Whether files were sent, which a browser does not keep for a second try."""
        return any(file and file.filename for file in self.files.data or ())

    def refuse(self, refusal: Refused) -> None:
        """Show at each field what a service refused; raises it again where it is about no field."""
        show_refusal(self, refusal)


class DecisionForm(FlaskForm):
    """The panel's decision."""

    version = IntegerField("version", [Optional()], default=0)
    verdict = RadioField(
        "The panel’s decision",
        choices=[
            SelectChoice("uphold", "Uphold: the learner is to be placed as they ask"),
            SelectChoice("decline", "Do not uphold: the place stays"),
        ],
        validate_choice=False,
    )
    decision = TextAreaField("Reasons")

    def command(self) -> dict[Literal["verdict", "decision"], str]:
        """The verdict and its reasons, as the service takes them."""
        return {"verdict": self.verdict.data or "", "decision": _plain(self.decision.data)}

    def refuse(self, refusal: Refused) -> None:
        """Show at each field what a service refused; raises it again where it is about no field."""
        show_refusal(self, refusal)


def _number(text: str | None) -> int | None:
    said = (text or "").strip()
    return int(said) if said.isascii() and said.isdigit() and len(said) < 10 else None
