"""What can be done with kinds of check, and with what a round makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from placements.access import Action, Role, Viewer
from placements.clearance import queries
from placements.clearance.models import EFFECTS, CheckKind, CheckRule
from placements.errors import NotAllowed, Refused, Stale
from placements.organisations.models import Hei, Network
from placements.rounds.models import Round
from placements.rounds.queries import round_by_id
from placements.transaction import CHANGED_MEANWHILE, Transaction, transaction, violates

LONGEST_NAME = 60
MOST_WEEKS = 52
MOST_MONTHS = 120

WEEKS_WRONG = f"Enter whole weeks from 0 to {MOST_WEEKS}"
MONTHS_WRONG = f"Enter whole months from 1 to {MOST_MONTHS}, or leave it empty where it does not expire"


@dataclass(frozen=True)
class CheckKindValues:
    """A kind of check. `valid_months` is None where it does not expire."""

    name: str
    effect: str
    weeks_before: int
    valid_months: int | None
    is_retired: bool = False


def load_check_kinds(viewer: Viewer, network_id: int, rows: Sequence[Mapping[str, str]]) -> int:
    """Add the network's kinds of check that are not there yet; those that are there stay as people left
    them. Returns how many were added."""
    with transaction(viewer, Action.LOAD_REFERENCE) as tx:
        there = set(
            tx.session.scalars(
                select(CheckKind.name).where(CheckKind.network_id == network_id, CheckKind.hei_id.is_(None))
            )
        )
        new = [
            CheckKind(
                network_id=network_id,
                name=row["name"],
                effect=row["effect"],
                weeks_before=int(row["weeks_before"]),
                valid_months=int(row["valid_months"]) if row["valid_months"] else None,
                position=position,
            )
            for position, row in enumerate(rows)
            if row["name"] not in there
        ]
        tx.session.add_all(new)
        tx.note(tx.session.get(Network, network_id), check_kinds=len(new))
    return len(new)


def may_save(viewer: Viewer, kind: CheckKind) -> bool:
    """Whether the person may change this kind: an academy lead the network's, an officer the own HEI's."""
    if not viewer.may(Action.SAVE_CHECK_KIND):
        return False
    return kind.hei_id == viewer.hei_id if viewer.role is Role.PLACEMENT_OFFICER else kind.hei_id is None


def create_check_kind(viewer: Viewer, values: CheckKindValues) -> CheckKind:
    """Add a kind of check: an academy lead for the whole network, an officer for the own HEI's learners.

    The same again changes nothing. Raises Refused naming each wrong field, among them a name that is taken.
    """
    try:
        with transaction(viewer, Action.SAVE_CHECK_KIND) as tx:
            network_id = viewer.network_id
            if viewer.hei_id is not None:
                network_id = tx.session.get_one(Hei, viewer.hei_id).network_id
            values = _checked(values)
            there = tx.session.scalar(
                queries.visible_kinds(viewer).where(func.lower(CheckKind.name) == values.name.lower())
            )
            if there is not None:
                if _values_of(there) == values and there.hei_id == viewer.hei_id:
                    tx.note(there, repeated=True)
                    return there
                raise _taken(there.name)
            last = tx.session.scalar(
                select(func.max(CheckKind.position)).where(CheckKind.network_id == network_id)
            )
            kind = CheckKind(
                network_id=network_id,
                hei_id=viewer.hei_id,
                name=values.name,
                effect=values.effect,
                weeks_before=values.weeks_before,
                valid_months=values.valid_months,
                position=(last if last is not None else -1) + 1,
            )
            tx.session.add(kind)
            tx.note(kind, name=kind.name)
    except IntegrityError as error:
        raise _if_taken(error, values.name) from None
    return kind


def save_check_kind(viewer: Viewer, kind_id: int, values: CheckKindValues, *, version: int) -> CheckKind:
    """Change a kind of check, retire it, or ask for it again; what was recorded stays.

    Raises NotAllowed where it is somebody else's to change, Refused naming each wrong field, and Stale where
    somebody else changed it since it was read.
    """
    try:
        with transaction(viewer, Action.SAVE_CHECK_KIND) as tx:
            kind = queries.kind_by_id(tx.session, viewer, kind_id)
            if not may_save(viewer, kind):
                whose = kind.hei.name if kind.hei is not None else "the academy"
                raise NotAllowed(f"{kind.name} is a check of {whose}, who change it.")
            values = _checked(values)
            if _values_of(kind) == values:
                tx.note(kind, repeated=True)
                return kind
            if kind.version != version:
                raise Stale(CHANGED_MEANWHILE)
            namesake = tx.session.scalar(
                queries.visible_kinds(viewer).where(
                    func.lower(CheckKind.name) == values.name.lower(), CheckKind.id != kind_id
                )
            )
            if namesake is not None and namesake.hei_id in (None, kind.hei_id):
                raise _taken(namesake.name)
            before = _values_of(kind)
            kind.name, kind.effect = values.name, values.effect
            kind.weeks_before, kind.valid_months = values.weeks_before, values.valid_months
            kind.is_retired = values.is_retired
            tx.note(kind, before=vars(before), after=vars(values))
    except IntegrityError as error:
        raise _if_taken(error, values.name) from None
    return kind


@dataclass(frozen=True)
class RuleValues:
    """What a round makes of one kind of check."""

    effect: str
    weeks_before: int


def set_check_rules(viewer: Viewer, round_id: int, rules: Mapping[int, RuleValues], *, version: str) -> Round:
    """Say what each kind of check does in a round and when it is due, by kind's id; one that says the same as
    the kind itself follows the kind from then on.

    `version` is `queries.version_of_rules` as read; Stale where it has changed. Raises Refused naming each
    wrong field as `effect-KIND` or `weeks-KIND`.
    """
    with transaction(viewer, Action.SET_CHECK_RULES) as tx:
        round_ = round_by_id(tx.session, viewer, round_id)
        _take_turns(tx, round_id)
        stands = queries.rules_of_round(tx.session, round_)
        wrong: dict[str, str] = {}
        for kind_id, values in rules.items():
            if values.effect not in EFFECTS:
                wrong[f"effect-{kind_id}"] = "Choose what it does in this round"
            if not 0 <= values.weeks_before <= MOST_WEEKS:
                wrong[f"weeks-{kind_id}"] = WEEKS_WRONG
        if wrong:
            raise Refused("The rules could not be saved.", wrong)
        wanted = {
            rule.kind.id: rules.get(rule.kind.id, RuleValues(rule.effect, rule.weeks_before))
            for rule in stands
        }
        changed = [
            rule for rule in stands if RuleValues(rule.effect, rule.weeks_before) != wanted[rule.kind.id]
        ]
        if changed and version != queries.version_of_rules(stands):
            raise Stale(CHANGED_MEANWHILE)
        for rule in changed:
            _set_rule(tx, round_id, rule.kind, wanted[rule.kind.id])
        tx.note(round_, checks={rule.kind.name: vars(wanted[rule.kind.id]) for rule in changed})
    return round_


def _set_rule(tx: Transaction, round_id: int, kind: CheckKind, values: RuleValues) -> None:
    row = tx.session.get(CheckRule, (round_id, kind.id))
    if values == RuleValues(kind.effect, kind.weeks_before):
        if row is not None:
            tx.session.delete(row)
    elif row is None:
        tx.session.add(
            CheckRule(
                round_id=round_id, kind_id=kind.id, effect=values.effect, weeks_before=values.weeks_before
            )
        )
    else:
        row.effect, row.weeks_before = values.effect, values.weeks_before


def _take_turns(tx: Transaction, round_id: int) -> None:
    """Two people at the same moment take turns: a write that changes nothing locks the row on PostgreSQL, and
    on SQLite keeps other writers out."""
    tx.session.execute(
        update(Round)
        .where(Round.id == round_id)
        .values(name=Round.name)
        .execution_options(synchronize_session=False)
    )


def _checked(values: CheckKindValues) -> CheckKindValues:
    """The values with the name tidied; raises Refused naming each wrong field."""
    name = " ".join(values.name.split())
    wrong: dict[str, str] = {}
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        wrong["name"] = f"Enter the check's name in at most {LONGEST_NAME} characters"
    if values.effect not in EFFECTS:
        wrong["effect"] = "Choose what it does where a learner has not had it"
    if not 0 <= values.weeks_before <= MOST_WEEKS:
        wrong["weeks_before"] = WEEKS_WRONG
    if values.valid_months is not None and not 1 <= values.valid_months <= MOST_MONTHS:
        wrong["valid_months"] = MONTHS_WRONG
    if wrong:
        raise Refused("The check could not be saved.", wrong)
    return CheckKindValues(name, values.effect, values.weeks_before, values.valid_months, values.is_retired)


def _values_of(kind: CheckKind) -> CheckKindValues:
    return CheckKindValues(kind.name, kind.effect, kind.weeks_before, kind.valid_months, kind.is_retired)


def _taken(name: str) -> Refused:
    words = f"There is a check called {name} already: change that one, or use another name"
    return Refused(f"{words}.", {"name": words})


def _if_taken(error: IntegrityError, name: str) -> Exception:
    """What to raise for an insert that another's of the same name came before."""
    columns = ("check_kind.hei_id, check_kind.name", "check_kind.network_id, check_kind.name")
    if any(violates(error, "uq_check_kind_", one) for one in columns):
        return _taken(name)
    return error
