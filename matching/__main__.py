"""The engine from a shell: `python -m matching solve|verify|generate`.

Exit codes: 0 done, 1 the result breaks a rule (verify), 2 input that cannot be used.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from matching import EngineError, MaxSeconds, Policy, Problem, Progress, Result, generate, solve, verify
from matching.generate import SIZES


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and gives its exit code."""
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
    check.add_argument("problem")
    check.add_argument("result")
    check.add_argument("--policy", help="the policy the result was solved with")
    asked = parser.parse_args(arguments)
    try:
        return {"generate": _generate, "solve": _solve, "verify": _verify}[asked.command](asked)
    except EngineError as problem:
        return _refuse(str(problem))
    except UnicodeDecodeError as problem:
        return _refuse(f"the file is not UTF-8 text: {problem}")
    except OSError as problem:
        return _refuse(f"{problem.filename}: {problem.strerror}")


def _refuse(message: str) -> int:
    print(f"python -m matching: {message}", file=sys.stderr)
    return 2


def _read(name: str) -> str:
    return sys.stdin.read() if name == "-" else Path(name).read_text("utf-8")


def _write(name: str | None, text: str) -> None:
    if name is None:
        sys.stdout.write(text + "\n")
    else:
        Path(name).write_text(text + "\n", "utf-8")


def _policy(name: str | None) -> Policy:
    return Policy() if name is None else Policy.from_json(_read(name))


def _generate(asked: argparse.Namespace) -> int:
    if asked.seed < 0 or (asked.blocks is not None and not 1 <= asked.blocks <= 12):
        return _refuse("--seed must be 0 or more and --blocks from 1 to 12")
    _write(asked.output, generate(asked.size, asked.seed, blocks=asked.blocks).to_json())
    return 0


def _solve(asked: argparse.Namespace) -> int:
    problem, policy = Problem.from_json(_read(asked.problem)), _policy(asked.policy)

    def tell(progress: Progress) -> None:
        left = "" if progress.incumbent is None else f", {progress.incumbent} unplaced"
        print(f"{progress.seconds:8.2f} s  {progress.stage}{left}", file=sys.stderr)

    stop = None if asked.seconds is None else MaxSeconds(asked.seconds)
    result = solve(problem, policy, progress=None if asked.quiet else tell, stop=stop)
    _write(asked.output, result.to_json())
    if not asked.quiet:
        print(summary(problem, result), file=sys.stderr)
    return 0


def _verify(asked: argparse.Namespace) -> int:
    problem, policy = Problem.from_json(_read(asked.problem)), _policy(asked.policy)
    result = Result.from_json(_read(asked.result))
    wrong = verify(problem, policy, result)
    for violation in wrong:
        print(violation)
    if not wrong:
        placed = f"{len(result.assignment)} of {len(problem.requirements)} placed"
        print(f"correct: {placed}, status {result.status}")
    return 1 if wrong else 0


def summary(problem: Problem, result: Result) -> str:
    """A few lines on a result for a terminal."""
    lines = [
        f"status    {result.status} in {result.seconds:.2f} s",
        f"placed    {len(result.assignment)} of {len(problem.requirements)}",
        f"{'tier':<24}{'value':>16}{'bound':>16}{'gap':>9}",
    ]
    for tier in result.tiers:
        scale = 1000 if tier.name == "cost" else 1
        lines.append(
            f"{tier.name:<24}{tier.value / scale:>16,.6g}{tier.bound / scale:>16,.6g}{tier.gap:>9.3%}"
        )
    kinds = [reason.kind for reason in result.unplaced.values()]
    lines.append(f"unplaced  {kinds.count('shortage')} by shortage, {kinds.count('rules')} by rules")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
