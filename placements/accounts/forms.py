"""Forms about accounts."""

from collections.abc import Sequence
from typing import Any, cast

from flask_wtf import FlaskForm
from wtforms import EmailField, HiddenField, IntegerField, PasswordField, RadioField, SelectField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import AnyOf, DataRequired, Email, InputRequired, Length, StopValidation

from placements.access import Role
from placements.accounts.queries import KIND_OF_ROLE, KINDS, Kind, Organisation
from placements.accounts.service import LONGEST_PASSWORD, SHORTEST_PASSWORD, NewPerson

ROLES = tuple(KIND_OF_ROLE)
KIND_WORDS: dict[Kind, str] = {"network": "Network and academy", "trust": "Trusts", "hei": "HEIs"}
WORKS_FOR: dict[Kind, str] = {"network": "the network", "trust": "a trust", "hei": "an HEI"}
ROLE_HINTS = {
    Role.PLACEMENT_OFFICER: "Works for an HEI: submits cohorts and sees its learners' places",
    Role.PRACTICE_EDUCATOR: "Works for a trust: declares capacity and sees who is coming",
    Role.TRUST_EDUCATION_LEAD: "Works for a trust: approves what its sites declare and sees its load",
    Role.ACADEMY_LEAD: "Works for the network: opens rounds, runs the match and publishes",
    Role.ADMINISTRATOR: "Works for the network: makes and closes accounts and reads the audit",
}
EMAIL_WORDS = "Enter an e-mail address like name@example.nhs.uk"
PASSWORD_WORDS = f"Use a password of {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters"


def _stripped(text: str | None) -> str | None:
    return text.strip() if text else text


class SignInForm(FlaskForm):
    """E-mail address and password, and the page that was asked for."""

    email = EmailField("E-mail address", [DataRequired("Enter your e-mail address"), Length(max=254)])
    password = PasswordField("Password", [InputRequired("Enter your password")])
    next = StringField("next")


class CreatePersonForm(FlaskForm):
    """A new account: the role and its organisation have to go together."""

    name = StringField(
        "Name",
        [DataRequired("Enter the person's name"), Length(max=200, message="Use at most 200 characters")],
        filters=[_stripped],
    )
    email = EmailField(
        "E-mail address",
        [
            DataRequired("Enter the person's e-mail address"),
            Email(EMAIL_WORDS),
            Length(max=254, message="Use an e-mail address of at most 254 characters"),
        ],
        filters=[_stripped],
    )
    role = RadioField(
        "Role",
        [InputRequired("Choose a role"), AnyOf(ROLES, "Choose one of the roles")],
        choices=[SelectChoice(role.value, role.words.capitalize()) for role in ROLES],
        validate_choice=False,
    )
    organisation = SelectField(
        "Organisation", [InputRequired("Choose an organisation")], validate_choice=False
    )
    password = PasswordField("First password", [InputRequired("Enter a first password for them")])

    def __init__(self, organisations: Sequence[Organisation], **values: Any) -> None:
        super().__init__(**values)
        self._organisations = {f"{row.kind}-{row.id}": row for row in organisations}

    def groups(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """The organisations as choices, a group for each kind that there is."""
        grouped = [
            (
                KIND_WORDS[kind],
                [(key, row.name) for key, row in self._organisations.items() if row.kind == kind],
            )
            for kind in KINDS
        ]
        return [(words, choices) for words, choices in grouped if choices]

    def validate_organisation(self, field: SelectField) -> None:
        """Of this network, and of the kind that the role works for."""
        chosen = self._organisations.get(field.data)
        if chosen is None:
            raise StopValidation("Choose an organisation from the list")
        if self.role.data in ROLES and KIND_OF_ROLE[Role(self.role.data)] != chosen.kind:
            role = Role(self.role.data)
            wanted = WORKS_FOR[KIND_OF_ROLE[role]]
            raise StopValidation(f"Choose {wanted}: {_with_article(role.words)} works for {wanted}")

    def validate_password(self, field: PasswordField) -> None:
        _check_password(field)

    def command(self) -> NewPerson:
        """What was entered, after it was found valid."""
        chosen = self._organisations[self.organisation.data]
        return NewPerson(
            email=cast(str, self.email.data),
            name=cast(str, self.name.data),
            role=Role(self.role.data),
            password=cast(str, self.password.data),
            network_id=chosen.id if chosen.kind == "network" else None,
            trust_id=chosen.id if chosen.kind == "trust" else None,
            hei_id=chosen.id if chosen.kind == "hei" else None,
        )


class ChangePersonForm(FlaskForm):
    """Close or reopen: the version that was read, and what the account shall be."""

    version = IntegerField("version", [InputRequired()])
    account = HiddenField("account", [AnyOf(("open", "closed"))])


class ResetPasswordForm(FlaskForm):
    """A new password for somebody who forgot theirs, and the version that was read."""

    version = IntegerField("version", [InputRequired()])
    password = PasswordField("New password", [InputRequired("Enter a new password for them")])

    def validate_password(self, field: PasswordField) -> None:
        _check_password(field)


class ChangePasswordForm(FlaskForm):
    """The own password: the one in use and the new one."""

    current = PasswordField("Current password", [InputRequired("Enter your current password")])
    new = PasswordField("New password", [InputRequired("Enter a new password")])

    def validate_new(self, field: PasswordField) -> None:
        _check_password(field)


def _check_password(field: PasswordField) -> None:
    if not SHORTEST_PASSWORD <= len(field.data or "") <= LONGEST_PASSWORD:
        raise StopValidation(PASSWORD_WORDS)


def _with_article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"
