"""The engine from a shell: `python -m matching solve|verify|show|schema|generate`.

Results and schemas go to standard output or a file, progress and the summary to standard error. Exit codes:
0 done, 1 the result breaks a rule (verify), 2 input that cannot be used, 130 interrupted. Ctrl-C ends a solve
with the best answer so far; a second one ends it at once.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TypeVar

from matching import EngineError, MaxSeconds, Policy, Problem, Progress, Result, generate, solve, verify
from matching.contents import contents
from matching.generate import SIZES
from matching.schema import SCHEMAS
from matching.summary import plain, summary

Read = TypeVar("Read")


class _Refused(Exception):
    """A file that cannot be used, in words."""


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and gives its exit code."""
    asked = _parser().parse_args(arguments)
    try:
        code = _COMMANDS[asked.command](asked)
        sys.stdout.flush()
        sys.stderr.flush()
        return code
    except BrokenPipeError:
        # Whoever read the output has enough. Python would say so again at exit, unless it writes nowhere.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.dup2(nowhere, sys.stderr.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except _Refused as problem:
        return _refuse(str(problem))
    except OSError as problem:
        return _refuse(f"{problem.filename}: {problem.strerror}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m matching", description="Clinical placements: match and check."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("generate", help="write a synthetic problem as JSON")
    make.add_argument("--size", choices=sorted(SIZES), default="regional")
    make.add_argument("--seed", type=int, default=1)
    make.add_argument("--blocks", type=int, help="blocks in the round (default: the size's own)")
    make.add_argument("-o", "--output", help="file to write (default: standard output)")
    match = commands.add_parser("solve", help="match a problem and write the result as JSON")
    match.add_argument("problem", help="problem JSON, - for standard input")
    match.add_argument("--policy", help="policy JSON (default: the standard policy)")
    match.add_argument("--seconds", type=float, help="stop after so many seconds with the best answer so far")
    match.add_argument("-o", "--output", help="file to write (default: standard output)")
    match.add_argument("-q", "--quiet", action="store_true", help="no progress, no summary")
    check = commands.add_parser("verify", help="check a result against its problem")
    check.add_argument("problem", help="problem JSON, - for standard input")
    check.add_argument("result", help="result JSON")
    check.add_argument("--policy", help="the policy the result was solved with")
    show = commands.add_parser("show", help="say what is in a problem")
    show.add_argument("problem", help="problem JSON, - for standard input")
    say = commands.add_parser("schema", help="write the JSON Schema of what is read and written")
    say.add_argument("what", choices=sorted(SCHEMAS))
    say.add_argument("-o", "--output", help="file to write (default: standard output)")
    return parser


def _refuse(message: str) -> int:
    print(f"python -m matching: {plain(message)}", file=sys.stderr)
    return 2


def _load(name: str, read: Callable[[str], Read]) -> Read:
    """What a file holds; the file, the learner and the field are named where it cannot be used."""
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text("utf-8")
    except UnicodeDecodeError as problem:
        raise _Refused(f"{name}: the file is not UTF-8 text: {problem}") from problem
    try:
        return read(text)
    except EngineError as problem:
        words = str(problem).removeprefix(problem.item)
        raise _Refused(f"{name}: {problem.item}{_whose(text, problem.item)}{words}") from problem


def _whose(text: str, item: str) -> str:
    """Which learner the refused requirement or rotation is of; nothing where it is neither."""
    kind = item.split(" ")[0]
    if kind not in ("requirement", "rotation"):
        return ""
    for row in json.loads(text)[f"{kind}s"]:
        if f"{kind} {row['key']!r}" == item and "learner" in row:
            return f" of learner {row['learner']!r}"
    return ""


def _write(name: str | None, text: str) -> None:
    if name is None:
        sys.stdout.write(text + "\n")
    else:
        Path(name).write_text(text + "\n", "utf-8")


def _policy(name: str | None) -> Policy:
    return Policy() if name is None else _load(name, Policy.from_json)


def _generate(asked: argparse.Namespace) -> int:
    if asked.seed < 0 or (asked.blocks is not None and not 1 <= asked.blocks <= 12):
        return _refuse("--seed must be 0 or more and --blocks from 1 to 12")
    _write(asked.output, generate(asked.size, asked.seed, blocks=asked.blocks).to_json())
    return 0


class _Asked:
    """Stops a solve after so many seconds (None: never), or once Ctrl-C has been pressed."""

    def __init__(self, seconds: float | None) -> None:
        self._limit = MaxSeconds(float("inf") if seconds is None else seconds)
        self._pressed = False
        self._before = signal.signal(signal.SIGINT, self._press)

    def _press(self, number: int, frame: FrameType | None) -> None:
        self._pressed = True
        self.forget()

    def forget(self) -> None:
        """From now on Ctrl-C does what it did before."""
        signal.signal(signal.SIGINT, self._before)

    def remaining(self) -> float:
        """Seconds left, not below zero."""
        return 0.0 if self._pressed else self._limit.remaining()

    def __call__(self) -> bool:
        return self._pressed or self._limit()


def _solve(asked: argparse.Namespace) -> int:
    problem, policy = _load(asked.problem, Problem.from_json), _policy(asked.policy)

    def tell(progress: Progress) -> None:
        left = "" if progress.incumbent is None else f", {progress.incumbent} unplaced"
        print(f"{progress.seconds:8.2f} s  {progress.stage}{left}", file=sys.stderr)

    stop = _Asked(asked.seconds)
    try:
        result = solve(problem, policy, progress=None if asked.quiet else tell, stop=stop)
    finally:
        stop.forget()
    _write(asked.output, result.to_json())
    if not asked.quiet:
        sys.stdout.flush()
        print(f"\n{summary(problem, policy, result)}", file=sys.stderr)
    return 0


def _verify(asked: argparse.Namespace) -> int:
    problem, policy = _load(asked.problem, Problem.from_json), _policy(asked.policy)
    result = _load(asked.result, Result.from_json)
    wrong = verify(problem, policy, result)
    whose = {r.key: f" (learner {r.learner})" for r in problem.requirements}
    for found in wrong:
        print(plain(f"{found.rule}: {found.item}{whose.get(found.item, '')}: {found.found}"))
    if not wrong:
        placed = f"{len(result.assignment):,} of {len(problem.requirements):,} placed"
        print(f"correct: {placed}, status {result.status}")
    return 1 if wrong else 0


def _show(asked: argparse.Namespace) -> int:
    print(contents(_load(asked.problem, Problem.from_json)))
    return 0


def _schema(asked: argparse.Namespace) -> int:
    _write(asked.output, json.dumps(SCHEMAS[asked.what](), indent=2))
    return 0


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "generate": _generate,
    "solve": _solve,
    "verify": _verify,
    "show": _show,
    "schema": _schema,
}


if __name__ == "__main__":
    # A key that the terminal's encoding lacks is escaped rather than refused.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(main())
