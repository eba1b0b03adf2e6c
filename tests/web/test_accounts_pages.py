"""Pages about accounts: signing in and out, making and closing accounts, passwords, the audit."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from placements import create_app
from placements.access import SYSTEM, Action
from placements.accounts.models import Person
from placements.extensions import db, limiter
from placements.settings import Settings
from placements.transaction import transaction
from tests.factories import (
    PASSWORD,
    HeiFactory,
    IcbFactory,
    NetworkFactory,
    PersonFactory,
    TrustFactory,
    saved,
)
from tests.web.pages import page, sign_in

NEW_PASSWORD = "three quiet green lamps"


@pytest.fixture
def administrator(site: Flask) -> Person:
    return PersonFactory(name="Ann Admin", role="administrator")


@pytest.fixture
def limited(site: Flask, sqlite_url: str, tmp_path: Path) -> Iterator[FlaskClient]:
    """A browser of the same site with its limits on."""
    app = create_app(Settings(var=tmp_path, database_url=sqlite_url, secret_key="for tests only"))
    app.testing = True
    app.config["WTF_CSRF_ENABLED"] = False
    limiter.reset()
    with app.app_context():
        yield app.test_client()
        for engine in db.engines.values():
            engine.dispose()
    limiter.enabled = False


def try_to_sign_in(client: FlaskClient, email: str, password: str = "wrong") -> int:
    return client.post("/sign-in", data={"email": email, "password": password}).status_code


class TestSigningIn:
    def test_the_page_asks_for_address_and_password(self, client: FlaskClient) -> None:
        found = page(client.get("/sign-in"))
        assert found.h1 == "Sign in to Placements"
        assert found.one("input", id="password").get("type") == "password"
        assert page(client.post("/sign-in")).errors == {
            "email": "Enter your e-mail address",
            "password": "Enter your password",
        }

    @pytest.mark.parametrize(
        ("email", "password"),
        [
            ("open@example.nhs.uk", "wrong"),
            ("closed@example.nhs.uk", PASSWORD),
            ("nobody@example.nhs.uk", "x"),
        ],
    )
    def test_what_was_wrong_is_not_told_and_the_address_stays(
        self, client: FlaskClient, email: str, password: str
    ) -> None:
        PersonFactory(email="open@example.nhs.uk")
        PersonFactory(email="closed@example.nhs.uk", is_active=False)
        saved()
        response = client.post("/sign-in", data={"email": email, "password": password})
        assert response.status_code == 400
        found = page(response)
        assert found.errors == {"password": "The e-mail address or the password is not right"}
        assert found.value("email") == email
        assert found.value("password") == ""

    def test_signing_in_leads_to_the_page_that_was_asked_for(self, client: FlaskClient) -> None:
        person = PersonFactory(role="administrator")
        saved()
        asked = client.get("/audit?action=sign_in")
        assert asked.status_code == 302
        address = asked.location
        hidden = page(client.get(address)).value("next")
        response = client.post("/sign-in", data={"email": person.email, "password": PASSWORD, "next": hidden})
        assert response.location == "/audit?action=sign_in"

    @pytest.mark.parametrize(
        "elsewhere",
        [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "\\\\evil.example",
            "javascript:alert(1)",
            "evil.example",
            " //evil.example",
            "/ok\r\nSet-Cookie: a=b",
        ],
    )
    def test_it_never_leads_to_another_site(self, client: FlaskClient, elsewhere: str) -> None:
        person = PersonFactory()
        saved()
        response = client.post(
            "/sign-in", data={"email": person.email, "password": PASSWORD, "next": elsewhere}
        )
        assert response.status_code == 302
        assert response.location == "/"

    def test_a_form_sent_while_signed_out_is_not_asked_for_again(self, client: FlaskClient) -> None:
        assert client.post("/accounts/new").location == "/sign-in"

    def test_a_script_is_told_401(self, client: FlaskClient) -> None:
        response = client.get("/accounts", headers={"Accept": "application/json"})
        assert response.status_code == 401
        assert response.get_json() == {"error": "You are not signed in, or your session has ended."}

    def test_nothing_of_an_earlier_session_lives_on(self, client: FlaskClient) -> None:
        with client.session_transaction() as session:
            session["planted"] = "by somebody else"
            session["csrf_token"] = "known to somebody else"
        sign_in(client, PersonFactory())
        with client.session_transaction() as session:
            assert "planted" not in session
            assert session.get("csrf_token") != "known to somebody else"
            assert session.permanent

    def test_somebody_signed_in_is_led_to_the_rounds(self, client: FlaskClient) -> None:
        sign_in(client, PersonFactory())
        assert client.get("/sign-in").location == "/"
        assert client.get("/").location == "/rounds/"

    def test_signing_out_is_a_button_and_ends_the_session(self, client: FlaskClient) -> None:
        sign_in(client, PersonFactory())
        assert client.get("/sign-out").status_code == 405
        assert client.get("/rounds/").status_code == 200
        assert client.post("/sign-out").location == "/sign-in"
        assert client.get("/rounds/").location.startswith("/sign-in")

    def test_a_session_key_that_was_tampered_with_is_nobody(self, client: FlaskClient) -> None:
        person = PersonFactory()
        saved()
        for key in (f"{person.id}.wrong", "x", "", "1.", f"{person.id}"):
            with client.session_transaction() as session:
                session["_user_id"] = key
            assert client.get("/rounds/").status_code == 302


class TestTooManyTries:
    def test_the_ninth_try_for_an_account_has_to_wait(self, limited: FlaskClient) -> None:
        person = PersonFactory(email="lead@example.nhs.uk")
        other = PersonFactory(email="other@example.nhs.uk")
        saved()
        spellings = [
            "lead@example.nhs.uk",
            "LEAD@example.nhs.uk",
            " Lead@Example.NHS.uk ",
            "lead@example.nhs.UK",
        ]
        assert [try_to_sign_in(limited, email) for email in spellings * 2] == [400] * 8
        response = limited.post("/sign-in", data={"email": person.email, "password": PASSWORD})
        assert response.status_code == 429
        found = page(response)
        assert found.h1 == "Too many tries"
        assert "wait 15 minutes" in found.main
        assert 0 < int(response.headers["Retry-After"]) <= 900
        assert try_to_sign_in(limited, other.email, PASSWORD) == 302

    def test_signing_in_rightly_is_never_held_against_anybody(self, limited: FlaskClient) -> None:
        person = PersonFactory()
        saved()
        for _ in range(12):
            assert try_to_sign_in(limited, person.email, PASSWORD) == 302
            limited.post("/sign-out")

    def test_tries_from_one_place_over_many_accounts_have_to_wait(self, limited: FlaskClient) -> None:
        assert {try_to_sign_in(limited, f"guess{number}@example.nhs.uk") for number in range(30)} == {400}
        assert try_to_sign_in(limited, "another@example.nhs.uk") == 429
        assert limited.get("/sign-in").status_code == 200

    def test_guessing_ones_own_password_is_limited_too(self, limited: FlaskClient) -> None:
        sign_in(limited, PersonFactory())
        wrong = {"current": "wrong", "new": NEW_PASSWORD}
        assert {limited.post("/accounts/password", data=wrong).status_code for _ in range(8)} == {400}
        assert limited.post("/accounts/password", data=wrong).status_code == 429


class TestAccounts:
    def test_the_list_shows_the_network_and_no_other(
        self, client: FlaskClient, administrator: Person
    ) -> None:
        PersonFactory(
            name="Eve Educator",
            role="practice_educator",
            trust_id=TrustFactory(name="Leafy NHS Trust").id,
            is_active=False,
        )
        other = NetworkFactory(name="Other Network")
        PersonFactory(name="Olly Other", role="placement_officer", hei_id=HeiFactory(network_id=other.id).id)
        sign_in(client, administrator)
        found = page(client.get("/accounts"))
        assert found.rows() == [
            [
                f"Ann Admin {administrator.email}",
                "Administrator",
                "West Midlands Imaging Network",
                "24 November 2026 at 9:30am",
                "Open",
            ],
            [
                f"Eve Educator {db.session.get_one(Person, 2).email}",
                "Practice educator",
                "Leafy NHS Trust",
                "Never",
                "Closed",
            ],
        ]

    def test_an_account_is_made_and_can_sign_in(self, client: FlaskClient, administrator: Person) -> None:
        trust = TrustFactory()
        sign_in(client, administrator)
        typed = {
            "name": " Eve Educator ",
            "email": "Eve@Example.NHS.uk",
            "role": "practice_educator",
            "organisation": f"trust-{trust.id}",
            "password": NEW_PASSWORD,
        }
        response = client.post("/accounts/new", data=typed, follow_redirects=True)
        assert "Eve Educator can sign in as eve@example.nhs.uk" in page(response).main
        person = db.session.query(Person).filter_by(email="eve@example.nhs.uk").one()
        assert (person.name, person.role, person.trust_id) == ("Eve Educator", "practice_educator", trust.id)
        client.post("/sign-out")
        sign_in(client, person, NEW_PASSWORD)

    def test_every_wrong_value_is_named_and_the_typing_stays(
        self, client: FlaskClient, administrator: Person
    ) -> None:
        trust = TrustFactory()
        sign_in(client, administrator)
        response = client.post(
            "/accounts/new",
            data={
                "name": "Olly",
                "email": "olly",
                "role": "placement_officer",
                "organisation": f"trust-{trust.id}",
                "password": "short",
            },
        )
        assert response.status_code == 400
        found = page(response)
        assert found.errors == {
            "email": "Enter an e-mail address like name@example.nhs.uk",
            "organisation": "Choose an HEI: a placement officer works for an HEI",
            "password": "Use a password of 12 to 128 characters",
        }
        assert [found.value(name) for name in ("name", "email", "role", "organisation", "password")] == [
            "Olly",
            "olly",
            "placement_officer",
            f"trust-{trust.id}",
            "",
        ]
        nothing = page(client.post("/accounts/new"))
        assert nothing.errors == {
            "name": "Enter the person's name",
            "email": "Enter the person's e-mail address",
            "role": "Choose a role",
            "organisation": "Choose an organisation",
            "password": "Enter a first password for them",
        }

    def test_an_address_that_is_taken_is_refused_beside_the_field(
        self, client: FlaskClient, administrator: Person
    ) -> None:
        sign_in(client, administrator)
        response = client.post(
            "/accounts/new",
            data={
                "name": "Double",
                "email": administrator.email.upper(),
                "role": "academy_lead",
                "organisation": f"network-{administrator.network_id}",
                "password": NEW_PASSWORD,
            },
        )
        assert response.status_code == 400
        assert page(response).errors["email"].startswith("This e-mail address already has an account")

    @pytest.mark.parametrize("organisation", ["trust-{other}", "trust-99999", "trust-", "system-1", "x"])
    def test_only_organisations_of_the_own_network_can_be_chosen(
        self, client: FlaskClient, administrator: Person, organisation: str
    ) -> None:
        icb = IcbFactory(ods="QXX", network_id=NetworkFactory(name="Other Network").id)
        other = TrustFactory(icb=icb).id
        sign_in(client, administrator)
        response = client.post(
            "/accounts/new",
            data={
                "name": "Eve",
                "email": "eve@example.nhs.uk",
                "role": "practice_educator",
                "organisation": organisation.format(other=other),
                "password": NEW_PASSWORD,
            },
        )
        assert page(response).errors == {"organisation": "Choose an organisation from the list"}

    def test_nobody_can_be_given_the_system_role(self, client: FlaskClient, administrator: Person) -> None:
        sign_in(client, administrator)
        data = {"role": "system", "organisation": f"network-{administrator.network_id}"}
        assert page(client.post("/accounts/new", data=data)).errors["role"] == "Choose one of the roles"

    def test_closing_ends_sessions_and_reopening_lets_in_again(
        self, site: Flask, client: FlaskClient, administrator: Person
    ) -> None:
        person = PersonFactory(name="Lee Lead")
        theirs = site.test_client()
        sign_in(theirs, person)
        sign_in(client, administrator)
        address = f"/accounts/{person.id}"
        for account, button in (("closed", "Close the account"), ("open", "Reopen the account")):
            found = page(client.get(address))
            assert button in found.main
            data = {
                "version": found.all("input", name="version")[-1].get("value"),
                "account": found.value("account"),
            }
            assert data["account"] == account
            response = client.post(address, data=data, follow_redirects=True)
            assert f"The account of Lee Lead is {account}." in page(response).main
            assert theirs.get("/rounds/").status_code == 302
        sign_in(theirs, person)

    def test_a_stale_page_says_so_and_shows_how_it_stands(
        self, client: FlaskClient, administrator: Person
    ) -> None:
        person = PersonFactory()
        sign_in(client, administrator)
        data = {"version": person.version, "account": "closed"}
        client.post(f"/accounts/{person.id}", data=data)
        response = client.post(f"/accounts/{person.id}", data=data)
        assert response.status_code == 409
        found = page(response)
        assert found.errors[""].startswith("Somebody else changed this")
        assert "Reopen the account" in found.main
        assert found.value("version") == "2"

    def test_the_last_administrator_stays(self, client: FlaskClient, administrator: Person) -> None:
        sign_in(client, administrator)
        response = client.post(
            f"/accounts/{administrator.id}", data={"version": administrator.version, "account": "closed"}
        )
        assert response.status_code == 409
        assert "last administrator" in page(response).errors[""]
        assert client.get("/accounts").status_code == 200

    @pytest.mark.parametrize(
        "data", [{}, {"version": "x", "account": "closed"}, {"version": 1, "account": "x"}]
    )
    def test_an_odd_request_changes_nothing(
        self, client: FlaskClient, administrator: Person, data: dict[str, object]
    ) -> None:
        person = PersonFactory()
        sign_in(client, administrator)
        response = client.post(f"/accounts/{person.id}", data=data)
        assert response.status_code == 400
        assert page(response).errors
        db.session.refresh(person)
        assert (person.is_active, person.version) == (True, 1)


class TestForgottenPassword:
    def test_an_administrator_gives_a_new_one_and_old_sessions_end(
        self, site: Flask, client: FlaskClient, administrator: Person
    ) -> None:
        person = PersonFactory(name="Lee Lead")
        theirs = site.test_client()
        sign_in(theirs, person)
        sign_in(client, administrator)
        data = {
            "version": page(client.get(f"/accounts/{person.id}")).all("input", name="version")[0].get("value")
        }
        response = client.post(
            f"/accounts/{person.id}/password", data=data | {"password": NEW_PASSWORD}, follow_redirects=True
        )
        assert "Lee Lead has a new password" in page(response).main
        assert theirs.get("/rounds/").status_code == 302
        sign_in(theirs, person, NEW_PASSWORD)
        stale = client.post(f"/accounts/{person.id}/password", data=data | {"password": NEW_PASSWORD})
        assert stale.status_code == 409
        assert page(stale).errors[""].startswith("Somebody else changed this")
        assert "Gave an account a new password: account of Lee Lead" in page(client.get("/audit")).main

    @pytest.mark.parametrize("new", ["", "short", "x" * 129])
    def test_one_that_cannot_be_used_is_refused(
        self, client: FlaskClient, administrator: Person, new: str
    ) -> None:
        person = PersonFactory()
        sign_in(client, administrator)
        response = client.post(f"/accounts/{person.id}/password", data={"version": 1, "password": new})
        assert response.status_code == 400
        assert list(page(response).errors) == ["password"]
        sign_in(client.application.test_client(), person)

    def test_the_own_password_is_changed_elsewhere(self, client: FlaskClient, administrator: Person) -> None:
        sign_in(client, administrator)
        address = f"/accounts/{administrator.id}"
        assert "Forgotten password" not in page(client.get(address)).main
        response = client.post(f"{address}/password", data={"version": 1, "password": NEW_PASSWORD})
        assert response.status_code == 409
        assert "under your name" in page(response).main
        sign_in(client.application.test_client(), administrator)


class TestPassword:
    def test_this_session_stays_and_all_others_end(self, site: Flask, client: FlaskClient) -> None:
        person = PersonFactory()
        elsewhere = site.test_client()
        sign_in(elsewhere, person)
        sign_in(client, person)
        response = client.post(
            "/accounts/password", data={"current": PASSWORD, "new": NEW_PASSWORD}, follow_redirects=True
        )
        assert "Your password is changed" in page(response).main
        assert client.get("/rounds/").status_code == 200
        assert elsewhere.get("/rounds/").status_code == 302
        sign_in(elsewhere, person, NEW_PASSWORD)

    @pytest.mark.parametrize(
        ("current", "new", "field"),
        [
            ("", "", "current"),
            ("wrong", NEW_PASSWORD, "current"),
            (PASSWORD, "short", "new"),
            (PASSWORD, "x" * 129, "new"),
            (PASSWORD, PASSWORD, "new"),
        ],
    )
    def test_what_is_wrong_is_said_and_nothing_changes(
        self, client: FlaskClient, current: str, new: str, field: str
    ) -> None:
        person = PersonFactory()
        sign_in(client, person)
        response = client.post("/accounts/password", data={"current": current, "new": new})
        assert response.status_code == 400
        found = page(response)
        assert field in found.errors
        assert (found.value("current"), found.value("new")) == ("", "")
        sign_in(client.application.test_client(), person)


class TestAudit:
    def test_it_tells_who_did_what_the_newest_first(self, client: FlaskClient, administrator: Person) -> None:
        person = PersonFactory(name="Lee Lead")
        sign_in(client, administrator)
        client.post(f"/accounts/{person.id}", data={"version": 1, "account": "closed"})
        with transaction(SYSTEM, Action.LOAD_REFERENCE) as tx:
            tx.note(trusts=1200, complete=True, left_out=None, file="a_b.csv")
        now = "24 November 2026 at 9:30am"
        assert page(client.get("/audit")).rows() == [
            [
                now,
                "The system",
                "Loaded reference data",
                "trusts: 1,200; complete: yes; left out: none; file: a_b.csv",
            ],
            [now, "Ann Admin", "Closed or reopened an account: account of Lee Lead", "account: closed"],
            [now, "Ann Admin", "Signed in", "None"],
        ]

    def test_it_can_be_narrowed_to_an_action_and_a_person(
        self, site: Flask, client: FlaskClient, administrator: Person
    ) -> None:
        person = PersonFactory(name="Lee Lead")
        sign_in(site.test_client(), person)
        sign_in(client, administrator)
        client.post("/accounts/password", data={"current": PASSWORD, "new": NEW_PASSWORD})

        def who_did_what(query: str) -> list[list[str]]:
            return [row[1:3] for row in page(client.get(f"/audit?{query}")).rows()]

        assert who_did_what("action=sign_in") == [["Ann Admin", "Signed in"], ["Lee Lead", "Signed in"]]
        assert who_did_what(f"person={person.id}") == [["Lee Lead", "Signed in"]]
        assert who_did_what(f"action=change_password&person={administrator.id}") == [
            ["Ann Admin", "Changed the own password"]
        ]
        assert who_did_what("person=system") == []
        assert "No entry is like that" in page(client.get("/audit?person=system")).main
        assert len(who_did_what("action=nonsense&person=nobody&page=x")) == 3

    def test_it_is_paged_by_fifty_and_keeps_the_filter(
        self, client: FlaskClient, administrator: Person
    ) -> None:
        saved()
        for number in range(101):
            with transaction(SYSTEM, Action.LOAD_REFERENCE) as tx:
                tx.note(number=number)
        sign_in(client, administrator)
        found = page(client.get("/audit?action=load_reference&person=system"))
        seen = []
        for expected in (50, 50, 1):
            assert len(found.rows()) == expected
            seen += [row[3] for row in found.rows()]
            following = found.all("a", rel="next")
            if following:
                found = page(client.get(following[0].get("href")))
        assert seen == [f"number: {number}" for number in reversed(range(101))]
        assert "101 entries, page 3 of 3" in found.main
        assert "Show all" in found.main

    def test_what_people_of_another_network_did_is_not_shown(
        self, site: Flask, client: FlaskClient, administrator: Person
    ) -> None:
        other = PersonFactory(name="Olly Other", network_id=NetworkFactory(name="Other Network").id)
        sign_in(site.test_client(), other)
        sign_in(client, administrator)
        found = page(client.get("/audit"))
        assert [row[1] for row in found.rows()] == ["Ann Admin"]
        assert "Olly Other" not in found.text
        assert len(page(client.get(f"/audit?person={other.id}")).rows()) == 1
