"""What differs between two versions of a declaration, as a person reads it: "most places 5 to 4 in 6 weeks".

Pure: contents in, words out. A step is one figure that changed in the same way over some weeks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from placements.capacity.content import ANYONE, COLUMNS, EDUCATORS, Cell, Content, changes
from placements.web.formats import count, short_day

MODEL = "model"
MOST_IN_A_SUMMARY = 4


@dataclass(frozen=True)
class Step:
    """A figure (`column` of COLUMNS, or `model` without weeks) that went from one value to another."""

    line: str
    column: str
    before: str
    after: str
    weeks: tuple[date, ...] = ()

    @property
    def figure(self) -> str:
        return COLUMNS.get(self.column, "supervision model")

    @property
    def when(self) -> str:
        """ "4 Jan", "4 Jan to 25 Jan (4 weeks)"."""
        if len(self.weeks) < 2:
            return week_words(self.weeks)
        return f"{week_words(self.weeks)} ({count(len(self.weeks), 'week')})"


def steps(before: Content, after: Content) -> list[Step]:
    """Everything that differs, by line and figure, then by week."""
    return steps_of(changes(before, after))


def steps_of(changed: Mapping[str, Sequence[str]]) -> list[Step]:
    """The steps of changed cells, by name to the figure before and after (as a record keeps them)."""
    found: dict[tuple[str, str, str, str], list[date]] = {}
    model = []
    for name, (old, new) in changed.items():
        if name == MODEL:
            model.append(Step("", MODEL, old, new))
            continue
        cell = Cell.of(name)
        found.setdefault((cell.line, cell.column, old, new), []).append(cell.week)
    columns = list(COLUMNS)
    told = [Step(*key, tuple(sorted(weeks))) for key, weeks in found.items()]
    # Whoever comes first, then group by group, then the educators.
    told.sort(
        key=lambda step: (
            step.line != ANYONE,
            step.line == EDUCATORS,
            step.line,
            columns.index(step.column),
            step.weeks,
        )
    )
    return told + model


def summary(found: Sequence[Step], lines: Mapping[str, str], models: Mapping[str, str]) -> list[str]:
    """The steps in words, the widest first, and how many more there are. `lines` and `models` say how each
    reads by its key."""
    widest = sorted(found, key=lambda step: -len(step.weeks) if step.weeks else -1)
    words = [in_words(step, lines, models) for step in widest[:MOST_IN_A_SUMMARY]]
    more = len(found) - len(words)
    return words + ([f"and {count(more, 'more change')}"] if more else [])


def in_words(step: Step, lines: Mapping[str, str], models: Mapping[str, str]) -> str:
    """ "most places 5 to 4 in 6 weeks", "Sonography: preferred places 1 to 2 in the week of 4 Jan"."""
    if step.column == MODEL:
        old, new = (models.get(key, key) or "none" for key in (step.before, step.after))
        return f"supervision model {old} to {new}"
    whom = "" if step.line in (ANYONE, EDUCATORS) else f"{lines.get(step.line, step.line)}: "
    when = f"{len(step.weeks)} weeks" if len(step.weeks) > 1 else f"the week of {short_day(step.weeks[0])}"
    return f"{whom}{step.figure} {step.before} to {step.after} in {when}"


def week_words(weeks: Sequence[date]) -> str:
    """Mondays as spans: "4 Jan to 25 Jan, 8 Feb"."""
    spans: list[list[date]] = []
    for week in sorted(weeks):
        if spans and week - spans[-1][-1] == timedelta(weeks=1):
            spans[-1].append(week)
        else:
            spans.append([week])
    return ", ".join(
        short_day(span[0]) if len(span) == 1 else f"{short_day(span[0])} to {short_day(span[-1])}"
        for span in spans
    )
