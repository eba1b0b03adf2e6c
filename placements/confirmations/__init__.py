"""Trusts' answers: places that stand are proposed to their trusts, which confirm, decline or ask."""
