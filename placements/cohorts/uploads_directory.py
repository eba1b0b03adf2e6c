"""The sites and trusts that a cohort file may name, and how the names people write are matched to them."""

from __future__ import annotations

import difflib
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from placements.geography.postcodes import normalise_postcode

MOST_SUGGESTED_FOR = 200
_SAME_WORDS = {
    "hosp": "hospital",
    "st": "saint",
    "univ": "university",
    "uni": "university",
    "center": "centre",
    "ctr": "centre",
    "cdc": "community diagnostic centre",
}
_SMALL_WORDS = frozenset({"of", "and", "in", "at", "for"})
_SITE_FILLER = frozenset({"the"})
_TRUST_FILLER = frozenset({"the", "nhs", "foundation", "trust", "ft"})


@dataclass(frozen=True)
class DirectorySite:
    """A site's postcode, and any short names by which it is known."""

    postcode: str
    abbreviations: tuple[str, ...] = ()


@dataclass(frozen=True)
class Directory:
    """What a cohort file is read against.

    `sites` by canonical name, `trusts` by ODS code; `locates` says whether a canonical postcode is known;
    `earliest` and `latest` are the first and last days of the round, where there is one.
    """

    sites: Mapping[str, DirectorySite]
    trusts: Mapping[str, str]
    locates: Callable[[str], bool]
    earliest: date | None = None
    latest: date | None = None


@dataclass(frozen=True)
class Match:
    """The keys a text may stand for: none, the one meant, or several; `close` holds near misses."""

    keys: tuple[str, ...]
    close: tuple[str, ...] = ()


class NameFinder:
    """Finds what a written name stands for, the same each time it is asked.

    In turn: the same words in any case and punctuation; initials ("QEHB", or "QEH" where only one fits); and
    words that only one name holds ("Heartlands"). The first of these to fit anything decides.
    """

    def __init__(self, names: Mapping[str, Iterable[str]], filler: frozenset[str]) -> None:
        self._filler = filler
        self._known: dict[str, Match] = {}
        self._whole: dict[str, set[str]] = {}
        self._initials: dict[str, set[str]] = {}
        self._holders: dict[str, set[str]] = {}
        self._suggested = 0
        for key, spellings in names.items():
            for spelling in spellings:
                words = self._words(spelling)
                self._whole.setdefault(" ".join(words), set()).add(key)
                for counted in (words, [word for word in words if word not in _SMALL_WORDS]):
                    self._initials.setdefault("".join(word[0] for word in counted), set()).add(key)
                for word in words:
                    self._holders.setdefault(word, set()).add(key)
        self._sorted_words = sorted(self._holders)

    def find(self, text: str) -> Match:
        """What the text stands for."""
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = self._look_up(text)
        return known

    def _look_up(self, text: str) -> Match:
        words = self._words(text)
        if not words:
            return Match(())
        for found in (
            self._whole.get(" ".join(words), set()),
            self._by_initials(words),
            self._by_words(words),
        ):
            if found:
                return Match(tuple(sorted(found)))
        return Match((), self._close_to(" ".join(words)))

    def _by_initials(self, words: list[str]) -> set[str]:
        if len(words) != 1 or not 2 <= len(words[0]) <= 8:
            return set()
        exact = self._initials.get(words[0])
        if exact:
            return exact
        fitting = (keys for initials, keys in self._initials.items() if initials.startswith(words[0]))
        return set().union(*fitting)

    def _by_words(self, words: list[str]) -> set[str]:
        found: set[str] | None = None
        for word in words:
            holders = self._holding(word)
            found = set(holders) if found is None else found & holders
            if not found:
                return set()
        return found or set()

    def _holding(self, word: str) -> set[str]:
        if word in self._holders or len(word) < 3:
            return self._holders.get(word, set())
        holders: set[str] = set()
        for known in self._sorted_words[bisect_left(self._sorted_words, word) :]:
            if not known.startswith(word):
                break
            holders |= self._holders[known]
        return holders

    def _close_to(self, text: str) -> tuple[str, ...]:
        if self._suggested >= MOST_SUGGESTED_FOR or len(text) > 100:
            return ()
        self._suggested += 1
        near = difflib.get_close_matches(text, self._whole, n=2, cutoff=0.75)
        return tuple(dict.fromkeys(key for name in near for key in sorted(self._whole[name])))[:3]

    def _words(self, text: str) -> list[str]:
        plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
        plain = re.sub(r"['’‘`]", "", plain.casefold().replace("&", " and "))
        spoken = (_SAME_WORDS.get(word, word) for word in re.findall(r"[^\W_]+", plain))
        words = " ".join(spoken).split()
        kept = [word for word in words if word not in self._filler]
        return kept or words


class PlacesFinder:
    """Finds the sites and trusts of one directory by what people write for them."""

    def __init__(self, directory: Directory) -> None:
        self._sites = directory.sites
        self.trust_names = directory.trusts
        self._known_sites: dict[str, Match] = {}
        self._by_postcode: dict[str, set[str]] = {}
        for name, site in directory.sites.items():
            self._by_postcode.setdefault(normalise_postcode(site.postcode) or site.postcode, set()).add(name)
        self._site_names = NameFinder(
            {name: (name, *site.abbreviations) for name, site in directory.sites.items()}, _SITE_FILLER
        )
        self._trust_names = NameFinder(
            {ods: (name,) for ods, name in directory.trusts.items()}, _TRUST_FILLER
        )
        self._ods = {ods.casefold(): ods for ods in directory.trusts}

    def site(self, text: str) -> Match:
        """The site meant by a name, an abbreviation or the site's own postcode."""
        if text in self._sites:
            return Match((text,))
        known = self._known_sites.get(text)
        if known is None:
            at_postcode = self._by_postcode.get(normalise_postcode(text) or "")
            known = Match(tuple(sorted(at_postcode))) if at_postcode else self._site_names.find(text)
            self._known_sites[text] = known
        return known

    def trust(self, text: str) -> Match:
        """The ODS code of the trust meant by its code, name or abbreviation."""
        ods = self._ods.get(text.casefold())
        return Match((ods,)) if ods is not None else self._trust_names.find(text)
