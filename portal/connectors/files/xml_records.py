"""XML, one record in memory at a time. No document type, so no entities: nothing can be fetched, nothing can expand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.parsers import expat

from portal.connectors.files.bounds import CHUNK, MAX_DEPTH, MAX_LINE
from portal.connectors.files.refusal import Refused

_WRAPPERS = frozenset(
    ("orders", "products", "customers", "inventory", "rows", "records", "bestellungen", "produkte", "kunden", "bestand")
)
"""A root's first child with such a name holds the records; otherwise the root's children are the records."""


def xml_records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line, record) of every record. Raises `Refused` for a document type, and for what is not well-formed or cut off."""
    reading = _Reading()
    for _ in fed(reading.parser, path):
        yield from reading.finished
        reading.finished.clear()


class _Reading:
    """Builds the record under way: an element is its text, or a dict of its attributes and children."""

    def __init__(self) -> None:
        self.finished: list[tuple[int, dict[str, Any]]] = []
        self.level = 2
        self._stack: list[tuple[str, dict[str, Any], list[str]]] = []
        self._depth = self._size = self._line = 0
        self._first = True
        self.parser = guarded()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._refuse(f"is nested more than {MAX_DEPTH} deep", "Flatten the records.")
        if self._depth == 2 and self._first:
            self._first = False
            self.level = 3 if name.lower() in _WRAPPERS else 2
        if self._depth == self.level:
            self._stack, self._size, self._line = [], 0, self.parser.CurrentLineNumber
        if self._depth >= self.level:
            self._count(sum(map(len, attributes)) + sum(map(len, attributes.values())) + len(name))
            own = {key.rpartition(":")[2]: value for key, value in attributes.items() if not key.startswith("xmlns")}
            self._stack.append((name, own, []))

    def _text(self, text: str) -> None:
        if self._stack:
            self._count(len(text))
            self._stack[-1][2].append(text)

    def _end(self, _tag: str) -> None:
        self._depth -= 1
        if not self._stack:
            return
        name, made, texts = self._stack.pop()
        text = "".join(texts).strip()
        if not self._stack:
            self.finished.append((self._line, {**made, "": text} if text else made))
            return
        value: Any = ({**made, "": text} if text else made) if made else text or None
        siblings = self._stack[-1][1]
        if name not in siblings:
            siblings[name] = value
        elif isinstance(siblings[name], list):
            siblings[name].append(value)
        else:
            siblings[name] = [siblings[name], value]

    def _count(self, characters: int) -> None:
        self._size += characters
        if self._size > MAX_LINE:
            self._refuse(f"holds a record of more than {MAX_LINE:,} characters", "Split it.")

    def _refuse(self, what: str, advice: str) -> None:
        line = self.parser.CurrentLineNumber
        raise Refused(f"Line {line} {what}.", advice, line)


def guarded() -> expat.XMLParserType:
    """A parser that refuses a document type and with it every entity."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _no_doctype
    parser.EntityDeclHandler = _no_doctype
    parser.ExternalEntityRefHandler = _no_doctype
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    return parser


def fed(parser: expat.XMLParserType, path: Path) -> Iterator[None]:
    """Give the file to `parser`, with a stop after each piece. Raises `Refused`.

    The parser looks at a tag or comment that has no end yet anew with every piece: one of sixty megabytes would take minutes.
    """
    given = 0
    with path.open("rb") as file:
        while True:
            piece = file.read(CHUNK)
            try:
                parser.Parse(piece, not piece)
            except expat.ExpatError as error:
                raise _refusal(error) from None
            except (ValueError, LookupError):  # what the first line says, and the parser has no table for
                raise Refused("The file is in an encoding that XML is not read in here.", "Save it as UTF-8.") from None
            yield
            if not piece:
                return
            given += len(piece)
            if given - parser.CurrentByteIndex > 2 * MAX_LINE:  # bytes; a character may have two
                line = parser.CurrentLineNumber
                raise Refused(
                    f"Near line {line} a tag or comment is longer than {MAX_LINE:,} characters.", "Split it.", line
                )


def _no_doctype(*_: Any) -> int:
    raise Refused(
        "The file declares a document type (DOCTYPE) or entities, which could reach for other files or grow without end.",
        "Remove the DOCTYPE; data needs none.",
    )


def _refusal(error: expat.ExpatError) -> Refused:
    """What the parser did not like, in words."""
    cut = {expat.errors.codes[name] for name in _CUT}
    if error.code in cut:
        return Refused("The file ends before its last element is closed: it was cut off.", "Export or copy it again.")
    if error.code == expat.errors.codes[expat.errors.XML_ERROR_UNDEFINED_ENTITY]:
        return Refused(
            f"Line {error.lineno} uses an entity that XML itself does not have.", "Write the character.", error.lineno
        )
    if error.code == expat.errors.codes[expat.errors.XML_ERROR_DUPLICATE_ATTRIBUTE]:
        return Refused(f"Line {error.lineno} names an attribute twice.", "Name each one once.", error.lineno)
    told = expat.ErrorString(error.code)
    return Refused(f"Line {error.lineno} is not well-formed XML ({told}).", "Export the file again.", error.lineno)


_CUT = (expat.errors.XML_ERROR_NO_ELEMENTS, expat.errors.XML_ERROR_UNCLOSED_TOKEN, expat.errors.XML_ERROR_PARTIAL_CHAR)
