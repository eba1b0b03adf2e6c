"""What an HEI adds to its letters to learners: whom to ask, what to bring."""

from placements.access import Action, Viewer
from placements.errors import NotFound, Refused, Stale
from placements.organisations.models import Hei
from placements.organisations.queries import visible_heis
from placements.transaction import CHANGED_MEANWHILE, transaction

LONGEST_TEXT = 4000


def paragraphs(text: str) -> list[str]:
    """The text as it stands in a letter: each line that says something is a paragraph."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def save_letter_text(viewer: Viewer, text: str, *, version: int) -> Hei:
    """Say what the letters of the person's HEI add; letters made from now on have it. The same again changes
    nothing. Raises Stale where somebody else changed it since `version`, and Refused where it is too long."""
    with transaction(viewer, Action.SAVE_LETTER_TEXT) as tx:
        hei = tx.session.scalar(visible_heis(viewer))
        if hei is None:
            raise NotFound("There is no HEI of yours.")
        new = "\n".join(line.rstrip() for line in text.strip().splitlines())
        if len(new) > LONGEST_TEXT:
            words = f"Use at most {LONGEST_TEXT:,} characters: there are {len(new):,} now"
            raise Refused(f"{words}.", {"text": words})
        if hei.version != version and hei.letter_text != new:
            raise Stale(CHANGED_MEANWHILE)
        hei.letter_text = new
        tx.note(hei, characters=len(new))
    return hei
