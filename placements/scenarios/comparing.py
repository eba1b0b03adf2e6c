"""Up to four runs of a round side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from placements.access import Viewer
from placements.cohorts.models import Learner, Requirement
from placements.errors import NotFound, Refused
from placements.organisations.models import Hei
from placements.scenarios import queries, results
from placements.scenarios.models import Placing, Run
from placements.scenarios.published import published_places
from placements.web.formats import percent

MOST_RUNS = 4
SHARES = {"by_group": "learner group", "by_stage": "stage", "by_hei": "HEI", "by_block": "block"}
WISHES = {
    "first": "First choice",
    "second_or_third": "Second or third choice",
    "later": "A later choice",
    "unlisted": "A site not on the list",
}
# The tables about a run as a whole, as the names of their rows are led in.
WHOLE = {
    "placed": "",
    "travel": "travel",
    "load": "load",
    "preferences": "preferences",
    "changes": "against what is published",
}


@dataclass(frozen=True)
class Row:
    """One figure of each run. `values` are as said on the page; `best` marks those that no other run beats,
    where more or fewer is better and they differ as said, and `mark` says in a word how; `shares` are the
    lengths of their bars, of 1."""

    name: str
    values: list[str]
    best: list[bool]
    shares: list[float]
    mark: str = ""


@dataclass(frozen=True)
class Table:
    """Figures of one kind."""

    key: str
    title: str
    rows: list[Row]


@dataclass(frozen=True)
class Column:
    """A run with what its column is headed by."""

    run: Run
    letter: str
    certificate: str
    is_best: bool = False
    best_at: Sequence[str] = ()


def runs_to_compare(session: Session, viewer: Viewer, round_id: int, ids: Sequence[int]) -> list[Run]:
    """The finished runs of a round with these numbers, in this order, each once. Raises Refused for more than
    four or for one without a result, NotFound for one that is not the round's."""
    wanted = list(dict.fromkeys(ids))
    if len(wanted) > MOST_RUNS:
        raise Refused(f"Choose at most {MOST_RUNS} runs to compare.")
    rows = session.scalars(
        queries.visible_runs(viewer)
        .where(Run.round_id == round_id, Run.id.in_(wanted))
        .options(joinedload(Run.scenario))
    )
    found = {run.id: run for run in rows}
    if set(found) != set(wanted):
        raise NotFound("There is no such run in this round.")
    for run in found.values():
        if run.state != "finished":
            raise Refused(f"Run {run.id} has no result to compare.")
    return [found[key] for key in wanted]


def columns(runs: Sequence[Run], tables: Sequence[Table] = (), best: Run | None = None) -> list[Column]:
    """What heads each run's column: `best` is the best of them all, and of the rows of `tables` about a run
    as a whole are told those by which it alone comes first."""
    return [
        Column(
            run,
            letter,
            results.short_certificate(run.summary),
            run is best,
            _first_in(tables, i),
        )
        for i, (run, letter) in enumerate(zip(runs, "ABCD", strict=False))
    ]


def _first_in(tables: Sequence[Table], i: int) -> list[str]:
    """By which rows about a run as a whole it alone comes first: "travel (median, longest)"."""
    found = []
    for table in tables:
        names = ", ".join(row.name.lower() for row in table.rows if row.best[i] and sum(row.best) == 1)
        if names and table.key in WHOLE:
            found.append(f"{WHOLE[table.key]} ({names})" if WHOLE[table.key] else names)
    return found


def compare(session: Session, runs: Sequence[Run]) -> list[Table]:
    """The runs' figures side by side."""
    told = [results.describe_result(session, run) for run in runs]
    return [
        Table("placed", "Placed", _placed(told)),
        *(Table(key, f"Placed by {name}", _shares(told, key)) for key, name in SHARES.items()),
        Table("travel", "Travel one way", _travel(told)),
        Table("hei-travel", "Fairness between HEIs: minutes a placement", _hei_minutes(session, runs)),
        Table("load", "Load", _load(told)),
        Table("preferences", "Preferences", _preferences(told)),
        Table("changes", "Against what is published", _changes(session, runs)),
    ]


def _row(
    name: str, numbers: Sequence[float | None], said: Sequence[str], better: int = 0, mark: str = ""
) -> Row:
    """`better`: 1 where more is better, -1 where less is, 0 where neither."""
    known = [number for number in numbers if number is not None]
    best = max(known, default=None) if better > 0 else min(known, default=None)
    words = {text for number, text in zip(numbers, said, strict=True) if number is not None}
    marked = bool(better) and len(words) > 1 and len(set(known)) > 1
    first = {text for number, text in zip(numbers, said, strict=True) if number == best}
    most = max(known, default=0)
    return Row(
        name,
        list(said),
        [marked and number is not None and text in first for number, text in zip(numbers, said, strict=True)],
        [number / most if number and most else 0.0 for number in numbers],
        mark or ("most" if better > 0 else "least"),
    )


def _share(name: str, parts: Sequence[tuple[int, int] | None]) -> Row:
    """So many of so many in each run, where more is better: the share, where not all are of as many."""
    differ = len({part[1] for part in parts if part}) > 1
    return _row(
        name,
        # As exact as the share is said.
        [round(part[0] / part[1], 3 if differ else 9) if part and part[1] else None for part in parts],
        [_of(*part, with_share=differ) if part else "–" for part in parts],
        1,
        "highest share" if differ else "",
    )


def _of(part: int, whole: int, *, with_share: bool) -> str:
    return f"{part:,} of {whole:,}" + (f" ({percent(part, whole)})" if with_share else "")


def _placed(told: Sequence[Mapping[str, Any]]) -> list[Row]:
    return [
        _share("Placements", [(row["placed"], row["requirements"]) for row in told]),
        _share(
            "Learners with every placement",
            [(row["learners_with_every_place"], row["learners"]) for row in told],
        ),
    ]


def _shares(told: Sequence[Mapping[str, Any]], key: str) -> list[Row]:
    by_run = [{row["name"]: row for row in summary[key]} for summary in told]
    names = dict.fromkeys(name for rows in by_run for name in rows)
    return [
        _share(name, [(row["placed"], row["needed"]) if (row := rows.get(name)) else None for rows in by_run])
        for name in names
    ]


def _travel(told: Sequence[Mapping[str, Any]]) -> list[Row]:
    names = {"median": "Median", "p95": "95 of 100 within", "most": "Longest"}
    return [
        _row(
            name,
            [row["travel"][key] for row in told],
            ["–" if row["travel"][key] is None else f"{row['travel'][key]} min" for row in told],
            -1,
        )
        for key, name in names.items()
    ]


def _hei_minutes(session: Session, runs: Sequence[Run]) -> list[Row]:
    rows = session.execute(
        select(Placing.run_id, Hei.name, func.avg(Placing.travel_minutes))
        .join(Placing.requirement)
        .join(Requirement.learner)
        .join(Learner.hei)
        .where(Placing.run_id.in_([run.id for run in runs]), Placing.department_id.is_not(None))
        .group_by(Placing.run_id, Hei.name)
    )
    minutes = {(run_id, name): float(mean) for run_id, name, mean in rows}
    names = sorted({name for _, name in minutes})
    table = [[minutes.get((run.id, name)) for run in runs] for name in names]
    found = [
        _row(name, means, [_mean(mean) for mean in means], -1)
        for name, means in zip(names, table, strict=True)
    ]
    spread: list[float | None] = []
    for i in range(len(runs)):
        known = [mean for means in table if (mean := means[i]) is not None]
        spread.append(max(known) - min(known) if known else None)
    return [*found, _row("Between the shortest and the longest", spread, [_mean(v) for v in spread], -1)]


def _mean(minutes: float | None) -> str:
    return "–" if minutes is None else f"{minutes:.1f} min"


def _load(told: Sequence[Mapping[str, Any]]) -> list[Row]:
    loads = [
        sorted(row["load_percent"] for row in summary["load"] if row["load_percent"] is not None)
        for summary in told
    ]
    full = [sum(0 < row["places"] <= row["placed"] for row in summary["load"]) for summary in told]
    heavy = [sum(load >= results.HEAVY_PERCENT for load in found) for found in loads]
    spread = [f[len(f) * 9 // 10] - f[len(f) // 10] if f else None for f in loads]
    return [
        _row(
            "Supervisor load, median",
            [found[len(found) // 2] if found else None for found in loads],
            [f"{found[len(found) // 2]}%" if found else "–" for found in loads],
        ),
        _row(
            "Between the lightest and heaviest tenth",
            spread,
            ["–" if value is None else f"{value} percentage points" for value in spread],
            -1,
        ),
        _row(
            "Heaviest",
            [found[-1] if found else None for found in loads],
            [f"{found[-1]}%" if found else "–" for found in loads],
            -1,
        ),
        _row(
            f"Departments and blocks at {results.HEAVY_PERCENT}% or more",
            heavy,
            [f"{n:,}" for n in heavy],
            -1,
        ),
        _row("Departments and blocks that are full", full, [f"{n:,}" for n in full]),
    ]


def _preferences(told: Sequence[Mapping[str, Any]]) -> list[Row]:
    better = {"first": 1, "unlisted": -1}
    return [
        _row(
            name,
            [row["preferences"][key] for row in told],
            [f"{row['preferences'][key]:,}" for row in told],
            better.get(key, 0),
        )
        for key, name in WISHES.items()
    ]


def _changes(session: Session, runs: Sequence[Run]) -> list[Row]:
    """How each run would change what is published: who keeps, moves, loses and gains a place."""
    standing = published_places(session, runs[0].round_id) if runs else {}
    if not standing:
        return []
    counts = {run.id: [0, 0, 0, 0] for run in runs}
    rows = session.execute(
        select(Placing.run_id, Placing.requirement_id, Placing.department_id).where(
            Placing.run_id.in_(list(counts))
        )
    )
    for run_id, requirement_id, department_id in rows:
        stands = standing.get(requirement_id)
        if stands is None:
            kind = 3 if department_id is not None else None
        elif department_id is None:
            kind = 2
        else:
            kind = 0 if stands.department_id == department_id else 1
        if kind is not None:
            counts[run_id][kind] += 1
    names = ("Keep their place", "Move", "Lose their place", "Get a place who had none")
    better = (1, -1, -1, 1)
    return [
        _row(
            name,
            [counts[run.id][i] for run in runs],
            [f"{counts[run.id][i]:,}" for run in runs],
            better[i],
        )
        for i, name in enumerate(names)
    ]
