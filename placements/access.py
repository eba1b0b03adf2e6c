"""Who may do what. Which rows a person may see is each part's `visible_...` query; this is which actions.

Permission has one table, ROLE_ACTIONS. It knows no model, so every part can ask it.
"""

from dataclasses import dataclass
from enum import StrEnum

from placements.actions import Action as Action
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
        Action.SEE_APPEALS,
        Action.LODGE_APPEAL,
        Action.WITHDRAW_APPEAL,
        Action.OPEN_EVIDENCE,
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
        Action.SEE_PROPOSALS,
        Action.ANSWER_PROPOSAL,
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
        Action.SEE_PROPOSALS,
        Action.ANSWER_PROPOSAL,
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
        Action.REPRODUCE_RUN,
        Action.ADOPT_RUN,
        Action.PUBLISH_ROUND,
        Action.SEE_PUBLICATIONS,
        Action.SAVE_SCENARIO,
        Action.REMOVE_SCENARIO,
        Action.SAVE_LOCK,
        Action.LIFT_LOCK,
        Action.MOVE_BY_HAND,
        Action.UNDO_MOVE,
        Action.SEND_PROPOSALS,
        Action.CHASE_PROPOSALS,
        Action.SEE_PROPOSALS,
        Action.ANSWER_PROPOSAL,
        Action.REPLY_TO_TRUST,
        Action.SEE_APPEALS,
        Action.DECIDE_APPEAL,
        Action.OPEN_EVIDENCE,
        Action.FREEZE_ROUND,
        Action.SEE_WORKLIST,
        Action.SET_ASIDE,
        Action.DRAW_TRADE_OFF,
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
    Role.INVITED_LEARNER: frozenset(
        {
            Action.SEE_OWN_PLACES,
            Action.SAVE_PREFERENCES,
            Action.GIVE_FEEDBACK,
            Action.LODGE_APPEAL,
            Action.WITHDRAW_APPEAL,
        }
    ),
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
            Action.SOLVE_TRADE_OFF,
            Action.FORGET_EVIDENCE,
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
