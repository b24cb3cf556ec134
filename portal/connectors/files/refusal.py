"""A file that cannot be read at all, in the words the merchant gets."""

from __future__ import annotations


class Refused(Exception):
    """`reason` is what is wrong, `advice` what would be right; `line` (from 1) where, when it is at one place."""

    def __init__(self, reason: str, advice: str = "", line: int | None = None) -> None:
        super().__init__(reason)
        self.reason, self.advice, self.line = reason, advice, line
