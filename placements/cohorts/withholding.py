"""A cohort file needs no names or e-mail addresses; where one slipped in, it is never stored.

The parser refuses such a cell and says why. Here its text is taken out of what is kept for the preview.
"""

import re
from dataclasses import replace

from placements.cohorts.uploads import ParsedUpload
from placements.cohorts.uploads_columns import field_of
from placements.spreadsheets.remarks import RefusedRow

WITHHELD = "(not kept)"

_EMAIL = re.compile(r"[^\s,;|]+@[^\s,;|]+")
# Words of letters alone, two or more, with nothing that a reference would have: "Jane Smith", "Smith, J."
_NAME = re.compile(r"[^\W\d_][^\W\d_.'’\-]*([\s,.'’\-]+[^\W\d_]+)+\.?")


def without_personal_details(parsed: ParsedUpload) -> ParsedUpload:
    """The same result with every e-mail address, and every name in a reference's place, taken out."""
    references = [field_of(heading) == "reference" for heading in parsed.columns]
    headings = {heading for heading, is_one in zip(parsed.columns, references, strict=True) if is_one}
    return replace(
        parsed,
        refusals=tuple(
            replace(refusal, value=_kept(refusal.value, is_reference=refusal.column in headings))
            for refusal in parsed.refusals
        ),
        refused_rows=tuple(
            RefusedRow(
                row.line,
                tuple(
                    _kept(cell, is_reference=is_one)
                    for cell, is_one in zip(row.cells, references, strict=True)
                ),
            )
            for row in parsed.refused_rows
        ),
        corrections=tuple(
            replace(correction, value=_kept(correction.value)) for correction in parsed.corrections
        ),
    )


def _kept(text: str, *, is_reference: bool = False) -> str:
    if is_reference and _NAME.fullmatch(text.strip()):
        return WITHHELD
    return _EMAIL.sub(WITHHELD, text)
