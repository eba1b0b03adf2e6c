"""Who may do what. Which rows a person may see is each part's `visible_...` query; this is which actions.

Permission has one table, ROLE_ACTIONS. It knows no model, so every part can ask it.
"""

from dataclasses import dataclass
from enum import StrEnum

from placements.errors import NotAllowed


class Role(StrEnum):
    """The five roles, each tied to its organisation (see `Viewer`), and the three that have no account: a
    site or a learner that comes by a private link, and the system."""

    PLACEMENT_OFFICER = "placement_officer"
    PRACTICE_EDUCATOR = "practice_educator"
    TRUST_EDUCATION_LEAD = "trust_education_lead"
    ACADEMY_LEAD = "academy_lead"
    ADMINISTRATOR = "administrator"
    INVITED_SITE = "invited_site"
    INVITED_LEARNER = "invited_learner"
    SYSTEM = "system"

    @property
    def is_of_a_trust(self) -> bool:
        return self in (Role.PRACTICE_EDUCATOR, Role.TRUST_EDUCATION_LEAD)

    @property
    def has_account(self) -> bool:
        return self not in (Role.INVITED_SITE, Role.INVITED_LEARNER, Role.SYSTEM)

    @property
    def words(self) -> str:
        return self.value.replace("_", " ")


class Action(StrEnum):
    """Everything that a person can do; also the name under which it is audited."""

    SIGN_IN = "sign_in"
    SEE_ROUNDS = "see_rounds"
    CREATE_ROUND = "create_round"
    COPY_ROUND = "copy_round"
    OPEN_ROUND = "open_round"
    SEE_DECLARATIONS = "see_declarations"
    SAVE_DECLARATION = "save_declaration"
    SUBMIT_DECLARATION = "submit_declaration"
    APPROVE_DECLARATION = "approve_declaration"
    RETURN_DECLARATION = "return_declaration"
    UPLOAD_DECLARATIONS = "upload_declarations"
    SET_CAP = "set_cap"
    SEE_EDUCATORS = "see_educators"
    SAVE_EDUCATOR = "save_educator"
    RECORD_ABSENCE = "record_absence"
    AGREE_SHARING = "agree_sharing"
    INVITE_SITE = "invite_site"
    REVOKE_INVITATION = "revoke_invitation"
    CHASE_DECLARATIONS = "chase_declarations"
    SEND_REMINDERS = "send_reminders"
    SEND_MAIL = "send_mail"
    SEE_MAIL = "see_mail"
    CHANGE_ROUND = "change_round"
    SEE_TRUST = "see_trust"
    SEE_FAIR_SHARE = "see_fair_share"
    SAVE_WORKFORCE = "save_workforce"
    SEE_REFERENCE = "see_reference"
    SAVE_REFERENCE = "save_reference"
    SEE_COHORTS = "see_cohorts"
    RECEIVE_UPLOAD = "receive_upload"
    READ_UPLOAD = "read_upload"
    CHOOSE_COLUMNS = "choose_columns"
    FORGET_COLUMNS = "forget_columns"
    MEND_UPLOAD = "mend_upload"
    ACCEPT_UPLOAD = "accept_upload"
    DISCARD_UPLOAD = "discard_upload"
    SUBMIT_COHORT = "submit_cohort"
    SEE_PLANS = "see_plans"
    SAVE_PLAN = "save_plan"
    CREATE_BLOCK = "create_block"
    CHANGE_BLOCK = "change_block"
    REMOVE_BLOCK = "remove_block"
    CREATE_PROGRAMME = "create_programme"
    RENAME_PROGRAMME = "rename_programme"
    RELEASE_LEARNERS = "release_learners"
    SET_WEEKDAYS = "set_weekdays"
    SEE_LEARNERS = "see_learners"
    SAVE_LEARNER = "save_learner"
    RECORD_INTERRUPTION = "record_interruption"
    SAVE_COMPANIONS = "save_companions"
    SAVE_PREFERENCES = "save_preferences"
    INVITE_LEARNER = "invite_learner"
    REVOKE_LEARNER_LINK = "revoke_learner_link"
    OPEN_CONTACT = "open_contact"
    SAVE_CONTACT = "save_contact"
    EXPORT_LEARNER = "export_learner"
    ERASE_LEARNER = "erase_learner"
    SEE_SITE_ACCESS = "see_site_access"
    SAVE_SITE_ACCESS = "save_site_access"
    SEE_CHECKS = "see_checks"
    SAVE_CHECKS = "save_checks"
    SAVE_CHECK_KIND = "save_check_kind"
    SET_CHECK_RULES = "set_check_rules"
    SEE_AGREEMENTS = "see_agreements"
    PROPOSE_AGREEMENT = "propose_agreement"
    DECIDE_AGREEMENT = "decide_agreement"
    END_AGREEMENT = "end_agreement"
    SEE_FEASIBILITY = "see_feasibility"
    SEE_OUTCOMES = "see_outcomes"
    RECORD_OUTCOME = "record_outcome"
    GIVE_FEEDBACK = "give_feedback"
    SEE_OWN_PLACES = "see_own_places"
    SAVE_LETTER_TEXT = "save_letter_text"
    SEE_RUNS = "see_runs"
    START_RUN = "start_run"
    CANCEL_RUN = "cancel_run"
    CLAIM_RUN = "claim_run"
    REPORT_RUN = "report_run"
    RECORD_RUN = "record_run"
    FAIL_RUN = "fail_run"
    RECOVER_RUN = "recover_run"
    ADOPT_RUN = "adopt_run"
    PUBLISH_ROUND = "publish_round"
    SEE_PUBLICATIONS = "see_publications"
    SEE_PEOPLE = "see_people"
    CREATE_PERSON = "create_person"
    CHANGE_PERSON = "change_person"
    RESET_PASSWORD = "reset_password"  # noqa: S105  # an action, no password
    CHANGE_PASSWORD = "change_password"  # noqa: S105  # an action, no password
    SEE_AUDIT = "see_audit"
    LOAD_REFERENCE = "load_reference"
    LOAD_TRAVEL_MATRIX = "load_travel_matrix"


EVERYONE = frozenset({Action.SIGN_IN, Action.SEE_ROUNDS, Action.CHANGE_PASSWORD})

DECLARING = frozenset(
    {
        Action.SEE_DECLARATIONS,
        Action.SAVE_DECLARATION,
        Action.SUBMIT_DECLARATION,
        Action.UPLOAD_DECLARATIONS,
        Action.SEE_EDUCATORS,
        Action.SAVE_EDUCATOR,
        Action.RECORD_ABSENCE,
    }
)
APPROVING = frozenset({Action.APPROVE_DECLARATION, Action.RETURN_DECLARATION, Action.SET_CAP})

PLANNING = frozenset(
    {
        Action.SEE_PLANS,
        Action.SAVE_PLAN,
        Action.CREATE_BLOCK,
        Action.CHANGE_BLOCK,
        Action.REMOVE_BLOCK,
    }
)

# What all who take in or send learners see of them, each of their own.
WITH_LEARNERS = frozenset(
    {
        Action.SEE_SITE_ACCESS,
        Action.SEE_AGREEMENTS,
        Action.SEE_OUTCOMES,
        Action.RECORD_OUTCOME,
    }
)

ROLE_ACTIONS: dict[Role, frozenset[Action]] = {
    Role.PLACEMENT_OFFICER: EVERYONE
    | {
        Action.SEE_COHORTS,
        Action.RECEIVE_UPLOAD,
        Action.CHOOSE_COLUMNS,
        Action.FORGET_COLUMNS,
        Action.MEND_UPLOAD,
        Action.ACCEPT_UPLOAD,
        Action.DISCARD_UPLOAD,
        Action.SUBMIT_COHORT,
        *PLANNING,
        Action.CREATE_PROGRAMME,
        Action.RENAME_PROGRAMME,
        Action.SEE_LEARNERS,
        Action.SAVE_LEARNER,
        Action.RELEASE_LEARNERS,
        Action.SET_WEEKDAYS,
        Action.RECORD_INTERRUPTION,
        Action.SAVE_COMPANIONS,
        Action.SAVE_PREFERENCES,
        Action.INVITE_LEARNER,
        Action.REVOKE_LEARNER_LINK,
        Action.OPEN_CONTACT,
        Action.SAVE_CONTACT,
        Action.EXPORT_LEARNER,
        Action.ERASE_LEARNER,
        Action.SEE_SITE_ACCESS,
        Action.SEE_CHECKS,
        Action.SAVE_CHECKS,
        Action.SAVE_CHECK_KIND,
        Action.SEE_AGREEMENTS,
        Action.PROPOSE_AGREEMENT,
        Action.DECIDE_AGREEMENT,
        Action.END_AGREEMENT,
        Action.SEE_FEASIBILITY,
        Action.SEE_OUTCOMES,
        Action.RECORD_OUTCOME,
        Action.SAVE_LETTER_TEXT,
        Action.SEE_PUBLICATIONS,
    },
    Role.PRACTICE_EDUCATOR: EVERYONE
    | {
        *DECLARING,
        *WITH_LEARNERS,
        Action.SAVE_SITE_ACCESS,
        Action.INVITE_SITE,
        Action.REVOKE_INVITATION,
        Action.SEE_TRUST,
        Action.SEE_FAIR_SHARE,
        Action.SEE_PUBLICATIONS,
    },
    Role.TRUST_EDUCATION_LEAD: EVERYONE
    | {
        *DECLARING,
        *APPROVING,
        *WITH_LEARNERS,
        Action.SAVE_SITE_ACCESS,
        Action.PROPOSE_AGREEMENT,
        Action.DECIDE_AGREEMENT,
        Action.END_AGREEMENT,
        Action.AGREE_SHARING,
        Action.INVITE_SITE,
        Action.REVOKE_INVITATION,
        Action.SEE_TRUST,
        Action.SEE_FAIR_SHARE,
        Action.SAVE_WORKFORCE,
        Action.SEE_PUBLICATIONS,
    },
    Role.ACADEMY_LEAD: EVERYONE
    | {
        *DECLARING,
        *APPROVING,
        Action.AGREE_SHARING,
        Action.INVITE_SITE,
        Action.REVOKE_INVITATION,
        Action.CHASE_DECLARATIONS,
        Action.CHANGE_ROUND,
        Action.SEE_TRUST,
        Action.SEE_FAIR_SHARE,
        Action.SAVE_WORKFORCE,
        Action.SEE_REFERENCE,
        Action.CREATE_ROUND,
        Action.COPY_ROUND,
        Action.OPEN_ROUND,
        *WITH_LEARNERS,
        Action.SAVE_SITE_ACCESS,
        Action.PROPOSE_AGREEMENT,
        *PLANNING,
        Action.END_AGREEMENT,
        Action.SEE_LEARNERS,
        Action.SEE_FEASIBILITY,
        Action.SEE_CHECKS,
        Action.SAVE_CHECK_KIND,
        Action.SET_CHECK_RULES,
        Action.SEE_COHORTS,
        Action.SEE_RUNS,
        Action.START_RUN,
        Action.CANCEL_RUN,
        Action.ADOPT_RUN,
        Action.PUBLISH_ROUND,
        Action.SEE_PUBLICATIONS,
    },
    Role.ADMINISTRATOR: EVERYONE
    | {
        Action.SEE_PEOPLE,
        Action.CREATE_PERSON,
        Action.CHANGE_PERSON,
        Action.RESET_PASSWORD,
        Action.SEE_AUDIT,
        Action.SEE_MAIL,
        Action.SEND_MAIL,
        Action.SEE_REFERENCE,
        Action.SAVE_REFERENCE,
    },
    # Its own site's declaration in one round, and nothing else.
    Role.INVITED_SITE: frozenset(
        {Action.SEE_DECLARATIONS, Action.SAVE_DECLARATION, Action.SUBMIT_DECLARATION}
    ),
    # Their own page in one round, and nothing else.
    Role.INVITED_LEARNER: frozenset({Action.SEE_OWN_PLACES, Action.SAVE_PREFERENCES, Action.GIVE_FEEDBACK}),
    Role.SYSTEM: frozenset(
        {
            Action.LOAD_REFERENCE,
            Action.LOAD_TRAVEL_MATRIX,
            Action.SEND_REMINDERS,
            Action.SEND_MAIL,
            Action.CREATE_PERSON,
            Action.READ_UPLOAD,
            Action.CLAIM_RUN,
            Action.REPORT_RUN,
            Action.RECORD_RUN,
            Action.FAIL_RUN,
            Action.RECOVER_RUN,
        }
    ),
}


@dataclass(frozen=True)
class Viewer:
    """The person for whom something is read or done, as plain values.

    Exactly one of `network_id` (academy leads and administrators), `trust_id` (practice educators and trust
    education leads) and `hei_id` (placement officers) is set; an invited site has its trust, `site_id` and
    `round_id`, an invited learner their HEI, `learner_id` and `round_id`. Routes make one from the session or
    from a private link; the shell and the worker make their own.
    """

    person_id: int | None
    name: str
    role: Role
    network_id: int | None = None
    trust_id: int | None = None
    hei_id: int | None = None
    site_id: int | None = None
    round_id: int | None = None
    learner_id: int | None = None

    def may(self, action: Action) -> bool:
        return action in ROLE_ACTIONS[self.role]


# The worker and the shell, when they act for nobody in particular.
SYSTEM = Viewer(person_id=None, name="the system", role=Role.SYSTEM)


def require(viewer: Viewer, action: Action) -> None:
    """Raise NotAllowed unless the viewer's role includes the action."""
    if not viewer.may(action):
        raise NotAllowed(
            f"Your role ({viewer.role.words}) does not include this: {action.replace('_', ' ')}."
        )


class Can:
    """What a template asks: `can.publish_round` is a plain answer, never a role."""

    def __init__(self, viewer: Viewer | None) -> None:
        self._viewer = viewer

    def __getattr__(self, name: str) -> bool:
        try:
            action = Action(name)
        except ValueError:
            raise AttributeError(f"no action is called {name}") from None
        return self._viewer is not None and self._viewer.may(action)
