"""Who and what the demo consists of. Passwords are made once per data folder; keys follow from the sandbox's seed."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from portal.foundation.errors import StartupError
from portal.foundation.server import listen
from portal.sandbox.spec import Platform, SandboxStoreSpec

ORDERS = 800
_FAVOURITE_PORT = 8801


@dataclass(frozen=True, kw_only=True)
class Person:
    """One login. `organization` None: the superadmin."""

    part: str
    email: str
    name: str
    role: str
    organization: str | None


@dataclass(frozen=True)
class Shop:
    """One connection: its organization, its name there, the sandbox store it is of."""

    organization: str
    connection: str
    platform: Platform
    store: str
    shadow: bool = False  # files count, and the API is compared with them


SHOPS = (
    Shop("Hot Rod AN", "Hot Rod AN WooCommerce", "woocommerce", "woocommerce"),
    Shop("Hot Rod AN", "Hot Rod AN Shopify", "shopify", "hot-rod-an"),
    Shop("Bloom & Bough", "Bloom & Bough Shopify", "shopify", "bloom", shadow=True),
    Shop("North & Pine", "North & Pine Amazon", "amazon", "north-pine"),
)
ORGANIZATIONS = tuple(dict.fromkeys(shop.organization for shop in SHOPS))
PEOPLE = (
    Person(part="superadmin", email="superadmin@portal.example", name="Sam Agency", role="", organization=None),
    Person(part="owner", email="owner@hot-rod-an.example", name="Olivia Rod", role="owner", organization="Hot Rod AN"),
    Person(part="member", email="member@hot-rod-an.example", name="Milo Rod", role="member", organization="Hot Rod AN"),
    Person(
        part="operator", email="operator@hot-rod-an.example", name="Odd Rod", role="operator", organization="Hot Rod AN"
    ),
    Person(part="agent", email="agent@hot-rod-an.example", name="Ada Rod", role="agent", organization="Hot Rod AN"),
    Person(
        part="other_owner",
        email="owner@bloom-bough.example",
        name="Bo Bough",
        role="owner",
        organization="Bloom & Bough",
    ),
    Person(
        part="third_owner",
        email="owner@north-pine.example",
        name="Nora Pine",
        role="owner",
        organization="North & Pine",
    ),
)


class Secrets(msgspec.Struct):
    """What must stay the same over restarts: the passwords by part, and the sandbox's port (it is in site URLs)."""

    passwords: dict[str, str]
    sandbox_port: int


def specs() -> dict[str, SandboxStoreSpec]:
    """The sandbox's stores as `portal sandbox --stores …` makes them, by name: where the keys are known from."""
    return {
        shop.store: SandboxStoreSpec(shop.store, 1 + place, ORDERS, platform=shop.platform).generously()
        for place, shop in enumerate(SHOPS)
    }


def load_secrets(data_dir: Path) -> tuple[Secrets, bool]:
    """The kept secrets, and whether the passwords were made just now. The port is another one when it was taken since.

    Raises `StartupError` when the folder cannot be written.
    """
    path = data_dir / "secrets" / "demo.json"
    kept: Secrets | None = None
    with suppress(OSError, msgspec.MsgspecError):
        kept = msgspec.json.decode(path.read_bytes(), type=Secrets)
    passwords = {person.part: secrets.token_urlsafe(12) for person in PEOPLE} | (kept.passwords if kept else {})
    if kept is not None and kept.passwords == passwords and _is_free(kept.sandbox_port):
        return kept, False
    made = Secrets(passwords, kept.sandbox_port if kept and _is_free(kept.sandbox_port) else _free_port())
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, msgspec.json.encode(made))
    except OSError as error:
        raise StartupError(f"{path} cannot be written ({error.strerror}): choose another --data-dir.") from error
    return made, kept is None


def write_private(path: Path, content: bytes) -> None:
    """Write whole or not at all, readable by us alone."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    fresh.replace(path)


def _is_free(port: int) -> bool:
    try:
        listen("127.0.0.1", port).close()
    except StartupError:
        return False
    return True


def _free_port() -> int:
    for wanted in (_FAVOURITE_PORT, 0):
        try:
            with listen("127.0.0.1", wanted) as probe:
                port: int = probe.getsockname()[1]
                return port
        except StartupError:
            continue
    raise StartupError("There is no free port on 127.0.0.1 for the sandbox.")
