"""Forms about what follows publication."""

from flask_wtf import FlaskForm
from wtforms import HiddenField, TextAreaField
from wtforms.validators import Length

from placements.allocations.service import LONGEST_LETTER_TEXT


class LetterTextForm(FlaskForm):
    """What an HEI's letters say besides the places; `version` is the HEI's, as read."""

    text = TextAreaField(
        "What your letters say",
        [Length(max=LONGEST_LETTER_TEXT, message=f"Use at most {LONGEST_LETTER_TEXT:,} characters")],
    )
    version = HiddenField()

    @property
    def version_read(self) -> int:
        """The version that was read; 0, which no row has, where the field came back as something else."""
        text = self.version.data or ""
        return int(text) if text.isdecimal() and len(text) < 10 else 0
