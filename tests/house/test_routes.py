"""Every route is asked for by every role and by nobody, with own rows, a sibling's and a foreign network's.

A route that the table does not list fails the test. To add one, add a line: who may.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from placements.access import Role
from placements.audit.models import AuditEntry
from placements.extensions import db
from tests.conftest import make_app
from tests.house.world import SECRET, World, make_world

OFFICER, EDUCATOR = Role.PLACEMENT_OFFICER, Role.PRACTICE_EDUCATOR
TRUST_LEAD, LEAD, ADMINISTRATOR = Role.TRUST_EDUCATION_LEAD, Role.ACADEMY_LEAD, Role.ADMINISTRATOR
EVERYBODY = {OFFICER, EDUCATOR, TRUST_LEAD, LEAD, ADMINISTRATOR}
TRUST = {EDUCATOR, TRUST_LEAD}
# Answers whoever asks: there is nothing of anybody's in it.
PUBLIC = None

MAY: dict[str, set[Role] | None] = {
    "GET accounts.change_password": EVERYBODY,
    "POST accounts.change_password": EVERYBODY,
    "GET accounts.change_person": {ADMINISTRATOR},
    "POST accounts.change_person": {ADMINISTRATOR},
    "GET accounts.create_person": {ADMINISTRATOR},
    "POST accounts.create_person": {ADMINISTRATOR},
    "GET accounts.home": EVERYBODY,
    "GET accounts.see_audit": {ADMINISTRATOR},
    "GET accounts.see_people": {ADMINISTRATOR},
    "GET accounts.sign_in": PUBLIC,
    "POST accounts.sign_in": PUBLIC,
    "POST accounts.reset_password": {ADMINISTRATOR},
    "POST accounts.sign_out": EVERYBODY,
    "POST agreements.decide_agreement": {OFFICER, TRUST_LEAD},
    "GET agreements.download_agreements": {OFFICER, *TRUST, LEAD},
    "GET agreements.end_agreement": {OFFICER, TRUST_LEAD, LEAD},
    "POST agreements.end_agreement": {OFFICER, TRUST_LEAD, LEAD},
    "GET agreements.propose_agreement": {OFFICER, TRUST_LEAD, LEAD},
    "POST agreements.propose_agreement": {OFFICER, TRUST_LEAD, LEAD},
    "GET agreements.see_agreement": {OFFICER, *TRUST, LEAD},
    "GET agreements.see_agreements": {OFFICER, *TRUST, LEAD},
    "POST allocations.adopt_run": {LEAD},
    "GET allocations.check_publication": {LEAD},
    "GET allocations.download_calendar": {OFFICER, *TRUST, LEAD},
    "GET allocations.download_changes": {OFFICER, *TRUST, LEAD},
    "GET allocations.download_changes_workbook": {OFFICER, *TRUST, LEAD},
    "GET allocations.download_letters": {OFFICER, *TRUST, LEAD},
    "GET allocations.download_places": {OFFICER, *TRUST, LEAD},
    "GET allocations.download_places_workbook": {OFFICER, *TRUST, LEAD},
    "POST allocations.publish_round": {LEAD},
    "GET allocations.see_changes": {OFFICER, *TRUST, LEAD},
    "GET allocations.see_publication": {OFFICER, *TRUST, LEAD},
    "GET allocations.see_publications": {OFFICER, *TRUST, LEAD},
    "GET appeals.choose_place": {OFFICER},
    "POST appeals.decide_appeal": {LEAD},
    "GET appeals.download_appeals": {OFFICER, LEAD},
    "GET appeals.lodge_appeal": {OFFICER},
    "POST appeals.lodge_appeal": {OFFICER},
    "POST appeals.open_evidence": {OFFICER, LEAD},
    "GET appeals.see_appeal": {OFFICER, LEAD},
    "GET appeals.see_appeals": {OFFICER, LEAD},
    "POST appeals.withdraw_appeal": {OFFICER},
    "POST capacity.accept_declarations": {*TRUST, LEAD},
    "GET capacity.download_declarations": {*TRUST, LEAD},
    "GET capacity.download_declarations_csv": {*TRUST, LEAD},
    "GET capacity.download_refused_declarations": {*TRUST, LEAD},
    "GET capacity.download_refused_declarations_csv": {*TRUST, LEAD},
    "GET capacity.see_declaration_upload": {*TRUST, LEAD},
    "GET capacity.upload_declarations": {*TRUST, LEAD},
    "POST capacity.upload_declarations": {*TRUST, LEAD},
    "POST capacity.save_declaration": {*TRUST, LEAD},
    "POST capacity.save_cells": {*TRUST, LEAD},
    "POST capacity.save_grid": {*TRUST, LEAD},
    "GET capacity.see_grid": {*TRUST, LEAD},
    "GET capacity.see_declaration": {*TRUST, LEAD},
    "GET capacity.see_declarations": {*TRUST, LEAD},
    "GET capacity.approve_declaration": {TRUST_LEAD, LEAD},
    "POST capacity.approve_declaration": {TRUST_LEAD, LEAD},
    "POST capacity.chase_declarations": {LEAD},
    "GET capacity.compare_versions": {*TRUST, LEAD},
    "GET capacity.invite_site": {*TRUST, LEAD},
    "POST capacity.invite_site": {*TRUST, LEAD},
    "GET capacity.return_declaration": {TRUST_LEAD, LEAD},
    "POST capacity.return_declaration": {TRUST_LEAD, LEAD},
    "POST capacity.revoke_invitation": {*TRUST, LEAD},
    "GET capacity.save_invited_declaration": PUBLIC,
    "POST capacity.save_invited_declaration": PUBLIC,
    "GET capacity.see_history": {*TRUST, LEAD},
    "GET capacity.see_invited_declarations": PUBLIC,
    "GET capacity.set_cap": {TRUST_LEAD, LEAD},
    "POST capacity.set_cap": {TRUST_LEAD, LEAD},
    "GET clearance.create_check_kind": {OFFICER, LEAD},
    "POST clearance.create_check_kind": {OFFICER, LEAD},
    "GET clearance.download_checks": {OFFICER, LEAD},
    "GET clearance.download_checks_workbook": {OFFICER, LEAD},
    "GET clearance.download_clearance": {OFFICER, LEAD},
    "GET clearance.save_check_kind": {OFFICER, LEAD},
    "POST clearance.save_check_kind": {OFFICER, LEAD},
    "GET clearance.save_checks": {OFFICER},
    "POST clearance.save_checks": {OFFICER},
    "GET clearance.see_check_kinds": {OFFICER, LEAD},
    "GET clearance.see_checks": {OFFICER, LEAD},
    "GET clearance.see_clearance": {OFFICER, LEAD},
    "GET clearance.set_check_rules": {LEAD},
    "POST clearance.set_check_rules": {LEAD},
    "GET clearance.upload_checks": {OFFICER},
    "POST clearance.upload_checks": {OFFICER},
    "POST cohorts.accept_upload": {OFFICER},
    "GET cohorts.choose_columns": {OFFICER},
    "POST cohorts.forget_columns": {OFFICER},
    "GET cohorts.see_upload_progress": {OFFICER},
    "POST cohorts.choose_columns": {OFFICER},
    "POST cohorts.discard_upload": {OFFICER},
    "GET cohorts.download_rows": {OFFICER},
    "GET cohorts.download_rows_csv": {OFFICER},
    "GET cohorts.download_refused_rows": {OFFICER},
    "GET cohorts.download_template": {OFFICER, LEAD},
    "GET cohorts.download_template_xlsx": {OFFICER, LEAD},
    "POST cohorts.mend_upload": {OFFICER},
    "GET cohorts.receive_upload": {OFFICER},
    "POST cohorts.receive_upload": {OFFICER},
    "GET cohorts.release_learners": {OFFICER},
    "POST cohorts.release_learners": {OFFICER},
    "GET cohorts.see_cohort": {OFFICER, LEAD},
    "GET cohorts.see_cohorts": {OFFICER, LEAD},
    "GET cohorts.see_upload": {OFFICER},
    "GET cohorts.set_weekdays": {OFFICER},
    "POST cohorts.set_weekdays": {OFFICER},
    "POST cohorts.submit_cohort": {OFFICER},
    "POST educators.agree_sharing": {TRUST_LEAD, LEAD},
    "POST confirmations.answer_proposal": {*TRUST, LEAD},
    "POST confirmations.answer_proposals": {*TRUST, LEAD},
    "GET confirmations.download_proposals": {*TRUST, LEAD},
    "POST confirmations.find_other_places": {LEAD},
    "POST confirmations.remind_trusts": {LEAD},
    "POST confirmations.reply_to_trust": {LEAD},
    "GET confirmations.see_confirmations": {LEAD},
    "GET confirmations.see_proposal": {*TRUST, LEAD},
    "GET confirmations.see_proposals": {*TRUST, LEAD},
    "POST confirmations.send_proposals": {LEAD},
    "GET educators.create_educator": {*TRUST, LEAD},
    "POST educators.create_educator": {*TRUST, LEAD},
    "GET educators.create_educators": {*TRUST, LEAD},
    "POST educators.create_educators": {*TRUST, LEAD},
    "GET educators.end_absence": {*TRUST, LEAD},
    "POST educators.end_absence": {*TRUST, LEAD},
    "GET educators.record_absence": {*TRUST, LEAD},
    "POST educators.record_absence": {*TRUST, LEAD},
    "GET educators.save_educator": {*TRUST, LEAD},
    "POST educators.save_educator": {*TRUST, LEAD},
    "GET educators.see_educator": {*TRUST, LEAD},
    "GET educators.see_educators": {*TRUST, LEAD},
    "GET educators.see_sharing": {TRUST_LEAD, LEAD},
    "GET files.assets": PUBLIC,
    "GET files.design_system_css": PUBLIC,
    "GET files.design_system_js": PUBLIC,
    "GET files.health": PUBLIC,
    "GET files.own": PUBLIC,
    "GET learner_pages.download_own_calendar": PUBLIC,
    "GET learner_pages.download_own_letter": PUBLIC,
    "GET learner_pages.give_feedback": PUBLIC,
    "POST learner_pages.give_feedback": PUBLIC,
    "GET learner_pages.invite_cohort": {OFFICER},
    "POST learner_pages.invite_cohort": {OFFICER},
    "GET learner_pages.invite_learner": {OFFICER},
    "POST learner_pages.invite_learner": {OFFICER},
    "POST learner_pages.revoke_learner_link": {OFFICER},
    "GET learner_pages.lodge_own_appeal": PUBLIC,
    "POST learner_pages.lodge_own_appeal": PUBLIC,
    "POST learner_pages.withdraw_own_appeal": PUBLIC,
    "GET learner_pages.save_preferences": PUBLIC,
    "POST learner_pages.save_preferences": PUBLIC,
    "GET learner_pages.see_own_places": PUBLIC,
    "GET learners.create_learner": {OFFICER},
    "POST learners.create_learner": {OFFICER},
    "GET learners.create_requirement": {OFFICER},
    "POST learners.create_requirement": {OFFICER},
    "GET learners.download_learners": {OFFICER, LEAD},
    "GET learners.download_learners_workbook": {OFFICER, LEAD},
    "POST learners.end_companions": {OFFICER},
    "GET learners.end_interruption": {OFFICER},
    "POST learners.end_interruption": {OFFICER},
    "GET learners.erase_learner": {OFFICER},
    "POST learners.erase_learner": {OFFICER},
    "POST learners.export_learner": {OFFICER},
    "POST learners.open_contact": {OFFICER},
    "GET learners.record_interruption": {OFFICER},
    "POST learners.record_interruption": {OFFICER},
    "GET learners.save_companions": {OFFICER},
    "POST learners.save_companions": {OFFICER},
    "POST learners.save_contact": {OFFICER},
    "GET learners.save_learner": {OFFICER},
    "POST learners.save_learner": {OFFICER},
    "GET learners.save_preferences": {OFFICER},
    "POST learners.save_preferences": {OFFICER},
    "GET learners.save_requirement": {OFFICER},
    "POST learners.save_requirement": {OFFICER},
    "GET learners.see_learner": {OFFICER, LEAD},
    "GET learners.see_learners": {OFFICER, LEAD},
    "GET mail.see_mail": {ADMINISTRATOR},
    "POST mail.send_mail": {ADMINISTRATOR},
    "GET organisations.save_letter_text": {OFFICER},
    "POST organisations.save_letter_text": {OFFICER},
    "GET organisations.save_reference": {ADMINISTRATOR},
    "POST organisations.save_reference": {ADMINISTRATOR},
    "GET organisations.save_site_access": {*TRUST, LEAD},
    "POST organisations.save_site_access": {*TRUST, LEAD},
    "GET organisations.see_reference": {LEAD, ADMINISTRATOR},
    "GET organisations.see_sites": {OFFICER, *TRUST, LEAD},
    "GET plans.change_block": {OFFICER, LEAD},
    "POST plans.change_block": {OFFICER, LEAD},
    "GET plans.create_block": {OFFICER, LEAD},
    "POST plans.create_block": {OFFICER, LEAD},
    "GET plans.create_programme": {OFFICER},
    "POST plans.create_programme": {OFFICER},
    "POST plans.remove_block": {OFFICER, LEAD},
    "GET plans.rename_programme": {OFFICER},
    "POST plans.rename_programme": {OFFICER},
    "GET plans.save_plan": {OFFICER, LEAD},
    "POST plans.save_plan": {OFFICER, LEAD},
    "GET plans.see_plans": {OFFICER, LEAD},
    "POST outcomes.accept_outcomes": {OFFICER, *TRUST, LEAD},
    "POST outcomes.complete_outcomes": {OFFICER, *TRUST, LEAD},
    "GET outcomes.download_outcomes": {OFFICER, *TRUST, LEAD},
    "GET outcomes.download_outcomes_workbook": {OFFICER, *TRUST, LEAD},
    "GET outcomes.download_travel": {OFFICER, LEAD},
    "GET outcomes.download_travel_workbook": {OFFICER, LEAD},
    "GET outcomes.record_outcome": {OFFICER, *TRUST, LEAD},
    "POST outcomes.record_outcome": {OFFICER, *TRUST, LEAD},
    "GET outcomes.see_comments": {OFFICER, LEAD},
    "GET outcomes.see_feedback": {OFFICER, *TRUST, LEAD},
    "GET outcomes.see_outcomes": {OFFICER, *TRUST, LEAD},
    "GET outcomes.see_travel": {OFFICER, LEAD},
    "GET outcomes.upload_outcomes": {OFFICER, *TRUST, LEAD},
    "POST outcomes.upload_outcomes": {OFFICER, *TRUST, LEAD},
    "GET readiness.ready": PUBLIC,
    "POST repairs.bring_back": {LEAD},
    "GET repairs.see_moves": {LEAD},
    "GET repairs.see_worklist": {LEAD},
    "GET repairs.set_aside": {LEAD},
    "POST repairs.set_aside": {LEAD},
    "POST repairs.clear_place": {LEAD},
    "GET repairs.download_waiting": {LEAD},
    "POST repairs.freeze_round": {LEAD},
    "GET repairs.see_freeze": {LEAD},
    "GET repairs.see_waiting": {LEAD},
    "POST repairs.start_repair": {LEAD},
    "POST repairs.draw_trade_off": {LEAD},
    "GET repairs.see_trade_off": {LEAD},
    "POST repairs.use_point": {LEAD},
    "GET reports.download_academy": {LEAD},
    "GET reports.download_fair_share": {*TRUST, LEAD},
    "GET reports.download_trust": {*TRUST, LEAD},
    "GET reports.download_workforce": {TRUST_LEAD, LEAD},
    "GET reports.save_workforce": {TRUST_LEAD, LEAD},
    "POST reports.save_workforce": {TRUST_LEAD, LEAD},
    "GET reports.see_academy": {LEAD},
    "GET reports.see_fair_share": {*TRUST, LEAD},
    "GET reports.see_fair_share_rows": {*TRUST, LEAD},
    "GET reports.see_site_sheet": {*TRUST, LEAD},
    "GET reports.see_trust": {*TRUST, LEAD},
    "GET reports.see_trusts": {*TRUST, LEAD},
    "GET review.move_by_hand": {LEAD},
    "POST review.move_by_hand": {LEAD},
    "GET review.see_department": {LEAD},
    "GET review.see_way": {LEAD},
    "POST review.undo_move": {LEAD},
    "GET rounds.copy_round": {LEAD},
    "POST rounds.copy_round": {LEAD},
    "GET rounds.change_round": {LEAD},
    "POST rounds.change_round": {LEAD},
    "POST rounds.open_round": {LEAD},
    "GET rounds.see_round": EVERYBODY,
    "GET rounds.see_rounds": EVERYBODY,
    "POST scenarios.begin_own_scenario": {LEAD},
    "POST scenarios.cancel_run": {LEAD},
    "POST scenarios.create_scenario": {LEAD},
    "GET scenarios.download_differences": {LEAD},
    "GET scenarios.download_snapshot": {LEAD},
    "POST scenarios.lift_lock": {LEAD},
    "POST scenarios.remove_scenario": {LEAD},
    "POST scenarios.reproduce_run": {LEAD},
    "GET scenarios.see_comparison": {LEAD},
    "GET scenarios.see_differences": {LEAD},
    "GET scenarios.rename_scenario": {LEAD},
    "POST scenarios.rename_scenario": {LEAD},
    "GET scenarios.save_policy": {LEAD},
    "POST scenarios.save_policy": {LEAD},
    "GET scenarios.see_feasibility": {OFFICER, LEAD},
    "GET scenarios.download_heat": {LEAD},
    "GET scenarios.download_journeys": {LEAD},
    "GET scenarios.download_map": {LEAD},
    "GET scenarios.download_placings": {LEAD},
    "GET scenarios.download_travel_bands": {LEAD},
    "GET scenarios.see_journeys": {LEAD},
    "GET scenarios.download_placings_workbook": {LEAD},
    "GET scenarios.see_heat": {LEAD},
    "GET scenarios.see_load": {LEAD},
    "GET scenarios.see_map": {LEAD},
    "GET scenarios.see_placing": {LEAD},
    "GET scenarios.see_placings": {LEAD},
    "GET scenarios.see_progress": {LEAD},
    "GET scenarios.see_run": {LEAD},
    "GET scenarios.see_runs": {LEAD},
    "GET scenarios.see_scenario": {LEAD},
    "GET scenarios.see_scenarios": {LEAD},
    "POST scenarios.start_run": {LEAD},
}
# What is sent with a POST, so that it goes as far as it can; other forms are sent with these alone.
SENT: dict[str, Any] = {"version": 1, "account": "closed", "password": "three quiet green lamps"}
# What stands in an address and is no row.
NAMES = {"files.assets": "images/favicon.ico", "files.own": "placements.css"}
# A private link's secret, which is no row either.
OPENED_BY = {"secret": SECRET}
# What an academy lead does with the academy's own centres only, and sees of all.
OF_THE_ACADEMY = {
    "POST capacity.accept_declarations",
    "GET capacity.return_declaration",
    "POST capacity.return_declaration",
    "POST capacity.save_declaration",
    "GET clearance.save_check_kind",
    "POST clearance.save_check_kind",
    "POST educators.agree_sharing",
    "GET educators.end_absence",
    "POST educators.end_absence",
    "GET educators.record_absence",
    "POST educators.record_absence",
    "GET educators.save_educator",
    "POST educators.save_educator",
}
# Rows of one trust or HEI: an officer and a trust's people see only their own organisation's.
OF_AN_ORGANISATION = {
    "agreement_id",
    "appeal_id",
    "evidence_id",
    "check_kind_id",
    "declaration_upload_id",
    "department_id",
    "proposal_id",
    "invitation_id",
    "cohort_id",
    "programme_id",
    "upload_id",
    "learner_id",
    "link_id",
    "requirement_id",
    "trust_id",
    "site_id",
    "educator_id",
    "interruption_id",
    "companions_id",
}
LET_THROUGH = {200, 302, 400, 409}


def rules(app: Flask) -> dict[str, Rule]:
    """Each route by the name that it has in the table: method and endpoint."""
    return {
        f"{method} {rule.endpoint}": rule
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    }


def address(rule: Rule, ids: dict[str, int]) -> str:
    """Where the route is for these rows; a name that the world lacks is an error here."""
    values = {name: OPENED_BY.get(name) or NAMES.get(rule.endpoint) or ids[name] for name in rule.arguments}
    return str(rule.build(values, append_unknown=False)[1])  # type: ignore[index]


@pytest.fixture(scope="module")
def made(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, World]:
    """The world in a database file of its own, to be copied for each route."""
    folder = tmp_path_factory.mktemp("world")
    path = folder / "world.sqlite"
    shutil.copy(sqlite_template, path)
    app = make_app(f"sqlite:///{path}", folder)
    with app.app_context():
        world = make_world()
        db.session.close()
        with db.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        db.engine.dispose()
    app.extensions["huey"].storage.close()
    return path, world


@pytest.fixture
def world(made: tuple[Path, World]) -> World:
    return made[1]


@pytest.fixture
def app(made: tuple[Path, World], tmp_path: Path) -> Iterator[Flask]:
    """The application over a copy of the world."""
    path = tmp_path / "placements.sqlite"
    shutil.copy(made[0], path)
    app = make_app(f"sqlite:///{path}", tmp_path)
    yield app
    with app.app_context():
        db.engine.dispose()
    app.extensions["huey"].storage.close()


class Walker:
    """One role's browser, or nobody's, asking for one route."""

    def __init__(self, app: Flask, name: str, rule: Rule, session_key: str | None) -> None:
        self._client: FlaskClient = app.test_client()
        self._method = name.split()[0]
        self._rule = rule
        if session_key is not None:
            with self._client.session_transaction() as session:
                session["_user_id"] = session_key
                session["_fresh"] = True

    def ask(self, ids: dict[str, int], **headers: str) -> TestResponse:
        data = SENT if self._method == "POST" else None
        return self._client.open(
            address(self._rule, ids), method=self._method, data=data, headers=headers or None, buffered=True
        )


def test_the_table_lists_every_route_and_no_other(app: Flask) -> None:
    found = set(rules(app))
    assert len(found) > 20
    assert found - set(MAY) == set(), "unknown route: add a line to MAY saying who may"
    assert set(MAY) - found == set(), "the table lists a route that is gone"


@pytest.mark.parametrize("name", sorted(MAY))
def test_each_role_gets_what_it_may_and_no_more(app: Flask, world: World, name: str) -> None:
    rule = rules(app)[name]
    allowed = MAY[name]
    nobody = Walker(app, name, rule, None)
    if allowed is PUBLIC:
        assert nobody.ask(world.own).status_code in LET_THROUGH
        return
    before = entries(app)
    refuse_nobody(nobody, world)
    for role in sorted(EVERYBODY - allowed):
        walker = Walker(app, name, rule, world.sessions[role])
        for ids in (world.own, world.own | world.sibling, world.foreign):
            assert walker.ask(ids).status_code == 403, f"{role} may not"
    for role in sorted(allowed):
        walker = Walker(app, name, rule, world.sessions[role])
        for ids in unseen(role, rule, world):
            assert walker.ask(ids).status_code == 404, f"{role} must not see {ids}"
        for ids in impossible(rule, world):
            assert walker.ask(ids).status_code in (404, 405), f"no row has such a number: {ids}"
    assert entries(app) == before, "something was done although everything was refused"
    for role in sorted(allowed):
        walker = Walker(app, name, rule, world.sessions[role])
        if role is LEAD and name in OF_THE_ACADEMY:
            assert walker.ask(world.own | world.academy).status_code in LET_THROUGH, f"{role} may"
            assert walker.ask(world.own).status_code == 403, f"{role} may not for a trust"
            continue
        assert walker.ask(world.own).status_code in LET_THROUGH, f"{role} may"
        if role in (LEAD, ADMINISTRATOR):
            status = walker.ask(world.own | world.sibling).status_code
            assert status in LET_THROUGH or is_signed_out(name), f"{role} sees the whole network"


def refuse_nobody(nobody: Walker, world: World) -> None:
    for ids in (world.own, world.foreign):
        response = nobody.ask(ids)
        assert response.status_code == 302
        assert response.location.split("?")[0] == "/sign-in"
        assert nobody.ask(ids, Accept="application/json").status_code == 401


def unseen(role: Role, rule: Rule, world: World) -> Iterator[dict[str, int]]:
    """Each row of the address in turn replaced by one that the role must not see, or that is not there."""
    for name in rule.arguments:
        yield world.own | {name: world.foreign[name]}
        if name in OF_AN_ORGANISATION and role in (OFFICER, *TRUST):
            yield world.own | {name: world.sibling[name]}
        yield world.own | {name: 999_999}


def impossible(rule: Rule, world: World) -> Iterator[dict[str, int]]:
    """Numbers that no database could hold; where another method has the same address, 405 is the answer."""
    for name in rule.arguments:
        yield world.own | {name: 10**30}


def is_signed_out(name: str) -> bool:
    return name == "POST accounts.sign_out"


def entries(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(AuditEntry)) or 0


def test_no_form_is_taken_without_its_token(app: Flask, world: World) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    posts = {name: rule for name, rule in rules(app).items() if name.startswith("POST ")}
    assert posts
    before = entries(app)
    for name, rule in posts.items():
        allowed = MAY[name]
        for session_key in (None, *(world.sessions[role] for role in sorted(allowed or ()))):
            assert Walker(app, name, rule, session_key).ask(world.own).status_code == 400, name
    assert entries(app) == before
