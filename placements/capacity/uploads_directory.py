"""What a file of declarations is read against: the round's weeks, the departments that the person sees with
what they have declared, and the lines that there may be; and how what people write is matched to them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from placements.capacity.content import ANYONE, Content
from placements.capacity.models import DeclarationRecord
from placements.spreadsheets.cells import Reading, Unusable
from placements.spreadsheets.names import Match, NameFinder

_ANYONE_WORDS = frozenset({"", "any", "anyone", "anybody", "all", "everyone", "all learners", "any learner"})
_FILLER = frozenset({"the", "department", "dept"})


@dataclass(frozen=True)
class Standing:
    """A department and its declaration as it stands: version 0 and nothing in it where there is none.
    `fixed` says why the person may not change it, "" where they may."""

    department_id: int
    trust: str
    site: str
    modality: str
    measure: str
    version: int
    state: str
    content: Content
    fixed: str = ""

    @property
    def name(self) -> str:
        return f"{self.modality}, {self.site}"


@dataclass(frozen=True)
class Directory:
    """`weeks` are the Mondays of the round's blocks; `lines` are line keys to their words; `elsewhere` names
    sites of the network that the person does not see; `since` gives what was done with a department's
    declaration after a version that the person read; `own` are the versions by department that came from
    files of their own."""

    round: str
    weeks: Sequence[date]
    departments: Sequence[Standing]
    lines: Mapping[str, str]
    since: Callable[[int, int], Sequence[DeclarationRecord]] = lambda department_id, version: ()
    own: Mapping[int, Collection[int]] = field(default_factory=dict)
    elsewhere: frozenset[str] = frozenset()
    other_rounds: frozenset[str] = frozenset()


def plain(text: str) -> str:
    """A name in one case, single-spaced."""
    return " ".join(text.casefold().split())


@dataclass
class DepartmentFinder:
    """Finds departments and lines of one directory by what people write for them; each is looked up once."""

    directory: Directory
    _known: dict[tuple[str, str, str], Reading[Standing] | Unusable] = field(default_factory=dict)
    _lines: dict[str, Reading[str] | Unusable] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._at: dict[str, list[Standing]] = {}
        for standing in self.directory.departments:
            self._at.setdefault(standing.site, []).append(standing)
        self._by_name = {
            (plain(found.trust), plain(found.site), plain(found.modality)): found
            for found in self.directory.departments
        }
        self._sites = NameFinder({site: (site,) for site in self._at}, frozenset({"the"}))
        self._whole = NameFinder(
            {
                str(found.department_id): (found.name, f"{found.site}, {found.modality}")
                for found in self.directory.departments
            },
            _FILLER,
        )
        self._by_id = {str(found.department_id): found for found in self.directory.departments}
        self._elsewhere = {plain(name): name for name in self.directory.elsewhere}

    def department(self, trust: str, site: str, modality: str) -> Reading[Standing]:
        """The department of these names ("" where the file has no such column); raises `Unusable`."""
        key = (trust, site, modality)
        if key not in self._known:
            try:
                self._known[key] = self._department(trust, site, modality)
            except Unusable as fault:
                self._known[key] = fault
        found = self._known[key]
        if isinstance(found, Unusable):
            raise found
        return found

    def _department(self, trust: str, site: str, modality: str) -> Reading[Standing]:
        exact = self._by_name.get((plain(trust), plain(site), plain(modality)))
        if exact is not None:
            return Reading(exact)
        if not site:
            return self._by_department_alone(modality)
        match = self._sites.find(site)
        if not match.keys and plain(site) in self._elsewhere:
            raise Unusable(
                f"{self._elsewhere[plain(site)]} is a site of another trust.",
                "Only its own people can change what it declares: take the row out.",
            )
        name = _one(match, "site", site, str)
        there = self._at[name]
        of_trust = [found for found in there if plain(found.trust) == plain(trust)] or there
        if not modality and len(of_trust) == 1:
            return Reading(of_trust[0], of_trust[0].name)
        finder = NameFinder(
            {
                str(found.department_id): (found.modality, found.name, _loose(found.modality))
                for found in of_trust
            },
            _FILLER,
        )
        match = finder.find(modality)
        if not match.keys:
            has = " and ".join(found.modality for found in of_trust)
            raise Unusable(
                f"{name} has no department of this name." if modality else "The department is blank.",
                f"It has {has}: write that.",
            )
        found = self._by_id[_one(match, "department", modality, lambda key: self._by_id[key].name)]
        same = plain(found.site) == plain(site) and plain(found.modality) == plain(modality)
        return Reading(found, None if same else found.name)

    def _by_department_alone(self, text: str) -> Reading[Standing]:
        if not text:
            raise Unusable("The row names no department.", "Write its site and its department.")
        if len(self._at) == 1:
            (there,) = self._at.values()
            of_name = [found for found in there if plain(found.modality) == plain(text)]
            if of_name:
                return Reading(of_name[0])
        match = self._whole.find(text)
        found = self._by_id[_one(match, "department", text, lambda key: self._by_id[key].name)]
        return Reading(found, None if plain(found.name) == plain(text) else found.name)

    def line(self, text: str) -> Reading[str]:
        """A line's key from its words; raises `Unusable`."""
        if text not in self._lines:
            try:
                self._lines[text] = self._line(text)
            except Unusable as fault:
                self._lines[text] = fault
        found = self._lines[text]
        if isinstance(found, Unusable):
            raise found
        return found

    def _line(self, text: str) -> Reading[str]:
        said = plain(text)
        if said in _ANYONE_WORDS:
            return Reading(ANYONE)
        words = {_loose(words): key for key, words in self.directory.lines.items()}
        key = words.get(_loose(text)) or (text if text in self.directory.lines else None)
        if key is not None:
            canonical = self.directory.lines[key]
            return Reading(key, None if plain(canonical) == said else canonical)
        near = difflib.get_close_matches(_loose(text)[:100], words, n=2, cutoff=0.7)
        meant = " or ".join(f"“{self.directory.lines[words[name]]}”" for name in near)
        raise Unusable(
            "We know no learners of this name.",
            (f"Did you mean {meant}? " if meant else "")
            + "Write “Anyone”, or a learner group and stage as the sheet “How to fill this in” lists them.",
        )


def _loose(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _one(match: Match, kind: str, text: str, name: Callable[[str], str]) -> str:
    if len(match.keys) == 1:
        return match.keys[0]
    remedy = f"Write the {kind} as it stands in the file that you can download."
    if match.keys:
        shown = "; ".join(name(key) for key in match.keys[:4])
        more = f"; and {len(match.keys) - 4} more" if len(match.keys) > 4 else ""
        raise Unusable(f"It could be more than one {kind}: {shown}{more}.", remedy)
    close = " or ".join(f"“{name(key)}”" for key in match.close)
    blank = f"The {kind} is blank." if not text else f"We know no {kind} of this name."
    raise Unusable(blank, f"Did you mean {close}? {remedy}" if close else remedy)
