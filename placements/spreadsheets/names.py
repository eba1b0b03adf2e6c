"""How the names that people write are matched to those we know."""

from __future__ import annotations

import difflib
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

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

    def is_whole(self, text: str) -> bool:
        """Whether the text is all of a name, in any case and punctuation."""
        return " ".join(self._words(text)) in self._whole

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
