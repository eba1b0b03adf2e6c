"""Letters to learners as one PDF, each from a fresh page: where, when, how far, and what the HEI adds.

They are set by Typst from templates/letters, which is given everything as data: no text of anybody's is ever
read as its markup. The result is tagged for screen readers (PDF/UA-1).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, cast

import typst

from placements.allocations.models import Publication, PublicationLine
from placements.allocations.published import PublishedLearner
from placements.bank_holidays import holidays_in
from placements.organisations.letter_text import paragraphs
from placements.settings import ROOT
from placements.web.formats import count, day, journey, short_day, weekdays

FOLDER = ROOT / "templates" / "letters"


def letters_pdf(
    publication: Publication,
    learners: Iterable[PublishedLearner],
    *,
    texts: Mapping[int, str] | None = None,
    with_travel: bool = True,
) -> bytes:
    """A letter for each learner who has a place, or whose place is held back.

    `texts` is what each HEI adds, by its id; `with_travel` is for those who may know how far a learner
    travels.
    """
    round_name = publication.round.name
    letters = [
        _letter(learner, round_name, (texts or {}).get(learner.first.hei_id, ""), with_travel)
        for learner in learners
        if learner.placed or learner.held
    ]
    return _set(
        {
            "title": f"Placement letters, {round_name}, version {publication.number}",
            "published": f"Published {day(publication.published_utc.date())}",
            "footer": f"{round_name}, version {publication.number} of the published places. "
            "A later version replaces this letter.",
            "held": "Waiting until you are ready",
            "held_words": "You are told where these are once your university has recorded what is missing:",
            "missing": "No place yet",
            "letters": letters,
        }
    )


def _letter(learner: PublishedLearner, round_name: str, text: str, with_travel: bool) -> dict[str, Any]:
    first = learner.first
    return {
        "hei": first.hei,
        "title": f"Your {'placement' if len(learner.placed) == 1 else 'placements'}, {round_name}",
        "reference": f"Learner {first.learner_reference}",
        "programme": first.programme,
        "stage": first.stage,
        "places": [
            {"heading": f"{line.block}: {line.modality}", "facts": _facts(line, with_travel)}
            for line in learner.placed
        ],
        "held": [f"{line.block}, {_span(line)}: {line.not_ready}" for line in learner.held],
        "missing": [
            f"{line.block}, {_span(line)}: {line.modality}"
            for line in learner.lines
            if line.state == "unplaced"
        ],
        "text_heading": f"From {first.hei}",
        "text": paragraphs(text),
    }


def _facts(line: PublicationLine, with_travel: bool) -> list[dict[str, str]]:
    facts = {
        "Where": f"{line.site}, {line.site_postcode}" if line.site_postcode else str(line.site),
        "Trust": line.trust or "",
        "First day": _day(line.first_day),
        "Last day": _day(line.last_day),
        "Days": weekdays(line.weekdays),
        "Weeks commencing": f"{', '.join(map(short_day, line.mondays))} ({count(line.weeks, 'week')})",
        "Bank holidays": _holidays(line),
        "Still to do": line.not_ready,
    }
    if with_travel and line.travel_minutes is not None:
        estimate = " (an estimate)" if line.travel_is_estimated else ""
        facts["Travel one way"] = f"{journey(line.travel_minutes, line.travel_mode)}{estimate}"
    return [{"name": name, "value": value} for name, value in facts.items() if value]


def _span(line: PublicationLine) -> str:
    return f"{day(line.first_day)} to {day(line.last_day)}"


def _day(value: date) -> str:
    return f"{value:%A} {day(value)}"


def _holidays(line: PublicationLine) -> str:
    return ", ".join(
        f"{_day(holiday)} ({name})"
        for week in line.mondays
        for holiday, name in holidays_in(week).items()
        if str(holiday.isoweekday()) in line.weekdays
    )


def _set(data: Mapping[str, Any]) -> bytes:
    compiler = typst.Compiler(FOLDER / "placements.typ", root=FOLDER, ignore_system_fonts=True)
    given = {"data": json.dumps(data)}
    try:
        pdf = compiler.compile(sys_inputs=given, format="pdf", pdf_standards=["ua-1"])
    except typst.TypstError:
        # A character that the fonts lack is no PDF/UA, and still better printed as a box than not at all.
        pdf = compiler.compile(sys_inputs=given, format="pdf")
    return cast(bytes, pdf)
