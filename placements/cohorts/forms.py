"""Forms about cohorts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from werkzeug.datastructures import FileStorage, MultiDict
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from placements.cohorts.board import PlannedStage
from placements.cohorts.service import LONGEST_INTAKE
from placements.cohorts.uploads_mending import Place
from placements.cohorts.uploads_table import LEFT_OUT, MAX_BYTES

CHOOSE = "Choose a programme and stage"


@dataclass(frozen=True)
class NewUpload:
    """A file for a cohort. `data` ends one byte after the most that is read."""

    programme_id: int
    stage_id: int
    intake: str
    filename: str
    data: bytes


class UploadForm(FlaskForm):
    """Whose cohort it is, and the file."""

    choice = SelectField("Programme and stage", [InputRequired(CHOOSE)])
    intake = StringField(
        "Intake",
        [
            InputRequired("Enter the intake with its year, such as September 2026"),
            Length(max=LONGEST_INTAKE, message=f"Use at most {LONGEST_INTAKE} characters"),
        ],
    )
    file = FileField("Cohort file")

    def __init__(self, stages: Sequence[PlannedStage], **values: Any) -> None:
        super().__init__(**values)
        choices = [(f"{row.programme_id}-{row.stage_id}", f"{row.programme}, {row.stage}") for row in stages]
        self.choice.choices = choices if len(choices) == 1 else [("", CHOOSE), *choices]

    def validate_file(self, field: FileField) -> None:
        if not isinstance(field.data, FileStorage) or not field.data.filename:
            raise ValidationError("Choose the file that holds the cohort")

    def command(self) -> NewUpload:
        programme_id, stage_id = cast(str, self.choice.data).split("-")
        file = cast(FileStorage, self.file.data)
        return NewUpload(
            programme_id=int(programme_id),
            stage_id=int(stage_id),
            intake=cast(str, self.intake.data),
            filename=cast(str, file.filename),
            data=file.stream.read(MAX_BYTES + 1),
        )


@dataclass(frozen=True)
class Mend:
    """What was typed in refused cells, by line and place, and which of them go for every row with the same
    value."""

    version: int
    typed: dict[Place, str]
    everywhere: frozenset[Place]


_CELL = re.compile(r"(cell|same|choose)-(\d{1,7})-(\d{1,3})", re.ASCII)


def mend_command(sent: MultiDict[str, str]) -> Mend:
    """What the form of refused rows says: `cell-LINE-PLACE` holds the text, `same-LINE-PLACE` is ticked for
    every row with the same value, and the button `choose-LINE-PLACE` holds a value that was suggested."""
    typed: dict[Place, str] = {}
    chosen: dict[Place, str] = {}
    everywhere = set()
    for name, text in sent.items():
        if match := _CELL.fullmatch(name):
            place = int(match[2]), int(match[3])
            if match[1] == "same":
                everywhere.add(place)
            else:
                (typed if match[1] == "cell" else chosen)[place] = text
    return Mend(sent.get("version", 0, type=int), typed | chosen, frozenset(everywhere))


def columns_command(sent: MultiDict[str, str], columns: int) -> list[str]:
    """The field chosen for each column, `field-PLACE`, in order."""
    return [sent.get(f"field-{place}", LEFT_OUT) for place in range(columns)]
