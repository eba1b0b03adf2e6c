"""The form that takes a file of declarations."""

from typing import cast

from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from werkzeug.datastructures import FileStorage
from wtforms.validators import ValidationError

from placements.capacity.uploads import MAX_BYTES
from placements.errors import Refused


class DeclarationsForm(FlaskForm):
    """A file, of which no more is read than one byte over the most."""

    file = FileField("File of declarations")

    def validate_file(self, field: FileField) -> None:
        if not isinstance(field.data, FileStorage) or not field.data.filename:
            raise ValidationError("Choose the file that holds the declarations")

    def command(self) -> tuple[str, bytes]:
        """The file's name and its bytes."""
        file = cast(FileStorage, self.file.data)
        return cast(str, file.filename), file.stream.read(MAX_BYTES + 1)

    def refuse(self, refusal: Refused) -> None:
        """Show at the file what a service refused; raises it again where it is about something else."""
        if "file" not in refusal.fields:
            raise refusal
        self.file.errors = [refusal.fields["file"]]
