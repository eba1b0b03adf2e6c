"""What an HEI's letters say besides the places: whom to ask, what to bring."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.allocations import service
from placements.allocations.blueprint import allocations
from placements.allocations.forms import LetterTextForm
from placements.errors import Stale
from placements.extensions import db
from placements.organisations.models import Hei
from placements.web import viewer


@allocations.route("/letter-text", methods=["GET", "POST"])
@login_required
def save_letter_text() -> ResponseReturnValue:
    """See and change the text; what was typed stays where somebody else's came first."""
    require(viewer(), Action.SAVE_LETTER_TEXT)
    hei = db.session.get_one(Hei, viewer().hei_id)
    form = LetterTextForm(text=hei.letter_text, version=hei.version)
    theirs = None
    if form.validate_on_submit():
        try:
            service.save_letter_text(viewer(), form.text.data or "", version=form.version_read)
        except Stale:
            # Shown beside each other; to save once more is to have seen both.
            hei = db.session.get_one(Hei, viewer().hei_id, populate_existing=True)
            theirs, form.version.data = hei.letter_text, str(hei.version)
        else:
            flash("Saved. Letters that are downloaded from now on say it.")
            return redirect(url_for("allocations.save_letter_text"))
    status = 409 if theirs is not None else 400 if form.errors else 200
    return render_template("allocations/save_letter_text.html", hei=hei, form=form, theirs=theirs), status
