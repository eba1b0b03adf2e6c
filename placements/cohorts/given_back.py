"""Places that learners gave back because they were not clear: a match asks for none of them until they are.
Repairs registers which."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy.orm import Session

# From session, round and whether those who are clear again count too, to requirement id -> why it was given
# back, in whole sentences.
Source = Callable[[Session, int, bool], Mapping[int, str]]

_sources: list[Source] = []


def register(source: Source) -> None:
    """Say how they are found; the last one registered is asked."""
    _sources[:] = [source]


def given_back(session: Session, round_id: int, *, clear_too: bool = False) -> Mapping[int, str]:
    """The requirements of a round that are not asked for, each with the reason; none before the freeze.
    `clear_too`: and those that are asked for again, whom a run from before that knows nothing of."""
    return _sources[0](session, round_id, clear_too) if _sources else {}
