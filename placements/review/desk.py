"""Runs held ready for questions, and questions being answered, in this process.

Getting a regional run ready takes some seconds and then each question milliseconds, so a few runs are kept,
the least lately asked given up first. Work is done in threads of its own; a page waits a moment for an answer
and says so where there is none yet. What is asked twice, by whomever, is worked out once.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy.orm import Session

import matching
from placements.scenarios.frozen import policy_of_run, problem_of_run
from placements.scenarios.models import Run

T = TypeVar("T")
# A regional run takes some 300 MB.
MOST_RUNS = 3
MOST_ANSWERS = 500
# How long a page waits before it says that an answer is on its way.
WAIT_SECONDS = 0.35


@dataclass(frozen=True)
class Hand:
    """A finished run as the engine takes it, ready for questions."""

    problem: matching.Problem
    policy: matching.Policy
    result: matching.Result
    standing: matching.Standing


class Desk:
    """The runs and answers held; see the module."""

    def __init__(self, most_runs: int = MOST_RUNS, most_answers: int = MOST_ANSWERS) -> None:
        self._lock = threading.Lock()
        self._most_runs, self._most_answers = most_runs, most_answers
        self._hands: OrderedDict[str, Future[Hand]] = OrderedDict()
        self._answers: OrderedDict[tuple[str, str], Future[Any]] = OrderedDict()
        # One at a time each: a long question about a department's worth holds up no learner's page.
        self._turns = {kind: threading.Semaphore(1) for kind in ("ready", "quick", "slow")}

    def hand(self, session: Session, run: Run) -> Future[Hand]:
        """The run made ready, or being made so."""
        key = key_of(session, run)
        with self._lock:
            found = self._hands.get(key)
            if found is not None and not _failed(found):
                self._hands.move_to_end(key)
                return found
        problem, policy, result = problem_of_run(run), policy_of_run(run), run.result or ""
        with self._lock:
            found = self._hands.get(key)
            if found is None or _failed(found):
                found = self._begin("ready", lambda: make_ready(problem, policy, result))
                self._hands[key] = found
                while len(self._hands) > self._most_runs:
                    self._hands.popitem(last=False)
            return found

    def ask(
        self, session: Session, run: Run, name: str, question: Callable[[Hand], T], *, slow: bool = False
    ) -> Future[T]:
        """The answer to a question about a run, or its being worked out; `name` tells questions apart."""
        hand = self.hand(session, run)
        key = (key_of(session, run), name)
        with self._lock:
            found: Future[T] | None = self._answers.get(key)
            if found is None or _failed(found):
                found = self._begin("slow" if slow else "quick", lambda: question(hand.result()))
                self._answers[key] = found
                while len(self._answers) > self._most_answers:
                    self._answers.popitem(last=False)
            self._answers.move_to_end(key)
            return found

    def _begin(self, kind: str, work: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()

        def go() -> None:
            with self._turns[kind]:
                try:
                    future.set_result(work())
                except Exception as error:
                    future.set_exception(error)

        threading.Thread(target=go, name=f"desk-{kind}", daemon=True).start()
        return future


def make_ready(problem: matching.Problem, policy: matching.Policy, result: str) -> Hand:
    """Everything that the first question would otherwise wait for."""
    found = matching.Result.from_json(result)
    standing = matching.Standing(problem, policy, found)
    for name in ("model", "tiers", "room", "short", "columns", "load_group", "part"):
        getattr(standing, name)
    return Hand(problem, policy, found, standing)


def key_of(session: Session, run: Run) -> str:
    """The run, and the database that it is of."""
    return f"{session.get_bind().engine.url!r} {run.id} {run.finished_utc}"


def waited_for(answer: Future[T], seconds: float | None = None) -> T | None:
    """The answer, or None where it is not there within a moment. Raises what went wrong with it."""
    try:
        return answer.result(WAIT_SECONDS if seconds is None else seconds)
    except NotYet:
        return None


def _failed(future: Future[Any]) -> bool:
    return future.done() and future.exception() is not None


desk = Desk()
