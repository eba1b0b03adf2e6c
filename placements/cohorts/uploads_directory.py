"""The sites and trusts that a cohort file may name, and how the names people write are matched to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

from placements.geography.postcodes import normalise_postcode
from placements.spreadsheets.names import Match, NameFinder

_SITE_FILLER = frozenset({"the"})
_FILLER = frozenset({"the", "needs", "need", "access", "required"})
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
    `earliest` and `latest` are the first and last days of the round, where there is one. `access_needs` by
    key; `references` are those that the HEI's learners have in the round already, in small letters.
    """

    sites: Mapping[str, DirectorySite]
    trusts: Mapping[str, str]
    locates: Callable[[str], bool]
    earliest: date | None = None
    latest: date | None = None
    access_needs: Mapping[str, str] = field(default_factory=dict)
    references: frozenset[str] = frozenset()


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
        self.access_names = directory.access_needs
        self._access = NameFinder({key: (key, name) for key, name in directory.access_needs.items()}, _FILLER)
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

    def is_place(self, text: str) -> bool:
        """Whether this is the whole name of a site or trust, in any case and punctuation."""
        return self._site_names.is_whole(text) or self._trust_names.is_whole(text)

    def access_need(self, text: str) -> Match:
        """The key of the access need meant."""
        return self._access.find(text)

    def trust(self, text: str) -> Match:
        """The ODS code of the trust meant by its code, name or abbreviation."""
        ods = self._ods.get(text.casefold())
        return Match((ods,)) if ods is not None else self._trust_names.find(text)
