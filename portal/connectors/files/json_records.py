"""JSON and JSON Lines, one record in memory at a time.

An array is not parsed as a whole: its elements are found by their brackets, then each is parsed. Numbers stay the text they are
written as, so no cent is lost to a float.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from portal.connectors.files.bounds import CHUNK, MAX_DEPTH, MAX_LINE
from portal.connectors.files.lines import lines, opened
from portal.connectors.files.refusal import Refused

_MARK = re.compile(r'[{}\[\]"]')
# Possessive: of a string that has no end yet nothing is tried twice.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.S)
_BETWEEN = re.compile(r"\s*,?\s*")
_PAIRS = {"{": "}", "[": "]"}
_CUT = ("The file ends in the middle of a record: it was cut off.", "Export or copy it again.")


def json_lines(path: Path, encoding: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line, record) of a file with one object per line."""
    with opened(path, encoding) as file:
        for number, line in enumerate(lines(file), 1):
            if line.strip():
                yield number, _parsed(line, number)


def json_array(path: Path, encoding: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line, record) of the elements of the first array: the document itself, or a member of its top object."""
    with opened(path, encoding) as file:
        scan = _Scan()
        while True:
            more = _more(file, scan.line)
            yield from scan.records(more)
            if not more:
                return


class _Scan:
    """Follows the brackets. `text` is what is not done with: the record under way, or what stands between two."""

    def __init__(self) -> None:
        self.text, self.at, self.line = "", 0, 1
        self.open = ""  # the brackets that are open
        self.array: str | None = None  # what was open just inside the array of records; "" once that is closed
        self.begin, self.began = -1, 1  # the record under way, and its line
        self.after = 0  # the end of the record before

    def records(self, more: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """The records that `more` text completes; the end of the file is an empty text."""
        self.text += more
        while (mark := self._mark()) is not None:
            sign, start = mark
            if sign in "{[":
                self._opens(sign, start)
            else:
                yield from self._closes(sign, start)
        if not more:
            if self.open:
                raise Refused(*_CUT)
            if self.array is None:
                raise Refused("There is no list of records in the file.", "Use [{…}, {…}], or one object per line.")
        keep = self.begin if self.begin >= 0 else self.after if self.array else self.at
        if len(self.text) - keep > MAX_LINE:
            raise Refused(
                f"Near line {self.line} a record has more than {MAX_LINE:,} characters.", "Split it.", self.line
            )
        self.text, self.at, self.after = self.text[keep:], self.at - keep, max(0, self.after - keep)
        self.begin = 0 if self.begin >= 0 else -1

    def _mark(self) -> tuple[str, int] | None:
        """The next bracket that is not inside a string; None when more text is needed to know."""
        while mark := _MARK.search(self.text, self.at):
            end = mark.end()
            if mark[0] == '"':
                string = _STRING.match(self.text, mark.start())
                if string is None:
                    self._pass(mark.start())
                    return None
                end = string.end()
            self._pass(end)
            if mark[0] != '"':
                return mark[0], mark.start()
        self._pass(len(self.text))
        return None

    def _pass(self, end: int) -> None:
        self.line += self.text.count("\n", self.at, end)
        self.at = end

    def _opens(self, sign: str, start: int) -> None:
        if self.array == "" and not self.open:
            raise Refused(f"Line {self.line} begins a second document.", "One list of records to a file.", self.line)
        if self.array and self.open == self.array:
            self._only_commas(start)
            if sign == "[":
                raise Refused(f"At line {self.line} there is a list where a record belongs.", "Use {…}.", self.line)
            self.begin, self.began = start, self.line
        self.open += sign
        if len(self.open) > MAX_DEPTH:
            raise Refused(f"Line {self.line} is nested more than {MAX_DEPTH} deep.", "Flatten the records.", self.line)
        if self.array is None and sign == "[" and len(self.open) <= 2:
            self.array, self.after = self.open, self.at

    def _closes(self, sign: str, start: int) -> Iterator[tuple[int, dict[str, Any]]]:
        if not self.open or _PAIRS[self.open[-1]] != sign:
            raise Refused(f"Line {self.line} is not JSON: a bracket does not match.", "Export it again.", self.line)
        if self.array and self.open == self.array:
            self._only_commas(start)
            self.array = ""  # what follows is only looked at for its brackets
        self.open = self.open[:-1]
        if self.begin >= 0 and self.open == self.array:
            yield self.began, _parsed(self.text[self.begin : self.at], self.began)
            self.begin, self.after = -1, self.at

    def _only_commas(self, start: int) -> None:
        between = self.text[self.after : start]
        if not _BETWEEN.fullmatch(between):
            raise Refused(
                f"Line {self.line} is not JSON: {between.strip()[:20]!r} stands between records.",
                "Use objects: [{…}, {…}].",
                self.line,
            )


def _more(file: Any, line: int) -> str:
    try:
        more: str = file.read(CHUNK)
    except UnicodeDecodeError:
        raise Refused(f"Near line {line} there are bytes that are not text.", "Save the file as UTF-8.", line) from None
    return more


def _parsed(text: str, line: int) -> dict[str, Any]:
    try:
        record = _decoder.decode(text)
    except RecursionError:
        raise Refused(f"Line {line} is nested too deeply.", "Flatten the records.", line) from None
    except _Twice as twice:
        raise Refused(f"The record at line {line} names “{twice}” twice.", "Name each field once.", line) from None
    except ValueError:
        raise Refused(f"Line {line} is not JSON.", "Was the file cut off? Export it again.", line) from None
    if not isinstance(record, dict):
        raise Refused(f"Line {line} is not a record with named fields.", "Use objects: {…}.", line)
    return record


class _Twice(ValueError):
    pass


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in pairs:
        if name in made:
            raise _Twice(name[:60])
        made[name] = str(value).lower() if isinstance(value, bool) else value
    return made


def _number(text: str) -> str:
    """Without an exponent, unless that would be long (then it is a wrong number, told where it stands)."""
    if "e" not in text.lower():
        return text
    try:
        value = Decimal(text)
    except InvalidOperation:
        return text
    return format(value, "f") if abs(value.adjusted()) < 30 else text


def _not_a_number(word: str) -> str:
    raise ValueError(word)


_decoder = json.JSONDecoder(object_pairs_hook=_once, parse_float=_number, parse_int=str, parse_constant=_not_a_number)
