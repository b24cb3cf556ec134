"""A secret in an address or a header reaches no log, no exception, no traceback."""

from __future__ import annotations

import asyncio
import logging
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.foundation.errors import ConnectorError
from portal.foundation.outbound import OutboundClient, RetryPolicy, redact, redact_url
from portal.foundation.outbound.redaction import RedactingFilter, redact_event

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


@pytest.mark.parametrize(
    "text",
    [
        f"GET /wc/v3/orders?per_page=5&consumer_key={SENTINEL}&consumer_secret={SENTINEL} failed",
        f"URL('https://x/?oauth_token={SENTINEL}&oauth_signature={SENTINEL}%3D')",
        f"access_token={SENTINEL}; refresh_token={SENTINEL}",
        f"redirect=https%3A%2F%2Fx%3Fclient_secret%3D{SENTINEL}",
        f"Authorization: Basic {SENTINEL}",
        f"authorization: {SENTINEL}",
        f"{{'Authorization': 'Bearer {SENTINEL}', 'X-Shopify-Access-Token': '{SENTINEL}'}}",
        f'{{"client_secret": "{SENTINEL}", "password": "a\\"{SENTINEL}"}}',
        f"b'X-Amz-Access-Token: {SENTINEL}'",
        f"https://user:{SENTINEL}@shop.example/",
        f"X-Amz-Signature={SENTINEL}&x=1",
        f"api_access_token={SENTINEL}",
    ],
)
def test_a_text_loses_its_secrets(text: str) -> None:
    assert SENTINEL not in redact(text)


def test_a_harmless_text_is_left_alone() -> None:
    text = "GET https://shop.example/wp-json/wc/v3/orders?per_page=100&status=any: 503, token of the second kind"
    assert redact(text) == text


def test_a_logged_url_keeps_the_names_of_its_query_only() -> None:
    assert redact_url("https://u:p@x.example/a?b=1&consumer_key=2") == "https://***@x.example/a?b=***&consumer_key=***"
    assert redact_url("https://x.example/a") == "https://x.example/a"


@given(st.text())
def test_redacting_any_text_works_and_a_second_time_changes_nothing(text: str) -> None:
    assert redact(redact(text)) == redact(text)


def test_structured_and_plain_logs_go_out_redacted(caplog: pytest.LogCaptureFixture) -> None:
    event = redact_event(
        None,
        "info",
        {
            "event": f"GET /?token={SENTINEL}",
            "headers": {"Authorization": SENTINEL, "Accept": "text/html"},
            "client_secret": SENTINEL,
            "list": [f"password={SENTINEL}", 5],
        },
    )
    assert SENTINEL not in repr(event)
    assert event["headers"]["Accept"] == "text/html"
    assert event["list"][1] == 5
    record = logging.LogRecord("x", 20, "f", 1, "GET %s", (f"/?access_token={SENTINEL}",), None)
    assert RedactingFilter().filter(record)
    assert SENTINEL not in record.getMessage()
