"""How a page with a form about a learner is answered."""

from typing import Any

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from placements.cohorts.models import Learner


def form_page(
    template: str, form: FlaskForm, learner: Learner, status: int = 200, **values: Any
) -> ResponseReturnValue:
    """The page with the form as it stands: 400 where a field is wrong, or else `status`, of which 409 says
    that somebody else changed the learner meanwhile."""
    page = render_template(
        template, form=form, learner=learner, round=learner.cohort.round, is_stale=status == 409, **values
    )
    return page, 400 if form.errors else status
