"""One cell at a time: what each column may hold, what is forgiven, and what is refused with its reason.

A reader takes a cell's text and gives a `Reading`: the value, and where it was not written as we keep it,
what it became. It raises `Unusable` with why the cell cannot be taken and what would be right.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

from placements.cohorts.uploads_directory import Directory, PlacesFinder
from placements.cohorts.uploads_result import TravelMode
from placements.cohorts.withholding import MAIL_WITHHELD, NAME_WITHHELD
from placements.geography.postcodes import normalise_postcode
from placements.spreadsheets import dates
from placements.spreadsheets.cells import Reading, Unusable
from placements.spreadsheets.names import Match

LONGEST_REFERENCE = 50
_REFERENCE_REMEDY = "Use a reference that does not say who the learner is, such as the student number."
LONGEST_LIST = 2_000
LONGEST_REASON = 120
MOST_SITES_LISTED = 30
SHORTEST_TRAVEL_MINUTES = 5
LONGEST_TRAVEL_MINUTES = 240
LOWEST_PRIORITY = 3


@dataclass(frozen=True)
class Said:
    """What one cell comes to: a value, what it became in words, or why it is refused; nothing if blank."""

    value: object = None
    became: str | None = None
    fault: Unusable | None = None


@dataclass
class CellReader:
    """Reads the cells of one file against one directory; `said` is what each text in a field came to, since
    most stand in many rows."""

    directory: Directory
    today: date
    places: PlacesFinder = field(init=False)
    said: dict[tuple[str, str], Said] = field(init=False, default_factory=dict)
    _located: dict[str, bool] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.places = PlacesFinder(self.directory)

    def reference(self, text: str) -> Reading[str]:
        """A learner's pseudonymous reference: letters, figures and a few signs; never an e-mail or a name."""
        written = text
        if "@" in text or MAIL_WITHHELD in text:
            raise Unusable("It looks like an e-mail address.", _REFERENCE_REMEDY)
        if re.fullmatch(r"\d+(\.\d+)?E\+?\d+", text, re.IGNORECASE | re.ASCII):
            raise Unusable(
                "A spreadsheet has shortened this number, so the reference is no longer whole.",
                "Format the column as text, type the reference in full and save the file as CSV again.",
            )
        if text == NAME_WITHHELD:
            raise Unusable("It looks like a person's name.", _REFERENCE_REMEDY)
        text = re.sub(r"(?<=\d)\.0$", "", text)
        odd = next((c for c in text if not (c.isalnum() or c in " -_./:#")), None)
        if odd is not None:
            raise Unusable(
                f"A reference cannot hold “{odd}”.",
                "Use letters, figures, spaces, hyphens, stops or slashes only.",
            )
        if re.fullmatch(r"[^\W\d_]{2,}( [^\W\d_]{2,})+", text):
            raise Unusable("It looks like a person's name.", _REFERENCE_REMEDY)
        if not any(c.isalnum() for c in text):
            raise Unusable(
                "It holds no letter or figure.", "Write the learner's reference, such as the student number."
            )
        return Reading(text, text if text != written else None)

    def postcode(self, text: str) -> Reading[str]:
        """A full postcode in any spelling, which the postcode directory must know."""
        canonical = normalise_postcode(text)
        if canonical is None:
            raise Unusable("It is not a full UK postcode.", "Write it in full, such as B15 2GW.")
        if not self._is_located(canonical):
            # One sign for another that looks like it, where only one reading is a postcode that there is.
            meant = {
                read
                for place, sign in enumerate(text)
                if (
                    read := normalise_postcode(text[:place] + _LOOKS_LIKE.get(sign, sign) + text[place + 1 :])
                )
                and self._is_located(read)
            }
            if len(meant) == 1:
                canonical = meant.pop()
        if not self._is_located(canonical):
            raise Unusable(
                f"{canonical} is not in the directory of UK postcodes.",
                "Check it against the learner's address; if it is new, use the nearest one that is known.",
            )
        return Reading(canonical, None if text == canonical else canonical)

    def _is_located(self, postcode: str) -> bool:
        known = self._located.get(postcode)
        if known is None:
            known = self._located[postcode] = self.directory.locates(postcode)
        return known

    def travel_limit(self, text: str) -> Reading[int]:
        """The longest journey in minutes, each way; hours are turned into minutes."""
        minutes = _minutes(text)
        if minutes is None or not SHORTEST_TRAVEL_MINUTES <= minutes <= LONGEST_TRAVEL_MINUTES:
            reason = (
                "It is not a whole number of minutes."
                if minutes is None
                else f"{text} is not between {SHORTEST_TRAVEL_MINUTES} and {LONGEST_TRAVEL_MINUTES} minutes."
            )
            raise Unusable(
                reason,
                f"Write the longest journey one way in minutes, from {SHORTEST_TRAVEL_MINUTES} to"
                f" {LONGEST_TRAVEL_MINUTES}, such as 60; or leave it blank for the round's usual limit.",
            )
        return Reading(minutes, None if text == str(minutes) else f"{minutes} minutes")

    def priority(self, text: str) -> Reading[int]:
        """A priority from 1, the highest, to 3."""
        words = {"high": 1, "highest": 1, "medium": 2, "normal": 2, "low": 3, "lowest": 3}
        plain = re.sub(r"^(priority|p) ?|(\.0+|st|nd|rd)$", "", text.casefold())
        number = words.get(plain) or (int(plain) if plain in {"1", "2", "3"} else None)
        if number is None:
            raise Unusable(
                "It is not a priority.",
                f"Write 1 (highest), 2 or {LOWEST_PRIORITY}; or leave it blank for the usual priority.",
            )
        return Reading(number, None if text == str(number) else str(number))

    def available_from(self, text: str) -> Reading[date]:
        """The first day a learner can be placed; within a year before the round and its end."""
        return self._day(text, timedelta(0))

    def _day(self, text: str, after_round: timedelta) -> Reading[date]:
        try:
            day = dates.read_date(text)
        except dates.NotADate as fault:
            raise Unusable(
                str(fault), "Write the day, month and year, such as 03/09/2027 or 3 September 2027."
            ) from None
        starts = min(self.today, self.directory.earliest or self.today)
        first = starts - timedelta(days=366)
        last = self.directory.latest or self.today + timedelta(days=5 * 366)
        last += after_round
        if not first <= day <= last:
            raise Unusable(
                f"{dates.spoken(day)} is too far from this round.",
                f"Give a day from {dates.spoken(first)} to {dates.spoken(last)}, or leave it blank.",
            )
        return Reading(day, None if dates.written_plainly(text) else dates.spoken(day))

    def available_until(self, text: str) -> Reading[date]:
        """The last day on which a learner can be placed; it may be long after the round."""
        return self._day(text, timedelta(days=5 * 366))

    def access_need(self, text: str) -> Reading[str]:
        """The key of an access need, from its name or key."""
        names = self.places.access_names
        known = "; ".join(names.values())
        remedy = f"Write one of: {known}." if known else "No access needs are in the reference data yet."
        match = self.places.access_need(text)
        if not match.keys:
            raise Unusable(
                "We know no access need of this name, and no diagnosis is kept.",
                remedy,
                [names[key] for key in match.close],
            )
        key = _one(match, lambda key: names[key], "access need", remedy)
        return Reading(key, None if text.casefold() in (key, names[key].casefold()) else names[key])

    def employer(self, text: str) -> Reading[str]:
        """The ODS code of the trust that employs a learner, from its code, name or abbreviation."""
        return self._trust(text, "employer")

    def hub(self, text: str) -> Reading[str]:
        """The ODS code of the trust that is a learner's hub, in the same way."""
        return self._trust(text, "hub")

    def _trust(self, text: str, of_learner: str) -> Reading[str]:
        match = self.places.trust(text)
        code = _one(
            match,
            lambda ods: f"{self.directory.trusts[ods]} ({ods})",
            "trust",
            "Write the trust's full name or its ODS code;"
            f" leave it blank for a learner with no {of_learner}.",
        )
        return Reading(code, None if text == code else f"{code} ({self.directory.trusts[code]})")

    def site(self, text: str) -> Reading[str]:
        """A site's canonical name, from its name in any case, an abbreviation or its postcode."""
        name = _one(
            self.places.site(text), str, "site", "Write the site's full name as in the list of sites."
        )
        return Reading(name, None if text == name else name)

    def split(self, raw: str, read: Callable[[str], Reading[str]]) -> list[str]:
        """The parts of a cell that may hold several values: between “;”, “|” or lines, or else commas.

        Commas part values only where the whole is not one (some sites' names hold a comma) and every part is.
        """
        parts = [part for part in re.split(r"[;|\r\n]", raw) if part.strip()]
        if len(parts) > MOST_SITES_LISTED:
            raise Unusable(
                f"It names {len(parts):,} of them.", f"Name at most {MOST_SITES_LISTED} in one cell."
            )
        if len(parts) == 1 and "," in raw and not _is_read(" ".join(raw.split()), read):
            by_comma = [part.strip() for part in raw.split(",") if part.strip()]
            if len(by_comma) <= MOST_SITES_LISTED and all(_is_read(part, read) for part in by_comma):
                return by_comma
        return parts


def _is_read(text: str, read: Callable[[str], Reading[str]]) -> bool:
    try:
        read(text)
    except Unusable:
        return False
    return True


def yes_or_no(text: str) -> bool | None:
    """What people write for yes and no in a column that asks; None for anything else."""
    plain = text.casefold().strip(" .!")
    return True if plain in _YES else False if plain in _NO else None


def answer(text: str) -> Reading[bool]:
    """Yes or no."""
    said = yes_or_no(text)
    if said is None:
        raise Unusable("It is neither yes nor no.", "Write “yes” or “no”.", ("yes", "no"))
    return Reading(said, None if text.casefold() in ("yes", "no") else "yes" if said else "no")


def weekdays(text: str) -> Reading[str]:
    """The days of a part-time pattern, as figures (1 is Monday): "Mon-Wed", "Monday, Thursday", "MTW"."""
    plain = text.casefold().replace("–", "-").replace("&", ",").replace("+", ",")
    refused = Unusable(
        "We cannot tell which days of the week these are.",
        "Name the days, such as “Mon, Tue, Wed” or “Mon-Wed”; or leave it blank for the days of the plan.",
    )
    letters = re.sub(r"[\s,/]", "", plain)
    if re.fullmatch(r"[mtwf]{1,5}", letters):
        days = _by_letters(letters)
    elif re.fullmatch(r"full[ -]?time|every (week)?day|all( days)?", plain):
        days = "12345"
    else:
        days = _by_words(plain)
    if not days:
        raise refused
    return Reading(days, ", ".join(_DAY_NAMES[int(day) - 1] for day in days) if days != text else None)


def _by_letters(letters: str) -> str:
    """Days in order; a T is Tuesday before a W and Thursday after one, and otherwise could be either."""
    days = ""
    for place, letter in enumerate(letters):
        after_wednesday = "w" in letters[:place]
        before_wednesday = "w" in letters[place + 1 :]
        if letter == "t" and not after_wednesday and not before_wednesday:
            return ""
        days += {"m": "1", "w": "3", "f": "5"}.get(letter) or ("4" if after_wednesday else "2")
    return days if list(days) == sorted(set(days)) else ""


def _by_words(plain: str) -> str:
    found: set[int] = set()
    for part in re.split(r",|;|/|\band\b|\s(?!-|to\b)(?<!-\s)(?<!to\s)", plain):
        ends = [_DAY.fullmatch(word.strip(" .")) for word in re.split(r"-|\bto\b", part)]
        if not part.strip():
            continue
        if len(ends) > 2 or not all(ends):
            return ""
        numbers = [_day_number(end[0]) for end in ends if end]
        found.update(range(numbers[0], numbers[-1] + 1))
    return "".join(map(str, sorted(found)))


def _day_number(word: str) -> int:
    return next(number for number, name in enumerate(_DAY_NAMES, start=1) if name[:2].lower() == word[:2])


_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
_DAY = re.compile(r"mo|mon(days?)?|tue?s?(days?)?|wed?s?(nesdays?)?|thu?r?s?(days?)?|fri?(days?)?")


def travel_mode(text: str, *, about_driving: bool = False) -> Reading[TravelMode]:
    """How a learner travels, from the words people use; “yes” and “no” where the column asks about a car."""
    words = re.findall(r"[a-z]+", text.casefold().replace("'", "").replace("’", ""))
    refused = Unusable(
        "We cannot tell whether the learner travels by car or by public transport.",
        "Write “car” or “public transport”.",
        ("car", "public transport"),
    )
    answer = yes_or_no(text) if about_driving else None
    if answer is not None:
        mode: TravelMode = "car" if answer else "public_transport"
        return Reading(mode, _MODE_WORDS[mode])
    denied = any(_DENIAL.fullmatch(word) for word in words)
    by_car = any(_BY_CAR.fullmatch(word) for word in words)
    by_public = any(_BY_PUBLIC_TRANSPORT.fullmatch(word) for word in words)
    understood = (_DENIAL, _BY_CAR, _BY_PUBLIC_TRANSPORT, _FILLING)
    unknown = [word for word in words if not any(kind.fullmatch(word) for kind in understood)]
    if unknown or re.search(r"\d", text) or by_car is by_public or (denied and by_public):
        raise refused
    mode = "car" if by_car and not denied else "public_transport"
    return Reading(mode, None if text in (mode, _MODE_WORDS[mode]) else _MODE_WORDS[mode])


_LOOKS_LIKE = {"O": "0", "o": "0", "0": "O", "I": "1", "i": "1", "l": "1", "L": "1", "1": "I"}
DEFAULT_MODE: TravelMode = "public_transport"
_YES = frozenset({"y", "yes", "true", "t", "1", "1.0", "x", "✓", "✔", "☑", "on"})
_NO = frozenset({"n", "no", "false", "f", "0", "0.0", "✗", "✘", "☐", "off"})
_MODE_WORDS: dict[TravelMode, str] = {"car": "car", "public_transport": "public transport"}
_BY_CAR = re.compile(r"cars?|driv(e|es|er|ers|ing)|vehicle|van|motor(bike|cycle)|moped")
_BY_PUBLIC_TRANSPORT = re.compile(
    r"public|pt|bus(es)?|trains?|rail(way)?|trams?|metro|tube|underground|coach|ferry|foot|walk(s|ing)?"
    r"|bikes?|bicycle|cycl(e|es|ing)"
)
_DENIAL = re.compile(r"no|non|not|dont|doesnt|cannot|cant|without")
_FILLING = re.compile(
    r"transport|travels?|and|or|by|on|an?|the|own|has|have|with|us(e|es|ing)|does|can|do|is|only|private|of|to"
    r"|access"
)


def _minutes(text: str) -> int | None:
    plain = text.casefold().replace(",", "") if re.fullmatch(r"\d{1,3}(,\d{3})+", text) else text.casefold()
    if match := re.fullmatch(
        r"([+-]? ?\d{1,9})(?:\.0+)? ?(?:m|min|mins|minute|minutes)?\.?", plain, re.ASCII
    ):
        return int(match[1].replace(" ", ""))
    if match := re.fullmatch(r"(\d{1,3})(?:\.(\d))? ?(?:h|hr|hrs|hour|hours)\.?", plain, re.ASCII):
        return int(match[1]) * 60 + int(match[2] or 0) * 6
    if match := re.fullmatch(
        r"(\d{1,3}) ?(?:h|hr|hrs|hour|hours|:) ?(?:and )?([0-5]?\d) ?(?:m|min|mins|minutes)?", plain, re.ASCII
    ):
        return int(match[1]) * 60 + int(match[2])
    return None


def _one(match: Match, name: Callable[[str], str], kind: str, remedy: str) -> str:
    if len(match.keys) == 1:
        return match.keys[0]
    if match.keys:
        shown = "; ".join(name(key) for key in match.keys[:4])
        more = len(match.keys) - 4
        raise Unusable(
            f"It could be more than one {kind}: {shown}{f'; and {more} more' if more > 0 else ''}.",
            remedy,
            match.keys[:4],
        )
    close = " or ".join(f"“{name(key)}”" for key in match.close)
    raise Unusable(
        f"We know no {kind} of this name.",
        f"Did you mean {close}? {remedy}" if close else remedy,
        match.close,
    )
