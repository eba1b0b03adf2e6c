"""What a service refused stands beside the fields of a form, and nowhere is it lost."""

import pytest
from flask import Flask
from flask_wtf import FlaskForm
from wtforms import StringField

from placements.errors import Refused
from placements.web.refusals import show_refusal


class NoteForm(FlaskForm):
    day = StringField()
    note = StringField()


def errors(form: FlaskForm) -> dict[str, list[str]]:
    return {name: list(words) for name, words in form.errors.items()}


def test_each_field_has_what_was_refused_of_it_and_one_has_what_is_about_none(site: Flask) -> None:
    refused = Refused("No.", {"day": "Too early", "places": "Too many"})
    with site.test_request_context():
        form = NoteForm()
        form.day.errors = ["Write it in full"]
        show_refusal(form, refused)
        assert errors(form) == {"day": ["Write it in full", "Too early"]}
        form = NoteForm()
        show_refusal(form, refused, otherwise="note")
        assert errors(form) == {"day": ["Too early"], "note": ["Too many"]}


@pytest.mark.parametrize(
    ("refused", "otherwise"), [(Refused("No."), "note"), (Refused("No.", {"places": "Too many"}), None)]
)
def test_what_cannot_be_shown_is_raised(site: Flask, refused: Refused, otherwise: str | None) -> None:
    with site.test_request_context(), pytest.raises(Refused):
        show_refusal(NoteForm(), refused, otherwise=otherwise)
