"""The columns of a cohort file: the fields they may hold, their usual names, and those never read."""

from __future__ import annotations

import re
import unicodedata

from placements.spreadsheets.remarks import ADDED_COLUMN

MOST_COLUMNS = 100
MOST_PREFERENCES = 20
LONGEST_HEADING = 60

REQUIRED = {"reference": "the learner's reference", "postcode": "the learner's home postcode"}

_ALIASES = {
    "reference": """
        reference | ref | learner reference | learner ref | learner ID | learner number | learner code
        | student reference | student ref | student ID | student number | student no | student code
        | trainee reference | trainee ref | trainee ID | trainee number | ID | ID number | unique reference
        | URN | pseudonym | candidate number | SITS number | SITS ID | reference number | ref no""",
    "postcode": """
        postcode | home postcode | base postcode | permanent postcode | home base postcode | postal code
        | home postal code | learner postcode | student postcode | home address postcode | address postcode
        | permanent address postcode | postcode home | postcode base""",
    "term postcode": """
        term postcode | term time postcode | termtime postcode | term time address postcode
        | postcode term time | postcode term | term address postcode | accommodation postcode
        | university postcode
        | postcode in term time | term time base postcode""",
    "travel mode": """
        travel | transport | mode | travel mode | mode of travel | transport mode | mode of transport
        | travels by | travel by | means of travel | means of transport | travel method | how they travel""",
    "driving": """
        car | driver | drives | car driver | own car | has car | has a car | access to car | car y/n
        | driver y/n | car owner | drives y/n | uses car | car available | driving""",
    "travel limit": """
        max travel | maximum travel | travel limit | travel limit minutes | travel limit mins
        | travel limit min | max travel minutes | max travel mins | max travel time | maximum travel time
        | maximum travel minutes | maximum travel time minutes | max travel time minutes
        | longest travel | longest journey | longest journey minutes | max journey | max commute
        | max commute minutes | limit minutes""",
    "preferences": """
        preferences | site preferences | preferred sites | choices | site choices | ranked preferences
        | ranked sites | preferred placements | placement preferences""",
    "employer": """
        employer | employing trust | employer trust | employer ODS | employer ODS code | employed by
        | employing organisation | employer code | employing trust ODS code""",
    "hub": """
        hub | hub trust | hub ODS | hub ODS code | hub code | hub trust ODS code | hub name | hub trust name
        | hub organisation""",
    "excluded sites": """
        avoid | sites to avoid | exclusions | excluded sites | exclude | site exclusions | must avoid
        | sites that must be avoided | excluded | do not place at | not at""",
    "available from": """
        available from | start date | available | date available | earliest start | earliest start date
        | available from date | placement start date""",
    "priority": "priority | priority 1-3 | priority 1 to 3 | priority level",
    "available until": """
        available until | end date | available to | last available date | latest end | finish date
        | available until date""",
    "released": """
        released | release | released by employer | may be placed elsewhere | employer releases
        | released from employer""",
    "accommodation": """
        accommodation | accommodation needed | accepts accommodation | would take accommodation
        | needs accommodation | accommodation y/n""",
    "access needs": """
        access needs | access requirements | access | site must have | accessibility | access need""",
    "together with": "together with | together | place with | same site as | placed with | car share with",
    "apart from": "apart from | apart | not with | keep apart from | separate from | not together with",
    "earlier sites": """
        sites attended before | sites attended | earlier sites | previous sites | previous placements
        | earlier placements | past sites | placement history | attended""",
    "days": """
        days | weekdays | days of the week | days attending | attendance days | working days | pattern
        | placement days | part time days | part-time pattern""",
    "priority reason": "priority reason | reason for priority | why priority",
}

_PERSONAL = re.compile(
    r"name|mail|birth|dob|phone|mobile|address|gender|ethnic|disab|insurance|nhsnumber|nhsno|religion|health"
    r"|pregnan|nextofkin|nationality|passport|medical|sexual|contact|^(title|sex|age|tel|telno)$"
)

# "Hospital name" names no person.
_NAME_OF_A_PLACE = re.compile(
    r"(site|hospital|trust|employer|hub|placement|programme|course|modality|cohort|department)s?name"
)

_PREFERENCE = re.compile(
    r"(?:site|placement)?(?:preference|preferred|preferredsite|pref|choice|sitepreference|sitechoice)"
    r"(?:site|number|no)?(\d{1,4})(?:site)?"
    r"|(\d{1,4})(?:st|nd|rd|th)(?:site|placement)?(?:preference|pref|choice)(?:site)?"
    r"|(first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth)"
    r"(?:site|placement)?(?:preference|pref|choice)(?:site)?"
)
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


FIELD_HEADINGS = {
    "reference": "Reference",
    "postcode": "Home postcode",
    "term postcode": "Term-time postcode",
    "travel mode": "Travel mode",
    "driving": "Driver",
    "travel limit": "Travel limit (minutes)",
    "preferences": "Preferences",
    **{f"preference {rank}": f"Preference {rank}" for rank in range(1, MOST_PREFERENCES + 1)},
    "employer": "Employing trust",
    "hub": "Hub trust",
    "excluded sites": "Sites to avoid",
    "available from": "Available from",
    "priority": "Priority",
    "priority reason": "Priority reason",
    "available until": "Available until",
    "released": "Released",
    "accommodation": "Accommodation",
    "access needs": "Access needs",
    "together with": "Together with",
    "apart from": "Apart from",
    "earlier sites": "Sites attended before",
    "days": "Days of the week",
}
"""Each field with the heading that the template has for it."""


def heading_key(heading: str) -> str:
    """A heading's letters and digits alone, in one case."""
    plain = unicodedata.normalize("NFKD", heading[: 2 * LONGEST_HEADING]).casefold()
    return "".join(character for character in plain if character.isalnum())


_FIELDS = {heading_key(alias): name for name, aliases in _ALIASES.items() for alias in aliases.split("|")}
_OUR_OWN = frozenset({heading_key("Line"), heading_key(ADDED_COLUMN)})


def field_of(heading: str) -> str | None:
    """The field a heading stands for ("reference", "preference 2", ...), or None if it is not one we use."""
    key = heading_key(heading)
    numbered = _PREFERENCE.fullmatch(key)
    if numbered is None:
        return _FIELDS.get(key)
    digits, ordinal, word = numbered.groups()
    rank = _ORDINALS.index(word) + 1 if word else int(digits or ordinal)
    return f"preference {rank}" if 1 <= rank <= MOST_PREFERENCES else None


def is_personal(heading: str) -> bool:
    """Whether a heading speaks of something about a person that a cohort file has no need of."""
    return _PERSONAL.search(_NAME_OF_A_PLACE.sub("", heading_key(heading))) is not None


def is_ours(heading: str) -> bool:
    """Whether a heading is one that we add to a file that we give back."""
    return heading_key(heading) in _OUR_OWN


def is_field(name: str) -> bool:
    """Whether this is the name of a field."""
    return name in FIELD_HEADINGS


def read_back(heading: str, field: str) -> str:
    """The heading for a column in a file that we give back: as written where that is understood, or else the
    usual one."""
    return heading if field_of(heading) == field else FIELD_HEADINGS[field]
