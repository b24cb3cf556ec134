"""A secret in an address or a header reaches no log, no exception, no traceback."""

from __future__ import annotations

import asyncio
import logging
import traceback

import pytest

from portal.foundation.errors import ConnectorError
from portal.foundation.outbound import OutboundClient, RetryPolicy

from .conftest import Store, http

SENTINEL = "s3ntinelValue"
QUERY = {
    name: f"{SENTINEL}{number}"
    for number, name in enumerate(("consumer_key", "consumer_secret", "access_token", "oauth_signature", "anything"))
}
HEADERS = {"Authorization": f"Basic {SENTINEL}==", "X-Shopify-Access-Token": f"shpat_{SENTINEL}"}


async def hang(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(1)


@pytest.mark.parametrize(
    "answer", [http(503), b"", b"nonsense\r\n\r\n", http(200, b"x", Content_Length="9"), http(200, b"x" * 999), hang]
)
async def test_no_failure_shows_a_secret_anywhere(
    store: Store,
    client: OutboundClient,
    answer: object,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    store.answers = [answer]  # type: ignore[list-item]
    text = ""
    try:
        await client.request(
            "GET", f"{store.url}/?token={SENTINEL}", params=QUERY, headers=HEADERS, timeout=0.2, max_bytes=100,
            retries=RetryPolicy(attempts=2, base=0.01),
        )  # fmt: skip
    except ConnectorError as error:
        everything = [repr(error), repr(error.details), *traceback.format_exception(error)]
        text = "".join(everything) + repr(error.__cause__) + repr(error.__context__)
    printed = capfd.readouterr()
    assert SENTINEL in store.requests[0].decode()
    assert "outbound_retry" in printed.out or answer == http(200, b"x" * 999) or b"nonsense" in repr(answer).encode()
    assert SENTINEL not in text + caplog.text + printed.out + printed.err


@pytest.mark.parametrize(
    "url", [f"http://127.0.0.1:9/?consumer_secret={SENTINEL}", f"http://u:{SENTINEL}@x/", f"nonsense://{SENTINEL}:x/"]
)
async def test_a_refused_address_is_not_repeated(url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = OutboundClient()
    with pytest.raises(ConnectorError) as caught:
        await client.request("GET", url, params={"oauth_token": SENTINEL}, headers=HEADERS, retries=0)
    assert SENTINEL not in "".join(traceback.format_exception(caught.value)) + caplog.text
    await client.close()
