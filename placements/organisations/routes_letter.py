"""The page of what an HEI adds to its letters."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.errors import NotFound, Refused, Stale
from placements.extensions import db
from placements.organisations import letter_text, queries
from placements.organisations.blueprint import organisations
from placements.organisations.forms import LetterTextForm
from placements.organisations.models import Hei
from placements.web import viewer
from placements.web.refusals import show_refusal


@organisations.route("/hei/letter", methods=["GET", "POST"])
@login_required
def save_letter_text() -> ResponseReturnValue:
    """Write what the letters add, see how it stands in one, and save it."""
    require(viewer(), Action.SAVE_LETTER_TEXT)
    hei = _own_hei()
    form = LetterTextForm(text=hei.letter_text)
    version, status, is_stale = hei.version, 200, False
    if request.method == "POST":
        version, status = request.form.get("version", 0, type=int), 400
        if form.validate():
            if request.form.get("do") == "preview":
                status = 200
            else:
                try:
                    letter_text.save_letter_text(viewer(), form.text.data or "", version=version)
                except Refused as refused:
                    show_refusal(form, refused)
                except Stale:
                    hei = _own_hei()
                    version, status, is_stale = hei.version, 409, True
                else:
                    flash("The text is saved. Letters made from now on have it.")
                    return redirect(url_for("organisations.save_letter_text"))
    page = render_template(
        "organisations/save_letter_text.html",
        hei=hei,
        form=form,
        version=version,
        is_stale=is_stale,
        paragraphs=letter_text.paragraphs(form.text.data or ""),
        is_saved=not form.errors and (form.text.data or "").split() == hei.letter_text.split(),
        most=letter_text.LONGEST_TEXT,
    )
    return page, status


def _own_hei() -> Hei:
    found = db.session.scalar(queries.visible_heis(viewer()))
    if found is None:
        raise NotFound("There is no HEI of yours.")
    return found
