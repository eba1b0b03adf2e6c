"""What may be given as evidence: a PDF or a picture, known by what is in the file and not by its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST_BYTES = 5 * 1024 * 1024
MOST_FILES = 5
LONGEST_NAME = 200

# How a file of each kind begins.
_BEGINS = {
    "application/pdf": b"%PDF-",
    "image/jpeg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG\r\n\x1a\n",
}
ENDINGS = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}


@dataclass(frozen=True)
class GivenFile:
    """A file as it was sent; of one that is too large the first bytes beyond the limit are enough."""

    name: str
    data: bytes


def media_type_of(data: bytes) -> str | None:
    """What kind of file it is; None for any that is not taken."""
    return next((kind for kind, begins in _BEGINS.items() if data.startswith(begins)), None)


def problem_with(files: Sequence[GivenFile]) -> str:
    """Why these files cannot be taken, in words; "" where they can."""
    if len(files) > MOST_FILES:
        return f"Give at most {MOST_FILES} files; these are {len(files)}"
    for file in files:
        name = shown_name(file.name)
        if not file.data:
            return f"{name} is empty: choose another file"
        if len(file.data) > MOST_BYTES:
            return f"{name} is larger than 5 MB: choose a smaller file, or fewer pages"
        if media_type_of(file.data) is None:
            return f"{name} is not a PDF, a JPEG or a PNG: save it as one of these"
    return ""


def shown_name(name: str) -> str:
    """The file's own name without folders and without what a page or a header could trip over."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(letter for letter in last if letter.isprintable()).strip()
    return kept[-LONGEST_NAME:] or "file"
