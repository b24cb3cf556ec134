"""No name, literal, notation or second look-up leads to a private address."""

from __future__ import annotations

import socket

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from portal.foundation.errors import ConnectorError, Permanent, StartupError
from portal.foundation.outbound import OutboundClient
from portal.foundation.outbound.addresses import is_refused
from portal.foundation.outbound.guard import GuardedResolver, RefusedAddress, guarded_socket

from .conftest import Store, http


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "198.18.0.1",
        "192.0.2.1",
        "203.0.113.9",
        "224.0.0.1",
        "239.1.1.1",
        "255.255.255.255",
        "240.0.0.1",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::7f00:1",
        "64:ff9b::808:808",
        "64:ff9b:1::1",
        "2002:7f00:1::1",
        "2002:808:808::1",
        "2001::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "100::1",
        "nonsense",
    ],
)
def test_an_address_that_is_not_plainly_public_is_refused(address: str) -> None:
    assert is_refused(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700:4700::1111", "2a00:1450::1"])
def test_a_public_address_passes(address: str) -> None:
    assert not is_refused(address)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "localhost.", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f000001", "127.1", "0"],
)
async def test_no_way_of_writing_this_machine_reaches_it(store: Store, host: str) -> None:
    client = OutboundClient(["somewhere.else:1"])
    with pytest.raises(ConnectorError) as caught:
        await client.request("GET", f"http://{host}:{store.port}/", retries=0)
    assert caught.value.details["reason"] in ("private_address", "dns")
    assert caught.value.advice
    assert store.connections == 0
    await client.close()


async def test_an_exception_is_for_that_host_and_port_as_written(store: Store) -> None:
    client = OutboundClient([f"127.0.0.1:{store.port}"])
    assert (await client.request("GET", store.url)).body == b"fine"
    with pytest.raises(Permanent, match="private network"):
        await client.request("GET", f"http://localhost:{store.port}/")
    with pytest.raises(Permanent, match="private network"):
        await client.request("GET", f"http://127.0.0.1:{store.port + 1}/")
    assert store.connections == 1
    await client.close()


class Rebinding(AbstractResolver):
    """Answers with a public address first and with this machine's afterwards."""

    def __init__(self, answers: list[list[str]]) -> None:
        self.answers = answers

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = self.answers.pop(0)
        return [
            ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)
            for address in addresses
        ]

    async def close(self) -> None: ...


async def test_a_name_with_one_private_address_is_refused_whole() -> None:
    resolver = GuardedResolver(Rebinding([["8.8.8.8"], ["8.8.8.8", "127.0.0.1"]]))
    assert len(await resolver.resolve("shop.example", 80)) == 1
    with pytest.raises(RefusedAddress):
        await resolver.resolve("shop.example", 80)


async def test_the_socket_itself_refuses_when_a_resolver_lies(store: Store) -> None:
    connector = aiohttp.TCPConnector(resolver=Rebinding([["127.0.0.1"]]), socket_factory=guarded_socket)
    async with aiohttp.ClientSession(connector=connector) as session:
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await session.get(f"http://shop.example:{store.port}/")
    assert isinstance(caught.value.os_error, RefusedAddress)
    assert store.connections == 0


async def test_a_redirect_is_handed_back_not_followed(store: Store, client: OutboundClient) -> None:
    store.answers = [http(302, Location="http://169.254.169.254/latest/meta-data/")]
    reply = await client.request("GET", store.url)
    assert (reply.status, reply.headers["location"]) == (302, "http://169.254.169.254/latest/meta-data/")
    assert store.connections == 1


@pytest.mark.parametrize(
    "url",
    ["ftp://shop.example/", "file:///etc/passwd", "gopher://x/", "shop.example", "//shop.example/", "", "http://",
     "http://user:sekret@shop.example/", "http://sekret@shop.example", "http://@shop.example/", "http://x:99999/",
     "http://[::1/", "https://shop.example/" + "x" * 20_000, "javascript:alert(1)"],
)  # fmt: skip
async def test_an_address_that_is_not_a_plain_web_address_is_refused_unrepeated(
    client: OutboundClient, url: str
) -> None:
    with pytest.raises(Permanent) as caught:
        await client.request("GET", url)
    assert caught.value.details["reason"] == "bad_url"
    assert caught.value.advice
    assert "sekret" not in repr(caught.value)


@pytest.mark.parametrize("entry", ["127.0.0.1", "host:", ":80", "host:http", "host:0", "host:70000"])
def test_a_wrong_exception_is_a_startup_error(entry: str) -> None:
    with pytest.raises(StartupError, match="not host:port"):
        OutboundClient([entry])
