"""The secrets of private links: 256 random bits, told once; only their SHA-256 is kept, which nobody can turn
back and which needs no salt, since no two are alike or guessable."""

import hashlib
import secrets
from datetime import datetime, timedelta

# A use is written down at most this often.
BETWEEN_USES = timedelta(minutes=5)


def new_secret() -> str:
    """A secret, as it stands in a link's address."""
    return secrets.token_urlsafe(32)


def hash_of(secret: str) -> str:
    """What is kept of a secret, and what a link is found by."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_noted(last_used: datetime | None, now: datetime) -> bool:
    """Whether a use was written down so lately that another need not be."""
    return last_used is not None and now - last_used < BETWEEN_USES
