"""Other processes of the bench: started here, asked by lines of JSON, ended with their parent.

`python -m portal.bench.child ROLE` is such a process; its setup comes by standard input, so that no secret is an argument.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import msgspec

Answering = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
Role = Callable[[dict[str, Any]], AbstractAsyncContextManager[Answering]]

_LINE = 1 << 22
_PATIENCE = 600.0


class ChildFailed(Exception):
    """A process of the bench ended or said that it failed; its log says more."""


class Child:
    """One process. `ask` waits for its answer; one question at a time."""

    def __init__(self, role: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.role, self._process, self._log = role, process, log

    @classmethod
    async def start(cls, role: str, setup: dict[str, Any], log: Path) -> Child:
        """Start and wait until it is ready. Raises `ChildFailed`."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "portal.bench.child", role),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                limit=_LINE,
                start_new_session=True,
            )
        child = cls(role, process, log)
        try:
            child.ready = await child.ask(**setup)
        except BaseException:
            await child.stop()
            raise
        return child

    ready: dict[str, Any]

    @property
    def pid(self) -> int:
        return self._process.pid

    async def ask(self, **question: Any) -> dict[str, Any]:
        """Its answer to one question. Raises `ChildFailed`."""
        if self._process.stdin is None or self._process.stdout is None:
            raise ChildFailed(f"{self.role} has no pipes")
        self._process.stdin.write(msgspec.json.encode(question) + b"\n")
        async with asyncio.timeout(_PATIENCE):
            raw = await self._process.stdout.readline()
        if not raw:
            raise ChildFailed(f"{self.role} ended: {_tail(self._log)}")
        answer: dict[str, Any] = msgspec.json.decode(raw)
        if "failed" in answer:
            raise ChildFailed(f"{self.role}: {answer['failed']}")
        return answer

    async def stop(self) -> None:
        """End it: the end of its input tells it, a kill if that does not."""
        if self._process.returncode is not None:
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), 15)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return " | ".join(lines[-5:]) or "without a word"


async def serve(role: Role) -> None:
    """In the child: set up, then answer questions until the input ends."""
    loop = asyncio.get_running_loop()
    asked = asyncio.StreamReader(limit=_LINE)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(asked), sys.stdin)
    async with role(msgspec.json.decode(await asked.readline())) as answer:
        _say(await answer({"do": "ready"}))
        while raw := await asked.readline():
            try:
                _say(await answer(msgspec.json.decode(raw)))
            except Exception as error:
                _say({"failed": f"{type(error).__name__}: {error}"})


def _say(words: dict[str, Any]) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(words) + b"\n")
    sys.stdout.buffer.flush()


def main(name: str) -> None:
    """Run the role of the module `portal.bench.roles.<name>` on uvloop."""
    import uvloop

    role: Role = importlib.import_module(f"portal.bench.roles.{name}").role
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(role))


if __name__ == "__main__":
    main(sys.argv[1])
