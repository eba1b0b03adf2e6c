"""Pages about sites: what each has for learners with access needs, and its beds."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.organisations import queries
from placements.organisations.blueprint import organisations
from placements.organisations.forms import SiteAccessForm
from placements.organisations.models import AccessNeed, Site
from placements.organisations.site_access import save_site_access as save
from placements.web import viewer
from placements.web.refusals import show_refusal


@organisations.get("/sites")
@login_required
def see_sites() -> ResponseReturnValue:
    """The sites that the person may see, with what each has; those that meet a need, where one is chosen."""
    require(viewer(), Action.SEE_SITE_ACCESS)
    needs = queries.access_needs(db.session)
    sites = list(db.session.scalars(queries.visible_sites(viewer())))
    need = next((row for row in needs if row.key == request.args.get("need")), None)
    beds = request.args.get("beds") == "y"
    return render_template(
        "organisations/see_sites.html",
        sites=[
            site for site in sites if (need is None or need in site.meets) and (not beds or site.beds > 0)
        ],
        total=len(sites),
        needs=needs,
        need=need,
        beds=beds,
        is_of_one_trust=viewer().trust_id is not None,
    )


@organisations.route("/sites/<int:site_id>/access", methods=["GET", "POST"])
@login_required
def save_site_access(site_id: int) -> ResponseReturnValue:
    """What one site has."""
    require(viewer(), Action.SAVE_SITE_ACCESS)
    site = queries.site_by_id(db.session, viewer(), site_id)
    needs = queries.access_needs(db.session)
    form = SiteAccessForm(needs, **_stands(site))
    version, status, is_stale = site.version, 200, False
    if request.method == "POST":
        version, status = request.form.get("version", 0, type=int), 400
        if form.validate():
            try:
                save(viewer(), site_id, form.command(), version=version)
            except Refused as refused:
                show_refusal(form, refused)
            except Stale:
                site = queries.site_by_id(db.session, viewer(), site_id)
                # The typing stays; saving it again is then meant.
                version, status, is_stale = site.version, 409, True
            else:
                flash(f"{site.name} is saved. The match goes by it from its next run on.")
                return redirect(url_for("organisations.see_sites"))
    page = render_template(
        "organisations/save_site_access.html",
        site=site,
        form=form,
        version=version,
        is_stale=is_stale,
        theirs=_in_words(site, needs),
    )
    return page, status


def _stands(site: Site) -> dict[str, object]:
    return {"needs": [need.key for need in site.meets], "beds": site.beds}


def _in_words(site: Site, needs: list[AccessNeed]) -> str:
    met = [need.name for need in needs if need in site.meets]
    return f"{'; '.join(met) or 'no access need'}; beds: {site.beds}"
