from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterable

import msgspec
import pytest

from portal.connectors.shopify.spool import Spool
from portal.connectors.shopify.values import gid, inside, rows
from portal.foundation.errors import Temporary


def line(kind: str, number: int, parent: str | None = None, **more: object) -> bytes:
    made = {"id": gid(kind, str(number)), **more} | ({"__parentId": parent} if parent else {})
    return msgspec.json.encode(made) + b"\n"


async def chunks(lines: Iterable[bytes], size: int = 97) -> AsyncIterator[bytes]:
    """The file in pieces that end in the middle of lines."""
    whole = b"".join(lines)
    for start in range(0, len(whole), size):
        yield whole[start : start + size]


async def test_children_find_their_parents_wherever_they_stand() -> None:
    lines = [line("Order", number) for number in range(1, 41)]
    lines += [
        line("LineItem", number * 10 + place, gid("Order", str(number))) for number in range(1, 41) for place in (2, 1)
    ]
    random.Random(3).shuffle(lines)
    spool = Spool()
    await spool.load(chunks(lines))
    assert spool.roots == 40
    taken = await spool.take(0, 15)
    taken += await spool.take(taken[-1][0], 100)
    assert [number for number, _ in taken] == list(range(1, 41))
    for number, row in taken:
        assert [each["id"] for each in rows(row["lineItems"])] == [
            gid("LineItem", f"{number}{place}") for place in (1, 2)
        ]
    spool.close()


async def test_a_second_level_hangs_on_the_first_by_variant_or_by_inventory_item() -> None:
    item = {"inventoryItem": {"id": gid("InventoryItem", "7")}}
    spool = Spool()
    await spool.load(
        chunks(
            [
                line("InventoryLevel", 71, gid("InventoryItem", "7")),
                line("InventoryLevel", 70, gid("ProductVariant", "5")),
                line("ProductVariant", 5, gid("Product", "1"), **item),
                line("Product", 1),
            ]
        )
    )
    ((_, row),) = await spool.take(0, 10)
    (variant,) = rows(row["variants"])
    levels = rows(inside(variant, "inventoryItem", "inventoryLevels"))
    assert [each["id"] for each in levels] == [gid("InventoryLevel", "70"), gid("InventoryLevel", "71")]


async def test_a_line_that_was_cut_is_a_passing_trouble() -> None:
    whole = [line("Order", 1), line("Order", 2)[:-9]]
    with pytest.raises(Temporary):
        await Spool().load(chunks(whole))


async def test_an_empty_file_has_no_rows() -> None:
    spool = Spool()
    await spool.load(chunks([]))
    assert (spool.roots, await spool.take(0, 10)) == (0, [])
