"""What is said to an open page: in order, bounded, and framed as RFC 6455 says."""

from __future__ import annotations

from uuid import uuid4

import pytest
from wsproto.frame_protocol import FrameProtocol, Opcode

from portal.dashboard.socket import QUEUE, Socket, message
from portal.foundation.wire import text_frame


class Line:
    """A wire that takes frames while it is free."""

    def __init__(self) -> None:
        self.free, self.taken = True, []

    def write(self, frame: bytes) -> bool:
        if self.free:
            self.taken.append(frame)
        return self.free


@pytest.fixture
async def socket() -> Socket:
    return Socket(uuid4(), None, None, Line())


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536])
def test_a_frame_of_any_length_reads_as_one_final_text_message(length: int) -> None:
    protocol = FrameProtocol(client=True, extensions=[])
    protocol.receive_bytes(text_frame(b"x" * length))
    frames = list(protocol.received_frames())
    assert {frame.opcode for frame in frames} == {Opcode.TEXT}
    assert "".join(frame.payload for frame in frames) == "x" * length
    assert frames[-1].message_finished


async def test_a_message_goes_straight_onto_a_free_wire(socket: Socket) -> None:
    socket.offer(message(type="part", html="ü"))
    assert socket.wire.taken == [text_frame('{"type":"part","html":"ü"}'.encode())]


async def test_nothing_overtakes_a_message_that_had_to_wait(socket: Socket) -> None:
    first, second = message(type="part", id="1"), message(type="part", id="2")
    socket.wire.free = False
    socket.offer(first)
    socket.wire.free = True
    socket.offer(second)
    assert socket.wire.taken == []
    assert await socket.next() == first
    socket.offer(third := message(type="part", id="3"))  # while the first is being sent
    assert [await socket.next(), await socket.next()] == [second, third]


async def test_a_page_that_lags_is_closed_and_never_buffered_without_end(socket: Socket) -> None:
    socket.wire = None
    for number in range(QUEUE + 10):
        socket.offer(message(type="part", id=str(number)))
    assert socket.closing == (1013, "")
    assert await socket.next() is None


async def test_after_its_end_a_socket_is_told_nothing_more(socket: Socket) -> None:
    socket.end(4401, "signed_out")
    socket.end(1001, "")
    socket.offer(message(type="part", id="late"))
    assert socket.wire.taken == []
    assert await socket.next() is None
    assert socket.closing == (4401, "signed_out")
