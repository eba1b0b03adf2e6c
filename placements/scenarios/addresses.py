"""What pages about runs read from an address: filters that can be shared, with nonsense left out."""

from __future__ import annotations

from typing import Any

from flask import request

LARGEST_NUMBER = 2**31 - 1


def number(name: str) -> int | None:
    """A number from the address that a database takes; None for anything else."""
    found = request.args.get(name, type=int)
    return found if found is not None and 0 <= found <= LARGEST_NUMBER else None


def words(name: str) -> str:
    """Words from the address; none where they are not there."""
    return request.args.get(name, "").strip()


def one_of(name: str, allowed: Any, otherwise: str = "") -> str:
    """A word from the address, where it is one of those that are known."""
    found = words(name)
    return found if found in allowed else otherwise


def said(filters: dict[str, Any]) -> dict[str, Any]:
    """The filters that say something, for an address."""
    return {name: value for name, value in filters.items() if value not in (None, "", "all")}
