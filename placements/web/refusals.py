"""What a service refused, beside the fields of a form."""

from flask_wtf import FlaskForm

from placements.errors import Refused


def show_refusal(form: FlaskForm, refused: Refused) -> None:
    """Put what a service refused beside the fields that it names; raises it where it names none of them."""
    named = {name: words for name, words in refused.fields.items() if name in form}
    if not named:
        raise refused
    for name, words in named.items():
        form[name].errors = [*form[name].errors, words]
