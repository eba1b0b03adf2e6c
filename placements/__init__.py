"""Placements: clinical placements declared, matched with a proof, explained and published."""

from flask import Flask
from jinja2 import ChainableUndefined, ChoiceLoader, FileSystemLoader, PackageLoader
from werkzeug.middleware.proxy_fix import ProxyFix

from placements import tables, tasks, web
from placements.extensions import csrf, db, limiter, login_manager
from placements.mail import sending
from placements.readiness import readiness
from placements.settings import ROOT, Settings, read_settings
from placements.web import errors, formats, headers

# A cohort file is far smaller; anything above this is refused before it is read.
MOST_REQUEST_BYTES = 60 * 1024 * 1024


def create_app(settings: Settings | None = None) -> Flask:
    """Make the application: extensions, parts, pages and the queue, all bound to these settings."""
    settings = settings or read_settings()
    app = Flask(__name__, static_folder=None)
    app.jinja_environment = web.Templates
    app.jinja_options = {
        # The design system's macros chain through parameters that may be missing.
        "undefined": ChainableUndefined,
        "loader": ChoiceLoader([FileSystemLoader(ROOT / "templates"), PackageLoader("nhsuk_frontend_jinja")]),
        "autoescape": True,
        "trim_blocks": True,
        "lstrip_blocks": True,
    }
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_ENGINES={"default": settings.database_url},
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        SESSION_COOKIE_NAME="placements",
        PERMANENT_SESSION_LIFETIME=8 * 3600,
        WTF_CSRF_TIME_LIMIT=None,
        MAX_CONTENT_LENGTH=MOST_REQUEST_BYTES,
        MAX_FORM_PARTS=10_000,
        MAX_FORM_MEMORY_SIZE=5 * 1024 * 1024,
        RATELIMIT_ENABLED=settings.rate_limits,
        RATELIMIT_STORAGE_URI=settings.rate_limit_storage,
    )
    app.extensions["settings"] = settings
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # Flask's documented way to wrap it
            app.wsgi_app, x_for=settings.trusted_proxies, x_proto=settings.trusted_proxies
        )
    db.init_app(app)
    csrf.init_app(app)
    limiter.init_app(app)
    login_manager.init_app(app)
    huey = tasks.make_huey(settings)
    tasks.bind(huey, app.app_context)
    app.extensions["huey"] = huey
    sending.bind(settings)

    headers.init_app(app, settings)
    formats.init_app(app)
    errors.init_app(app)
    web.init_app(app, settings)
    app.register_blueprint(readiness)
    _register_parts(app)
    return app


def _register_parts(app: Flask) -> None:
    from placements.accounts.routes import accounts
    from placements.agreements.routes import agreements
    from placements.allocations import (  # noqa: F401
        history,
        of_learners,
        published_plans,
        routes_changes,
        routes_checklist,
        routes_published,
        used_places,
    )
    from placements.allocations import routes as publications  # noqa: F401
    from placements.allocations.blueprint import allocations
    from placements.appeals import of_learner as appeals_of_learner  # noqa: F401
    from placements.appeals import publishing as appeals_published  # noqa: F401
    from placements.appeals import retention as evidence_kept  # noqa: F401 - makes the worker's chore known
    from placements.appeals import routes as round_appeals  # noqa: F401
    from placements.appeals import routes_deciding as appeals_deciding  # noqa: F401
    from placements.appeals.blueprint import appeals
    from placements.capacity import absences as capacity_absences  # noqa: F401
    from placements.capacity import routes as grid  # noqa: F401
    from placements.capacity import routes_board, routes_deciding, routes_files, routes_invited  # noqa: F401
    from placements.capacity.blueprint import capacity
    from placements.clearance import (
        of_learner,  # noqa: F401 - tells the learner's page
        reminders,  # noqa: F401 - makes the worker's chore known
        routes_recording,  # noqa: F401
    )
    from placements.clearance import routes as checks  # noqa: F401
    from placements.clearance.blueprint import clearance
    from placements.cohorts import reading  # noqa: F401 - makes the worker's job known
    from placements.cohorts import routes_files as cohort_files  # noqa: F401
    from placements.cohorts import routes_several as several_learners  # noqa: F401
    from placements.cohorts.routes import cohorts
    from placements.confirmations import (
        reminders as confirmation_reminders,  # noqa: F401 - makes the worker's chore known
    )
    from placements.confirmations import routes as proposals  # noqa: F401
    from placements.confirmations import routes_sending  # noqa: F401
    from placements.confirmations.blueprint import confirmations
    from placements.educators.routes import educators
    from placements.learner_pages import routes as own_places  # noqa: F401
    from placements.learner_pages import routes_appeals as own_appeals  # noqa: F401
    from placements.learner_pages import routes_links  # noqa: F401
    from placements.learner_pages import section as link_section  # noqa: F401
    from placements.learner_pages.blueprint import learner_pages
    from placements.learners import routes as learner_list  # noqa: F401
    from placements.learners import routes_changing, routes_days  # noqa: F401
    from placements.learners.blueprint import learners
    from placements.mail.routes import mail
    from placements.organisations import routes as reference  # noqa: F401
    from placements.organisations import routes_letter, routes_sites  # noqa: F401
    from placements.organisations.blueprint import organisations
    from placements.outcomes import of_learner as outcomes_of_learner  # noqa: F401
    from placements.outcomes import routes as round_outcomes  # noqa: F401
    from placements.outcomes import routes_files as outcome_files  # noqa: F401
    from placements.outcomes import routes_learning  # noqa: F401
    from placements.outcomes import section as outcomes_section  # noqa: F401
    from placements.outcomes.blueprint import outcomes
    from placements.plans import routes as planning  # noqa: F401
    from placements.plans import routes_blocks  # noqa: F401
    from placements.plans.blueprint import plans
    from placements.repairs import of_learner as returned_of_learner  # noqa: F401
    from placements.repairs import reminders as freeze_reminders  # noqa: F401 - makes the worker's chore known
    from placements.repairs import routes as worklist  # noqa: F401
    from placements.repairs import (
        routes_freeze,  # noqa: F401
        routes_moves,  # noqa: F401
    )
    from placements.repairs.blueprint import repairs
    from placements.reports import routes as trusts  # noqa: F401
    from placements.reports import routes_fair_share  # noqa: F401
    from placements.reports.blueprint import reports
    from placements.review import of_run as review_of_run  # noqa: F401 - tells the pages of runs
    from placements.review import routes as review_pages  # noqa: F401
    from placements.review import routes_worth  # noqa: F401
    from placements.review.blueprint import review
    from placements.rounds.routes import rounds
    from placements.scenarios import (
        nearby,  # noqa: F401 - tells capacity of demand
        reproducing,  # noqa: F401 - makes the worker's job known
        routes_compare,  # noqa: F401
        routes_feasibility,  # noqa: F401
        routes_heat,  # noqa: F401
        routes_journeys,  # noqa: F401
        routes_map,  # noqa: F401
        routes_placings,  # noqa: F401
        routes_scenarios,  # noqa: F401
        solving,  # noqa: F401 - makes the worker's jobs known
    )
    from placements.scenarios import routes as runs  # noqa: F401
    from placements.scenarios.blueprint import scenarios

    for part in (
        accounts,
        rounds,
        capacity,
        cohorts,
        plans,
        clearance,
        learners,
        scenarios,
        allocations,
        appeals,
        confirmations,
        mail,
        reports,
        educators,
        organisations,
        learner_pages,
        outcomes,
        agreements,
        repairs,
        review,
    ):
        app.register_blueprint(part)


__all__ = ["create_app", "tables"]
