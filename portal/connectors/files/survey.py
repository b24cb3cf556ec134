"""The first reading of a file, whole and once: what it is not, its encoding, its digest."""

from __future__ import annotations

import codecs
import hashlib
from pathlib import Path

import msgspec

from portal.connectors.files.bounds import MAX_BYTES
from portal.connectors.files.refusal import Refused

_CSV = "Export it as CSV (UTF-8), JSON or XML and upload that."
_UNPACK = "Unpack it and upload the file inside."
_KNOWN = (
    (b"\x1f\x8b", "The file is compressed (gzip).", _UNPACK),
    (b"PK\x03\x04", "The file is a zip archive or an Excel workbook.", "In Excel: Save as → CSV UTF-8. An archive: unpack it."),
    (b"PK\x05\x06", "The file is an empty zip archive.", _UNPACK),
    (b"BZh", "The file is compressed (bzip2).", _UNPACK),
    (b"\xfd7zXZ", "The file is compressed (xz).", _UNPACK),
    (b"7z\xbc\xaf", "The file is compressed (7z).", _UNPACK),
    (b"Rar!", "The file is compressed (rar).", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "The file is compressed (zstd).", _UNPACK),
    (b"%PDF", "The file is a PDF.", _CSV),
    (b"\xd0\xcf\x11\xe0", "The file is an old Excel workbook.", "In Excel: File → Save as → CSV UTF-8."),
    (b"PAR1", "The file is a Parquet file.", _CSV),
    (b"SQLite format 3", "The file is a database.", _CSV),
    (b"\xff\xfe\x00\x00", "The file is in UTF-32.", "Save it as UTF-8."),
    (b"\x00\x00\xfe\xff", "The file is in UTF-32.", "Save it as UTF-8."),
)  # fmt: skip
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
ENCODINGS = ("utf-8-sig", "utf-8", "utf-16", "cp1252", "latin-1")
_PIECE = 1 << 20
_ONLY_1252 = bytes(range(0x80, 0xA0))
_NOT_1252 = b"\x81\x8d\x8f\x90\x9d"


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """`encoding` is a name of Python's; `sha256` of the bytes as they came."""

    bytes: int
    sha256: str
    encoding: str


def survey(path: Path) -> Survey:
    """Read `path` to its end in pieces. Raises `Refused` for what is empty, too large, compressed, binary or cut off."""
    digest, size = hashlib.sha256(), 0
    utf8 = codecs.getincrementaldecoder("utf-8")()
    valid, seen, nul, encoding = True, bytearray(256), -1, ""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            if not size:
                _refuse_known(piece)
                encoding = next((name for bom, name in _BOMS if piece.startswith(bom)), "")
            if nul < 0 and (found := piece.find(0)) >= 0:
                nul = size + found
            size += len(piece)
            if size > MAX_BYTES:
                raise Refused("The file is larger than 1 GB.", "Split it into several files, for example by year.")
            digest.update(piece)
            if valid:
                try:
                    utf8.decode(piece)
                except UnicodeDecodeError:
                    valid = False
            if not valid:
                for value in set(piece):
                    seen[value] = 1
    if not size:
        raise Refused("The file is empty.", "Export it again and look at it before the upload.")
    encoding = encoding or _encoding(valid, utf8, seen)
    if nul >= 0 and encoding != "utf-16":
        raise Refused("The file holds binary data (a NUL byte).", _CSV)
    if encoding == "utf-16" and size % 2:
        raise Refused("The file ends in the middle of a character: it was cut off.", "Export or copy it again.")
    return Survey(bytes=size, sha256=digest.hexdigest(), encoding=encoding)


def _refuse_known(head: bytes) -> None:
    for signature, reason, advice in _KNOWN:
        if head.startswith(signature):
            raise Refused(reason, advice)


def _encoding(valid: bool, utf8: codecs.IncrementalDecoder, seen: bytearray) -> str:
    if valid:
        try:
            utf8.decode(b"", True)
        except UnicodeDecodeError:
            raise Refused(
                "The file ends in the middle of a character: it was cut off.", "Export or copy it again."
            ) from None
        return "utf-8"
    if any(seen[value] for value in _NOT_1252):
        return "latin-1"
    return "cp1252" if any(seen[value] for value in _ONLY_1252) else "latin-1"
