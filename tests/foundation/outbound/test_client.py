"""Answers come whole and bounded; what goes wrong on the way is told with advice."""

from __future__ import annotations

import asyncio
import gzip
import socket
import time
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from portal.foundation.errors import ConnectorError, Permanent, StartupError, Temporary
from portal.foundation.outbound import OutboundClient, RetryPolicy

from .conftest import Store, http

QUICK = RetryPolicy(base=0.01, cap=2.0)


async def failure(client: OutboundClient, url: str, **options: object) -> ConnectorError:
    with pytest.raises(ConnectorError) as caught:
        await client.request("GET", url, **{"retries": 0, **options})  # type: ignore[arg-type]
    assert caught.value.advice
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return caught.value


async def test_an_answer_comes_with_status_headers_body_and_time(store: Store, client: OutboundClient) -> None:
    store.answers = [http(404, "späť".encode(), X_WP_Total="7")]
    reply = await client.request(
        "post", f"{store.url}/a%20b?x=1", params={"y": "2 +&"}, headers={"X-A": "b"}, body=b"{}"
    )
    assert (reply.status, reply.headers["x-wp-total"], reply.body.decode()) == (404, "7", "späť")
    assert 0 < reply.elapsed < 5
    sent = store.requests[0].decode()
    assert sent.startswith("POST /a%20b?x=1&y=2+%2B%26 HTTP/1.1")
    assert "X-A: b" in sent
    assert "User-Agent: CommercePortal" in sent


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", lambda body: gzip.compress(body[:5]) + gzip.compress(body[5:])),
        ("gzip", lambda body: gzip.compress(body) + b"\0\0\0"),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body)[2:-4]),
        ("identity", lambda body: body),
    ],
)
async def test_compressed_answers_are_decoded(
    store: Store, client: OutboundClient, encoding: str, encode: object
) -> None:
    body = bytes(range(256)) * 2000
    store.answers = [http(200, encode(body), Content_Encoding=encoding)]  # type: ignore[operator]
    assert (await client.request("GET", store.url)).body == body


async def test_an_empty_answer_may_claim_to_be_compressed(store: Store, client: OutboundClient) -> None:
    store.answers = [http(200, b"", Content_Encoding="gzip")]
    assert (await client.request("GET", store.url)).body == b""


@pytest.mark.parametrize("announced", [True, False])
async def test_an_answer_too_large_is_cut_off_while_reading(
    store: Store, client: OutboundClient, announced: bool
) -> None:
    sent = 0

    async def flood(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: 100000000\r\n" if announced else b"") + b"\r\n")
        for _ in range(1000):
            writer.write(b"x" * 100_000)
            await writer.drain()
            sent += 100_000

    store.answers = [flood]
    error = await failure(client, store.url, max_bytes=1_000_000)
    assert isinstance(error, Permanent)
    assert error.details["reason"] == "too_large"
    assert sent < 20_000_000


@pytest.mark.parametrize("encode", [gzip.compress, zlib.compress])
async def test_a_compression_bomb_costs_a_moment_and_no_memory(
    store: Store, client: OutboundClient, encode: object
) -> None:
    bomb = encode(b"\0" * 200_000_000)  # type: ignore[operator]
    store.answers = [http(200, bomb, Content_Encoding="gzip" if bomb[:1] == b"\x1f" else "deflate")]
    began = time.perf_counter()
    error = await failure(client, store.url, max_bytes=1_000_000)
    assert error.details["reason"] == "too_large"
    assert time.perf_counter() - began < 15


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (http(200, b"half", Content_Length="100"), "truncated"),
        (http(200, gzip.compress(b"x" * 9999)[:-9], Content_Encoding="gzip"), "truncated"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "truncated"),
        (http(200, b"not gzip at all", Content_Encoding="gzip"), "unreadable"),
        (http(200, b"abc", Content_Encoding="br"), "unreadable"),
        (b"SSH-2.0-OpenSSH_9\r\n\r\n", "unreadable"),
        (b"", "cut"),
    ],
)
async def test_a_broken_answer_is_named(store: Store, client: OutboundClient, answer: bytes, reason: str) -> None:
    store.answers = [answer]
    error = await failure(client, store.url)
    assert error.details["reason"] == reason
    assert isinstance(error, Temporary) == (reason in ("truncated", "cut"))


async def test_silence_ends_after_the_timeout(store: Store, client: OutboundClient) -> None:
    async def say_nothing(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5)

    store.answers = [say_nothing]
    began = time.perf_counter()
    error = await failure(client, store.url, timeout=0.2)
    assert error.details["reason"] == "timeout"
    assert time.perf_counter() - began < 15


async def test_an_answer_that_trickles_for_ever_ends_after_the_timeout_too(
    store: Store, client: OutboundClient
) -> None:
    async def trickle(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(100):
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.05)

    store.answers = [trickle]
    assert (await failure(client, store.url, timeout=0.4)).details["reason"] == "timeout"


async def test_a_refused_connection_and_an_unknown_name_are_told_apart(store: Store) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    client = OutboundClient([f"127.0.0.1:{port}"])
    error = await failure(client, f"http://127.0.0.1:{port}/")
    assert (error.details["reason"], type(error)) == ("refused", Temporary)
    assert (await failure(client, "http://no-such-shop.invalid/")).details["reason"] == "dns"
    await client.close()


async def test_a_header_that_http_cannot_carry_is_not_sent(store: Store, client: OutboundClient) -> None:
    error = await failure(client, store.url, headers={"Authorization": "sekret\r\nX-Evil: 1"})
    assert error.details["reason"] == "bad_request"
    assert "sekret" not in str(error)
    assert store.requests == []


@pytest.fixture
async def tls_client(secure_store: Store) -> AsyncIterator[OutboundClient]:
    client = OutboundClient([f"localhost:{secure_store.port}", f"127.0.0.1:{secure_store.port}"])
    yield client
    await client.close()


async def test_an_untrusted_certificate_says_so_and_what_to_do(secure_store: Store, tls_client: OutboundClient) -> None:
    error = await failure(tls_client, f"https://localhost:{secure_store.port}/")
    assert error.details["reason"] == "certificate"
    assert "certificate" in error.message
    assert "verify_ssl" in error.advice
    assert "CA" in error.advice
    assert isinstance(error, Permanent)


async def test_a_store_may_bring_its_own_authority_or_go_unverified(
    secure_store: Store, tls_client: OutboundClient, certificate: Path
) -> None:
    url = f"https://localhost:{secure_store.port}/"
    pem = certificate.read_text().partition("-----BEGIN PRIVATE")[0]
    assert (await tls_client.request("GET", url, ca_pem=pem)).status == 200
    assert (await tls_client.request("GET", url, verify_ssl=False)).status == 200
    assert (await failure(tls_client, url)).details["reason"] == "certificate"
    other_name = url.replace("localhost", "127.0.0.1")
    assert (await failure(tls_client, other_name, ca_pem=pem)).details["reason"] == "certificate"
    assert (await failure(tls_client, url, ca_pem="no PEM")).details["reason"] == "certificate"


async def test_the_installation_may_trust_an_authority_for_all_stores(secure_store: Store, certificate: Path) -> None:
    client = OutboundClient([f"localhost:{secure_store.port}"], ca_file=certificate)
    assert (await client.request("GET", f"https://localhost:{secure_store.port}/")).status == 200
    await client.close()
    with pytest.raises(StartupError, match="not a readable PEM"):
        OutboundClient(ca_file=Path(__file__))


async def test_https_on_a_plain_port_is_a_tls_error(store: Store, client: OutboundClient) -> None:
    error = await failure(client, store.url.replace("http:", "https:"))
    assert error.details["reason"] == "tls"


async def test_passing_failures_are_repeated_until_it_works(store: Store, client: OutboundClient) -> None:
    store.answers = [http(503), b"", http(429, Retry_After="0"), http(200, b"at last")]
    reply = await client.request("GET", store.url, retries=QUICK)
    assert (reply.body, store.connections) == (b"at last", 4)


async def test_patience_ends_and_the_last_answer_is_given(store: Store, client: OutboundClient) -> None:
    store.answers = [http(500, b"broken")]
    assert (await client.request("GET", store.url, retries=QUICK)).status == 500
    assert store.connections == 4
    store.answers = [b""]
    with pytest.raises(Temporary):
        await client.request("GET", store.url, retries=1)
    assert store.connections == 6


async def test_a_writing_request_is_never_repeated_unless_said_to_be_idempotent(
    store: Store, client: OutboundClient
) -> None:
    store.answers = [http(503)]
    assert (await client.request("POST", store.url, body=b"x", retries=QUICK)).status == 503
    assert store.connections == 1
    patient = RetryPolicy(base=0.01, attempts=2, idempotent=True)
    await client.request("POST", store.url, body=b"x", retries=patient)
    assert store.connections == 3


async def test_retry_after_is_waited_for_and_a_long_one_goes_to_the_caller(
    store: Store, client: OutboundClient
) -> None:
    store.answers = [http(429, Retry_After="1"), http(200)]
    began = time.perf_counter()
    assert (await client.request("GET", store.url, retries=QUICK)).status == 200
    assert 1.0 <= time.perf_counter() - began < 15
    store.answers = [http(429, Retry_After="3600")]
    reply = await client.request("GET", store.url, retries=QUICK)
    assert (reply.status, reply.headers["retry-after"]) == (429, "3600")


async def test_a_large_download_is_read_in_pieces(store: Store, client: OutboundClient) -> None:
    body = b"line\n" * 2_000_000
    store.answers = [http(503), http(200, gzip.compress(body, 1), Content_Encoding="gzip")]
    total, largest = 0, 0
    async with client.stream("GET", store.url, retries=QUICK) as reply:
        assert reply.status == 200
        async for chunk in reply.chunks():
            total, largest = total + len(chunk), max(largest, len(chunk))
    assert total == len(body)
    assert largest <= 65_536


async def test_a_download_that_breaks_off_or_grows_too_long_says_so(store: Store, client: OutboundClient) -> None:
    store.answers = [http(200, b"half", Content_Length="100"), http(200, b"x" * 1000, Content_Length="")]
    for reason in ("truncated", "too_large"):
        async with client.stream("GET", store.url, max_bytes=500) as reply:
            with pytest.raises(ConnectorError) as caught:
                _ = [chunk async for chunk in reply.chunks()]
        assert caught.value.details["reason"] == reason


async def test_leaving_a_download_early_closes_its_connection(store: Store, client: OutboundClient) -> None:
    gone = asyncio.Event()

    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 10_000)
                await writer.drain()
                await asyncio.sleep(0)
        except ConnectionError:
            gone.set()

    store.answers = [endless]
    async with client.stream("GET", store.url) as reply:
        async for _ in reply.chunks():
            break
    await asyncio.wait_for(gone.wait(), 5)
