"""A store that is kept: the same after a restart, older by the time in between, and never in the way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from portal.sandbox import Sandbox, SandboxStoreSpec
from portal.sandbox.cli import command
from portal.sandbox.clock import DAY
from portal.sandbox.history import catch_up
from portal.sandbox.keeping import Keeper
from portal.sandbox.store import Store
from tests.sandbox.conftest import NOW

SPEC = SandboxStoreSpec("kept", seed=3, orders=80)


async def test_a_restart_finds_the_same_orders_webhooks_and_stock(tmp_path: Path) -> None:
    async with Sandbox([SPEC], state_dir=tmp_path) as sandbox:
        placed = sandbox.control("kept", "place_order", total="77.00")
        sold = sandbox.control("kept", "sell_out")
        before = dict(sandbox.store("kept").orders)
    async with Sandbox([SPEC], state_dir=tmp_path) as sandbox:
        store = sandbox.store("kept")
        assert store.orders[int(str(placed["order_id"]))].total == 7_700
        assert {number: order.created for number, order in store.orders.items()} == {
            number: order.created for number, order in before.items()
        }
        product = store.product(int(str(sold["variation_id"] or sold["product_id"])))
        assert product is not None
        assert product.stock == 0
        assert sandbox.control("kept", "place_order")["order_id"] not in before
    assert (tmp_path / "kept.store").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("damage", [b"", b"not a store", b"\x80\x04N."])
def test_a_damaged_file_is_replaced_by_a_new_store(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "kept.store").write_bytes(damage)
    assert len(Keeper(tmp_path).load(SPEC).orders) == 80


def test_another_spec_is_another_store(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path)
    keeper.save(Store(SPEC))
    assert len(keeper.load(replace(SPEC, orders=10)).orders) == 10


def test_a_store_that_was_away_catches_up() -> None:
    store = Store(SandboxStoreSpec("kept", orders=800, now=NOW))
    since, before = store.clock.now() - 3 * DAY, len(store.orders)
    made = catch_up(store, since)
    assert made == len(store.orders) - before > 3
    assert all(order.created >= since for order in list(store.orders.values())[before:])
    assert len(set(store.orders) | set(store.refunds)) == len(store.orders) + len(store.refunds)


def test_the_command_refuses_wrong_store_names() -> None:
    outcome = CliRunner().invoke(command, ["--stores", "a,a", "--orders", "0"])
    assert outcome.exit_code == 2
    assert "same name" in outcome.output
    assert "lower-case" in CliRunner().invoke(command, ["--stores", "No Good"]).output
