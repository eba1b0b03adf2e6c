"""Recording the checks that learners had: typed on a page or taken from a file, so that nobody's are lost.

A check renewed is a new row, and the newest counts. Those who record for one HEI take turns, and what each
typed is compared with what they had read: only where both changed the same check of the same learner is the
second stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select, update

from placements.access import Action, Viewer
from placements.clearance import queries
from placements.clearance.models import CheckKind, LearnerCheck
from placements.clearance.rule import Had, expiry_of
from placements.clock import now_utc, today
from placements.cohorts.models import Cohort, Learner
from placements.cohorts.queries import cohort_by_id
from placements.errors import NotFound, Refused, Stale
from placements.organisations.models import Hei
from placements.transaction import Transaction, transaction

OLDEST = timedelta(days=3653)
FURTHEST = timedelta(days=3653)

CHANGED_CHECKS = (
    "Somebody else recorded other dates for some of these learners while you were working on them. Nothing of"
    " yours was saved yet."
)


@dataclass(frozen=True)
class Entry:
    """What was typed for a learner and a kind of check (None: no check), and what had been read before."""

    learner_id: int
    kind_id: int
    seen: Had | None
    typed: Had | None

    @property
    def name(self) -> str:
        """Names the entry in refusals."""
        return f"{self.learner_id}-{self.kind_id}"


@dataclass(frozen=True)
class Done:
    """A check of a file: where its expiry is not said, the kind says it. `seen` is what was recorded for that
    day when the file was looked at."""

    learner_id: int
    kind_id: int
    done_on: date
    expires_on: date | None
    seen: Had | None = None


def wrong_dates(done_on: date, expires_on: date | None, on: date) -> dict[str, str]:
    """What cannot be right about a check's dates, `done` and `expires`, in words; `on` is today."""
    wrong = {}
    if done_on > on:
        wrong["done"] = "Use today or an earlier day: a check counts once it is done"
    elif done_on < on - OLDEST:
        wrong["done"] = "Use a day of the last ten years"
    if expires_on is not None and expires_on < done_on:
        wrong["expires"] = "Use a day after the one on which the check was done"
    elif expires_on is not None and expires_on > on + FURTHEST:
        wrong["expires"] = "Use a day of the next ten years"
    return wrong


def record_checks(viewer: Viewer, cohort_id: int, entries: Sequence[Entry]) -> int:
    """Record what was typed for learners of a cohort; returns how many checks changed.

    A later day than the newest check's is a renewal, and a new row; the same day with another expiry, or an
    earlier day, puts the newest right; nothing typed takes the newest out, as recorded by mistake. Pressing
    twice changes nothing more. Raises Refused naming each wrong entry (`LEARNER-KIND`), and Stale where
    somebody else recorded something else for the same learner and check since it was read.
    """
    with transaction(viewer, Action.SAVE_CHECKS) as tx:
        cohort = cohort_by_id(tx.session, viewer, cohort_id)
        _take_turns(tx, cohort)
        writing = _Writing(tx, viewer, cohort)
        changed = [entry for entry in entries if entry.typed != entry.seen and writing.differs(entry)]
        if any(writing.newest(entry.learner_id, entry.kind_id) != entry.seen for entry in changed):
            raise Stale(CHANGED_CHECKS)
        wrong: dict[str, str] = {}
        for entry in changed:
            if entry.typed is not None:
                found = wrong_dates(entry.typed.done_on, entry.typed.expires_on, today())
                if found:
                    wrong[entry.name] = " ".join(found.values())
        if wrong:
            raise Refused("The checks could not be saved.", wrong)
        for entry in changed:
            writing.put(entry)
        tx.note(cohort, recorded=writing.recorded, put_right=writing.put_right, taken_out=writing.taken_out)
    return len(changed)


def accept_checks(viewer: Viewer, cohort_id: int, checks: Iterable[Done]) -> int:
    """Record the checks of a file, all or none; returns how many are new or have another expiry.

    A check of a day that is recorded already takes the file's expiry, where the file says one; any other day
    is a new row. The same file again changes nothing. Raises Refused naming an entry with impossible dates,
    and Stale where somebody else gave a check of the file another expiry meanwhile.
    """
    with transaction(viewer, Action.SAVE_CHECKS) as tx:
        cohort = cohort_by_id(tx.session, viewer, cohort_id)
        _take_turns(tx, cohort)
        writing = _Writing(tx, viewer, cohort)
        changed = 0
        for check in checks:
            if wrong := wrong_dates(check.done_on, check.expires_on, today()):
                raise Refused(" ".join(f"{words}." for words in wrong.values()))
            changed += writing.add(check)
        tx.note(cohort, recorded=writing.recorded, put_right=writing.put_right)
    return changed


def _take_turns(tx: Transaction, cohort: Cohort) -> None:
    """A write that changes nothing locks the HEI's row on PostgreSQL, and on SQLite keeps other writers
    out."""
    tx.session.execute(
        update(Hei)
        .where(Hei.id == cohort.programme.hei_id)
        .values(name=Hei.name)
        .execution_options(synchronize_session=False)
    )


class _Writing:
    """A cohort's checks as they stand, and what is written to them; facts for the audit are gathered."""

    def __init__(self, tx: Transaction, viewer: Viewer, cohort: Cohort) -> None:
        self._session = tx.session
        self._by_id = viewer.person_id
        rows = tx.session.execute(
            select(Learner.id, Learner.record_id, Learner.reference).where(Learner.cohort_id == cohort.id)
        )
        self._learners = {learner_id: (record_id, reference) for learner_id, record_id, reference in rows}
        kinds = queries.kinds_of_hei(tx.session, viewer, cohort.programme.hei_id)
        self._kinds: dict[int, CheckKind] = {kind.id: kind for kind in kinds}
        # By record and kind, the newest last.
        self._rows: dict[queries.Key, list[LearnerCheck]] = {}
        for row in tx.session.scalars(
            select(LearnerCheck)
            .where(queries.of_cohort(cohort.id))
            .order_by(LearnerCheck.done_on)
            .execution_options(populate_existing=True)
        ):
            self._rows.setdefault((row.record_id, row.kind_id), []).append(row)
        self.recorded = 0
        self.put_right: list[str] = []
        self.taken_out: list[str] = []

    def newest(self, learner_id: int, kind_id: int) -> Had | None:
        """The check that counts now; raises NotFound for a learner or kind that is not the cohort's."""
        rows = self._rows_of(learner_id, kind_id)
        return Had(rows[-1].done_on, rows[-1].expires_on) if rows else None

    def differs(self, entry: Entry) -> bool:
        """Whether what was typed is not there yet."""
        return self.newest(entry.learner_id, entry.kind_id) != entry.typed

    def put(self, entry: Entry) -> None:
        """Write what was typed over, or after, the newest check; raises Refused where an earlier one is in
        the way."""
        rows, typed = self._rows_of(entry.learner_id, entry.kind_id), entry.typed
        if typed is None:
            self._take_out(entry, rows)
        elif not rows or typed.done_on > rows[-1].done_on:
            self._add(entry.learner_id, entry.kind_id, typed)
        else:
            if any(row.done_on >= typed.done_on for row in rows[:-1]):
                day = rows[-2].done_on
                words = (
                    f"A check of {day.day} {day:%B %Y} is recorded too: take the newest out first, by"
                    " emptying its day"
                )
                raise Refused(f"{words}.", {entry.name: words})
            row = rows[-1]
            self._note(self.put_right, entry.learner_id, entry.kind_id, row)
            row.done_on, row.expires_on = typed.done_on, typed.expires_on
            self._stamp(row)

    def add(self, check: Done) -> bool:
        """Write a file's check; whether that changed anything."""
        rows = self._rows_of(check.learner_id, check.kind_id)
        there = next((row for row in rows if row.done_on == check.done_on), None)
        if there is None:
            kind = self._kinds[check.kind_id]
            expires_on = check.expires_on or expiry_of(check.done_on, kind.valid_months)
            self._add(check.learner_id, check.kind_id, Had(check.done_on, expires_on))
            return True
        if check.expires_on is None or there.expires_on == check.expires_on:
            return False
        if Had(there.done_on, there.expires_on) != check.seen:
            raise Stale(CHANGED_CHECKS)
        self._note(self.put_right, check.learner_id, check.kind_id, there)
        there.expires_on = check.expires_on
        self._stamp(there)
        return True

    def _rows_of(self, learner_id: int, kind_id: int) -> list[LearnerCheck]:
        if learner_id not in self._learners or kind_id not in self._kinds:
            raise NotFound("There is no such learner or check in this cohort.")
        return self._rows.setdefault((self._learners[learner_id][0], kind_id), [])

    def _add(self, learner_id: int, kind_id: int, had: Had) -> None:
        row = LearnerCheck(
            record_id=self._learners[learner_id][0],
            kind_id=kind_id,
            done_on=had.done_on,
            expires_on=had.expires_on,
        )
        self._stamp(row)
        self._session.add(row)
        rows = self._rows_of(learner_id, kind_id)
        rows.append(row)
        rows.sort(key=lambda one: one.done_on)
        self.recorded += 1

    def _take_out(self, entry: Entry, rows: list[LearnerCheck]) -> None:
        row = rows.pop()
        self._note(self.taken_out, entry.learner_id, entry.kind_id, row)
        self._session.delete(row)

    def _stamp(self, row: LearnerCheck) -> None:
        row.recorded_utc, row.recorded_by_id = now_utc(), self._by_id

    def _note(self, where: list[str], learner_id: int, kind_id: int, row: LearnerCheck) -> None:
        """What stood before, kept in the audit."""
        until = f" to {row.expires_on}" if row.expires_on else ""
        reference, kind = self._learners[learner_id][1], self._kinds[kind_id].name
        where.append(f"{reference}, {kind}: was {row.done_on}{until}")
