"""How a secret is shown: recognisable by its kind, revealing nothing of its value."""

from __future__ import annotations

_HIDDEN = "****"
_LONGEST_PREFIX = 8


def mask(value: str) -> str:
    """`ck_****` for `ck_1a2b…`: the kind's prefix up to the first underscore, then stars; nothing for nothing.

    A long or odd "prefix" is part of the secret itself, so then only the stars are shown.
    """
    if not value:
        return ""
    prefix, underscore, rest = value.partition("_")
    if underscore and rest and len(prefix) <= _LONGEST_PREFIX and prefix.isascii() and prefix.isalpha():
        return f"{prefix}_{_HIDDEN}"
    return _HIDDEN


def is_masked(value: str) -> bool:
    """Whether the value is what `mask` shows. Coming back from a form or in JSON it means "unchanged"."""
    prefix, stars, rest = value.partition(_HIDDEN)
    return bool(stars) and not rest and (not prefix or mask(f"{prefix}x") == value)
