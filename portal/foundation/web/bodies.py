"""Large request bodies in bounded memory: the sender waits while we have not read, and files go straight to the disk.

Quart takes whatever the server receives into memory, however slowly a handler reads. Here the connection stops taking more
while much lies unread, so TCP slows the sender down. Files of a form larger than a page's form land in files that only we may
read, under the data folder; whoever wants one keeps it under another name, the rest is gone with the request.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from quart import Quart, current_app, request
from quart.asgi import ASGIHTTPConnection
from quart.formparser import FormDataParser
from quart.wrappers import Request
from quart.wrappers.request import Body
from werkzeug.exceptions import RequestEntityTooLarge

UNREAD = 1 << 20
"""Bytes that may lie unread before the sender has to wait."""
SLOWEST = 50_000
"""Bytes a second: a sender slower than this is not waited for (beyond Quart's own minute)."""
_SMALL = 1 << 20


def incoming(data_dir: Path) -> Path:
    """The folder that large files of a form are spooled to."""
    return data_dir / "uploads" / "incoming"


@contextmanager
def on_disk(folder: Path, stream: IO[bytes]) -> Iterator[Path]:
    """The path of a received file: where it was spooled to, or (small ones are still in memory) a copy for the time being."""
    name = getattr(stream, "name", None)
    if isinstance(name, str):
        yield Path(name)
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile(dir=folder, prefix="body-") as made:
        shutil.copyfileobj(stream, made)
        made.flush()
        yield Path(made.name)


class SteadyBody(Body):
    """Counts all that arrives (not only what lies unread), and says when there is room for more."""

    def __init__(self, expected_content_length: int | None, max_content_length: int | None) -> None:
        # The limit is the route's (accounts/gate.py sets it before anything is read), not one for the whole app.
        super().__init__(None, None)
        self._arrived, self._whole, self._taken = 0, False, asyncio.Event()

    async def room(self) -> None:
        """Wait until less than `UNREAD` lies unread. A body that is awaited whole has room for all its route allows."""
        while len(self._data) >= UNREAD and not self._whole and self._must_raise is None:
            self._taken.clear()
            await self._taken.wait()

    def append(self, data: bytes) -> None:
        self._arrived += len(data)
        super().append(data)
        if self._max_content_length is not None and self._arrived > self._max_content_length and not self._must_raise:
            self._must_raise = RequestEntityTooLarge()
            self.set_complete()

    async def __anext__(self) -> bytes:
        try:
            return await super().__anext__()
        finally:
            self._taken.set()

    def __await__(self) -> Generator[Any, None, Any]:
        self._whole = True
        self._taken.set()
        return (yield from super().__await__())


class SteadyConnection(ASGIHTTPConnection):
    """Takes the next message of the server when there is room for it."""

    async def handle_messages(self, request: Request, receive: Any) -> None:
        body = request.body
        while True:
            if isinstance(body, SteadyBody):
                await body.room()
            message = await receive()
            if message["type"] == "http.request":
                body.append(message.get("body", b""))
                if not message.get("more_body", False):
                    body.set_complete()
            elif message["type"] == "http.disconnect":
                return


class SteadyRequest(Request):
    """A request whose large files are spooled to the app's `SPOOL` folder."""

    body_class = SteadyBody

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        if self.body_timeout is not None:
            self.body_timeout = max(self.body_timeout, (self.content_length or 0) // SLOWEST)

    def make_form_data_parser(self) -> FormDataParser:
        return self.form_data_parser_class(
            max_content_length=self.max_content_length,
            max_form_memory_size=self.max_form_memory_size,
            max_form_parts=self.max_form_parts,
            cls=self.parameter_storage_class,
            stream_factory=self._spool,
        )

    def _spool(self, size: int | None, _type: str | None, _name: str | None, _length: int | None = None) -> IO[bytes]:
        if size is not None and size <= _SMALL:
            return tempfile.SpooledTemporaryFile(max_size=_SMALL)
        folder: Path = current_app.config["SPOOL"]
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = tempfile.NamedTemporaryFile(dir=folder, prefix="body-")  # noqa: SIM115 - for us alone (mkstemp)
        self.__dict__.setdefault("spooled", []).append(made)
        return made


def install(app: Quart, spool: Path) -> None:
    """Let `app` take bodies this way, with `spool` as the folder for large files."""
    app.config["SPOOL"] = spool
    app.request_class = SteadyRequest
    app.asgi_http_class = SteadyConnection

    async def close(_error: BaseException | None) -> None:
        for made in request.__dict__.get("spooled", ()):
            with suppress(FileNotFoundError):
                made.close()

    app.teardown_request(close)
