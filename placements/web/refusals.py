"""What a service refused, beside the fields of a form."""

from flask_wtf import FlaskForm

from placements.errors import Refused


def show_refusal(form: FlaskForm, refused: Refused, *, otherwise: str | None = None) -> None:
    """Put what a service refused beside the fields that it names, and what is about no field of the form
    beside the one named `otherwise`; raises it where that leaves nothing to show."""
    shown = False
    for name, words in refused.fields.items():
        at = name if name in form else otherwise
        if at is not None:
            form[at].errors = [*form[at].errors, words]
            shown = True
    if not shown:
        raise refused
