"""What the buttons of the grid's form do: fill without saving, save, submit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from werkzeug.datastructures import MultiDict

from placements.access import Viewer
from placements.capacity import service
from placements.capacity.content import Content, wrong_figures
from placements.capacity.forms import Sheet, cell_words
from placements.capacity.grid import Grid, Of
from placements.capacity.merging import Change, Clash
from placements.errors import Refused, Stale

Said = TypeVar("Said")
SAYS_AT_MOST = 6
# A declaration that can be submitted as it stands.
OPEN = frozenset({"draft", "returned"})


@dataclass
class Outcome:
    """What came of a form: `sheets` to show again as typed (none: as saved) or `is_done`; and what to say."""

    sheets: dict[int, Sheet] = field(default_factory=dict)
    says: list[str] = field(default_factory=list)
    problem: str = ""
    filled: str = ""
    status: int = 200
    is_done: bool = False


def act(viewer: Viewer, grid: Grid, form: MultiDict[str, str]) -> Outcome:
    """Do what the pressed button says with the departments whose cells came with it."""
    outcome = Outcome(
        {
            of.department.id: Sheet.of_form(of.department.id, form)
            for of in grid.departments
            if of.may_change and f"{of.department.id}.version" in form
        }
    )
    outcome.filled = _fill(grid, outcome.sheets, form)
    if not outcome.filled:
        _save(viewer, grid, outcome, form.get("submit", ""))
    return outcome


def _fill(grid: Grid, sheets: Mapping[int, Sheet], form: MultiDict[str, str]) -> str:
    """Fill cells and save nothing; says what was done, or nothing where another button was pressed."""
    if "fill" in form:
        for band in grid.bands:
            if str(band.block.id) == form["fill"]:
                for sheet in sheets.values():
                    sheet.fill(band.weeks)
        return "The block is filled from its first week."
    if "weeks" in form:
        for sheet in _chosen(sheets, form["weeks"]).values():
            sheet.fill(grid.mondays)
        return "All weeks are filled from the first."
    if "last" in form:
        for id_, sheet in _chosen(sheets, form["last"]).items():
            last = grid.of(id_).last
            if last is not None:
                sheet.write(last, grid.mondays)
        return "The figures are those of last round."
    if "add" in form:
        for id_, sheet in _chosen(sheets, form["add"]).items():
            line = form.get(f"{id_}.new_line", "")
            if line in dict(grid.line_choices(sheet.lines)):
                sheet.add_line(line, grid.mondays)
        return "The line is added."
    if "remove" in form:
        id_text, _, line = form["remove"].partition(".")
        for sheet in _chosen(sheets, id_text).values():
            sheet.remove_line(line)
        return "The line is taken away."
    return ""


def _chosen(sheets: Mapping[int, Sheet], which: str) -> dict[int, Sheet]:
    return {id_: sheet for id_, sheet in sheets.items() if which in ("all", str(id_))}


def _save(viewer: Viewer, grid: Grid, outcome: Outcome, submit: str) -> None:
    contents = dict(_contents(grid, outcome.sheets, submit))
    if any(sheet.errors for sheet in outcome.sheets.values()):
        for id_, sheet in outcome.sheets.items():
            known = sheet.known(grid.of(id_).saved)
            sheet.errors = wrong_figures(grid.mondays, known, known.lines) | sheet.errors
        outcome.problem, outcome.status = "Nothing was saved. Your typing is all here.", 400
        return
    try:
        saved = service.save_declarations(viewer, grid.round.id, contents) if contents else {}
    except Clash as clash:
        _show_clash(outcome, clash, contents)
        return
    except Stale as stale:
        outcome.problem, outcome.status = stale.message, 409
        return
    except Refused as refusal:
        outcome.problem, outcome.status = refusal.message, 400
        for id_, name, words in _by_department(refusal.fields.items(), contents):
            outcome.sheets[id_].errors[name] = words
        return
    outcome.sheets, outcome.is_done = {}, True
    for id_, found in saved.items():
        outcome.says += [merged_words(grid.of(id_), change) for change in found.theirs]
    del outcome.says[SAYS_AT_MOST:]
    if not submit:
        outcome.says.insert(
            0, "The draft is saved. Submit it when it is complete: the match uses only what is submitted."
        )
        return
    wanted = {
        id_: found.declaration.version
        for id_, found in saved.items()
        if submit == str(id_) or (submit == "all" and found.declaration.state in OPEN)
    }
    _submit(viewer, grid, outcome, wanted)


def _contents(
    grid: Grid, sheets: Mapping[int, Sheet], submit: str
) -> Iterable[tuple[int, tuple[int, Content]]]:
    """What there is to save: a department that has nothing yet is left out while nothing is typed for it,
    unless it is the only one or is to be submitted."""
    for id_, sheet in sheets.items():
        content = sheet.content(grid.of(id_).saved, grid.mondays)
        if content is not None and (
            grid.of(id_).declaration or content.cells() or submit == str(id_) or len(grid.departments) == 1
        ):
            yield id_, (sheet.version, content)


def _submit(viewer: Viewer, grid: Grid, outcome: Outcome, versions: Mapping[int, int]) -> None:
    done = []
    for id_, version in versions.items():
        try:
            service.submit_declaration(viewer, grid.round.id, id_, version=version)
            done.append(grid.of(id_).department.name)
        except (Refused, Stale) as refusal:
            outcome.problem, outcome.status = f"{grid.of(id_).department.name}: {refusal.message}", 409
            outcome.is_done = False
    if done:
        names = done[0] if len(done) == 1 else f"{len(done)} departments"
        wait = " once they are approved" if grid.round.needs_approval else ""
        outcome.says.insert(0, f"{names}: submitted. The match can use these places{wait}.")
    elif not versions:
        outcome.says.insert(0, "There was nothing to submit: everything shown stands already.")


def _show_clash(outcome: Outcome, clash: Clash, contents: Mapping[int, object]) -> None:
    """Both people's figures; what the other changed elsewhere is taken in, and saving again is then meant."""
    for id_, name, change in _by_department(((c.cell, c) for c in clash.clashes), contents):
        outcome.sheets[id_].clashes[name] = change
    for id_, name, change in _by_department(((c.cell, c) for c in clash.theirs), contents):
        outcome.sheets[id_].typed[name] = change.now
    for id_, sheet in outcome.sheets.items():
        sheet.version = clash.versions.get(id_, sheet.version)
    outcome.problem, outcome.status = clash.message, 409


def _by_department(
    named: Iterable[tuple[str, Said]], contents: Mapping[int, object]
) -> Iterable[tuple[int, str, Said]]:
    """`cell` of the only department saved, or `department.cell`, apart."""
    for name, value in named:
        if len(contents) == 1:
            yield next(iter(contents)), name, value
        else:
            id_text, _, cell = name.partition(".")
            yield int(id_text), cell, value


def merged_words(of: Of, change: Change) -> str:
    """What somebody else changed meanwhile."""
    words = cell_words(change.cell)
    before, now = change.before or "none", change.now or "none"
    return f"{change.by} changed {of.department.name}, {words[0].lower()}{words[1:]}: {before} became {now}."
