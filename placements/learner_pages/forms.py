"""Forms of learners' own pages and of the links to them."""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from wtforms import IntegerField, RadioField, StringField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Optional

from placements.errors import Refused
from placements.learner_pages.links import DAYS_WORDS
from placements.outcomes.feedback import MARKS, GivenFeedback
from placements.outcomes.models import PlacementFeedback

MARK_WORDS = {"1": "1 – poor", "2": "2", "3": "3 – fair", "4": "4", "5": "5 – very good"}
QUESTIONS = {
    "overall": "How good is the placement overall?",
    "supervision": "How good is the supervision?",
    "learning": "How good is what there is to learn?",
    "journey": "How good is the journey?",
}


def _mark(name: str) -> RadioField:
    first = name == MARKS[0]
    return RadioField(
        QUESTIONS[name] if first else f"{QUESTIONS[name]} (optional)",
        [InputRequired("Choose a mark from 1 to 5")] if first else [Optional()],
        choices=[SelectChoice(value, words) for value, words in MARK_WORDS.items()],
        validate_choice=True,
    )


class FeedbackForm(FlaskForm):
    """Marks and a comment on one placement."""

    version = IntegerField("version", [Optional()], default=0)
    overall = _mark("overall")
    supervision = _mark("supervision")
    learning = _mark("learning")
    journey = _mark("journey")
    comment = TextAreaField("What was good, and what could be better? (optional)")

    def __init__(self, saved: PlacementFeedback | None, **values: Any) -> None:
        if saved is not None:
            marks = {name: getattr(saved, name) for name in MARKS}
            values = {
                "version": saved.version,
                "comment": saved.comment,
                **{name: str(mark) for name, mark in marks.items() if mark is not None},
            } | values
        super().__init__(**values)

    def command(self) -> GivenFeedback:
        """What was said; only after validation."""
        marks = {name: int(self[name].data) if self[name].data else None for name in MARKS}
        comment = (self.comment.data or "").replace("\r\n", "\n").strip()
        return GivenFeedback(**marks, comment=comment)  # type: ignore[arg-type]  # overall is there: it was required


class DaysForm(FlaskForm):
    """How long new links work."""

    days = StringField("Works for how many days (optional)")

    def command(self) -> int | None:
        """The days, or None for the usual time; raises Refused naming the field."""
        text = (self.days.data or "").strip()
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 6):
            raise Refused("No link was made.", {"days": DAYS_WORDS})
        return int(text)
