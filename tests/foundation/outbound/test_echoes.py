"""A refusal that repeats what it was sent comes without the secrets of the request."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import msgspec
import pytest

from portal.foundation.errors import Permanent
from portal.foundation.outbound import OutboundClient

from .conftest import Store, http

SECRET = "s3nt/in el+Value"
BASIC = base64.b64encode(f"user-name:{SECRET}".encode()).decode()


@pytest.mark.parametrize(
    ("sent", "gone"),
    [
        ({"headers": {"Authorization": f"Basic {BASIC}"}}, [SECRET, BASIC, "user-name"]),
        ({"headers": {"Authorization": "Bearer abc.def.ghi"}}, ["abc.def.ghi"]),
        ({"headers": {"X-Shopify-Access-Token": SECRET}}, [SECRET]),
        ({"params": {"consumer_secret": SECRET, "page": "seven-of-nine"}}, [SECRET]),
        ({"method": "POST", "body": f"client_secret={quote(SECRET)}&grant_type=any-kind".encode()}, [SECRET]),
        ({"method": "POST", "body": msgspec.json.encode({"create": [{"secret": SECRET, "topic": "order"}]})}, [SECRET]),
    ],
)
@pytest.mark.parametrize("status", [400, 401, 503])
async def test_a_refusal_repeats_no_secret_in_whatever_way_it_writes_it(
    store: Store, client: OutboundClient, sent: dict[str, object], gone: list[str], status: int
) -> None:
    said = " ".join(f"{each} {quote(each, safe='')} {json.dumps(each)}" for each in gone).encode()
    store.answers = [http(status, b"page seven-of-nine, kind any-kind: " + said)]
    method, rest = str(sent.get("method", "GET")), {name: each for name, each in sent.items() if name != "method"}
    reply = await client.request(method, store.url, retries=0, **rest)  # type: ignore[arg-type]
    assert reply.status == status
    assert b"page seven-of-nine, kind any-kind: ****" in reply.body
    for each in gone:
        assert each.encode() not in reply.body
        assert quote(each, safe="").encode() not in reply.body


async def test_an_answer_that_does_not_refuse_is_left_as_it_is(store: Store, client: OutboundClient) -> None:
    store.answers = [http(200, b'{"refresh_token":"the-same-one"}')]
    reply = await client.request("POST", store.url, body=b"refresh_token=the-same-one")
    assert reply.body == b'{"refresh_token":"the-same-one"}'


def test_what_a_platform_is_quoted_with_loses_what_looks_like_a_secret() -> None:
    error = Permanent(
        "The shop refused the request: cs_0123456789abcdef and Atzr|IwEBIJ0a1b2c are wrong.", "Try again."
    )
    assert error.message == "The shop refused the request: cs_**** and Atzr|**** are wrong."
    assert str(error) == error.message
