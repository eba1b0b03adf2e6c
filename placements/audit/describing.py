"""The audit in words."""

import re
from collections.abc import Mapping

from placements.access import Action
from placements.audit.models import AuditEntry

DONE = {
    Action.SIGN_IN: "Signed in",
    Action.CREATE_ROUND: "Made a round",
    Action.COPY_ROUND: "Made a round after another one",
    Action.OPEN_ROUND: "Opened a round",
    Action.SAVE_DECLARATION: "Saved a declaration",
    Action.SUBMIT_DECLARATION: "Submitted a declaration",
    Action.APPROVE_DECLARATION: "Approved a declaration",
    Action.RETURN_DECLARATION: "Returned a declaration",
    Action.UPLOAD_DECLARATIONS: "Uploaded declarations",
    Action.SET_CAP: "Set the most places of a site or trust",
    Action.SAVE_EDUCATOR: "Saved a practice educator",
    Action.RECORD_ABSENCE: "Recorded weeks away",
    Action.AGREE_SHARING: "Answered a request to share an educator",
    Action.INVITE_SITE: "Invited a site by private link",
    Action.REVOKE_INVITATION: "Ended a private link",
    Action.CHASE_DECLARATIONS: "Reminded trusts to declare",
    Action.SEND_REMINDERS: "Sent reminders that were due",
    Action.SEND_MAIL: "Sent e-mails",
    Action.CHANGE_ROUND: "Changed a round's settings",
    Action.SAVE_WORKFORCE: "Saved workforce figures",
    Action.SAVE_REFERENCE: "Changed reference data",
    Action.RECEIVE_UPLOAD: "Uploaded a cohort's file",
    Action.READ_UPLOAD: "Read the rows of a cohort's file",
    Action.FORGET_COLUMNS: "Forgot what the columns of cohorts' files hold",
    Action.CHOOSE_COLUMNS: "Said what the columns of a cohort's file hold",
    Action.MEND_UPLOAD: "Put cells of a cohort's file right",
    Action.ACCEPT_UPLOAD: "Accepted an upload",
    Action.DISCARD_UPLOAD: "Discarded an upload",
    Action.SUBMIT_COHORT: "Submitted a cohort",
    Action.SAVE_PLAN: "Saved the plan of a programme and stage",
    Action.CREATE_BLOCK: "Added a block to a round",
    Action.CHANGE_BLOCK: "Changed a block",
    Action.REMOVE_BLOCK: "Removed a block",
    Action.CREATE_PROGRAMME: "Added a programme",
    Action.RENAME_PROGRAMME: "Renamed a programme",
    Action.RELEASE_LEARNERS: "Said which learners their employer releases",
    Action.SET_WEEKDAYS: "Set learners' part-time days",
    Action.SAVE_LEARNER: "Saved a learner",
    Action.RECORD_INTERRUPTION: "Recorded a withdrawal, suspension or return",
    Action.SAVE_COMPANIONS: "Said who goes together or apart",
    Action.SAVE_PREFERENCES: "Ranked sites for a learner",
    Action.OPEN_CONTACT: "Opened a learner's name and e-mail address",
    Action.SAVE_CONTACT: "Changed a learner's name and e-mail address",
    Action.EXPORT_LEARNER: "Gave out what is held of a learner",
    Action.ERASE_LEARNER: "Erased what is held of a learner",
    Action.INVITE_LEARNER: "Made a learner's private link",
    Action.REVOKE_LEARNER_LINK: "Ended a learner's private link",
    Action.SAVE_SITE_ACCESS: "Said what a site has for learners with access needs",
    Action.SAVE_LETTER_TEXT: "Changed what letters to learners add",
    Action.SAVE_CHECKS: "Recorded checks before placements",
    Action.SAVE_CHECK_KIND: "Saved a kind of check",
    Action.SET_CHECK_RULES: "Set what a round makes of checks",
    Action.PROPOSE_AGREEMENT: "Proposed an agreement",
    Action.DECIDE_AGREEMENT: "Answered a proposed agreement",
    Action.END_AGREEMENT: "Ended an agreement",
    Action.RECORD_OUTCOME: "Recorded how placements went",
    Action.GIVE_FEEDBACK: "Said how a placement was",
    Action.LODGE_APPEAL: "Lodged an appeal",
    Action.WITHDRAW_APPEAL: "Withdrew an appeal",
    Action.DECIDE_APPEAL: "Decided an appeal",
    Action.OPEN_EVIDENCE: "Opened the evidence of an appeal",
    Action.FORGET_EVIDENCE: "Deleted evidence of appeals that were decided long ago",
    Action.FREEZE_ROUND: "Froze a round's places, or let a learner be placed again",
    Action.START_RUN: "Started a run",
    Action.CANCEL_RUN: "Cancelled a run",
    Action.CLAIM_RUN: "Took up a run",
    Action.RECORD_RUN: "Recorded a run's result",
    Action.FAIL_RUN: "Marked a run as failed",
    Action.REPRODUCE_RUN: "Asked for a run to be solved again",
    Action.RECOVER_RUN: "Put a run back into the queue",
    Action.MOVE_BY_HAND: "Moved, pinned or banned a learner by hand",
    Action.UNDO_MOVE: "Undid a move by hand",
    Action.ADOPT_RUN: "Adopted a run",
    Action.SEND_PROPOSALS: "Sent places to their trusts to be confirmed",
    Action.ANSWER_PROPOSAL: "Answered proposed places",
    Action.CHASE_PROPOSALS: "Reminded trusts to confirm places",
    Action.REPLY_TO_TRUST: "Answered a trust's question about a place",
    Action.PUBLISH_ROUND: "Published a round",
    Action.SAVE_SCENARIO: "Saved a scenario",
    Action.REMOVE_SCENARIO: "Removed a scenario",
    Action.SAVE_LOCK: "Locked a learner's placement",
    Action.LIFT_LOCK: "Lifted a lock",
    Action.SET_ASIDE: "Set an item of the worklist aside, or brought it back",
    Action.DRAW_TRADE_OFF: "Asked for the trade-off of a repair",
    Action.SOLVE_TRADE_OFF: "Solved the trade-off of a repair",
    Action.CREATE_PERSON: "Made an account",
    Action.CHANGE_PERSON: "Closed or reopened an account",
    Action.RESET_PASSWORD: "Gave an account a new password",
    Action.CHANGE_PASSWORD: "Changed the own password",
    Action.LOAD_REFERENCE: "Loaded reference data",
    Action.LOAD_TRAVEL_MATRIX: "Loaded travel times",
}

DONE_BY_NAME = {action.value: words for action, words in DONE.items()}
A_WORD = re.compile("[a-z_]+")


def done(action: str) -> str:
    """What was done: "Submitted a declaration"."""
    return DONE_BY_NAME.get(action, action.replace("_", " ").capitalize())


def subject(entry: AuditEntry, people: Mapping[int, str]) -> str:
    """What it was done to: "round 3"; an account by its person's name."""
    if entry.subject is None or entry.subject_id is None:
        return ""
    if entry.subject == "person":
        if entry.subject_id == entry.person_id:
            return ""
        return f"account of {people.get(entry.subject_id, f'person {entry.subject_id}')}"
    return f"{entry.subject.replace('_', ' ')} {entry.subject_id}"


def facts(entry: AuditEntry) -> list[str]:
    """The plain facts kept with it: "blocks: 4"."""
    return [f"{_spoken(name)}: {_spoken(value)}" for name, value in entry.detail.items()]


def _spoken(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        return ", ".join(_spoken(item) for item in value)
    text = str(value)
    return text.removesuffix("_id").replace("_", " ") if A_WORD.fullmatch(text) else text
