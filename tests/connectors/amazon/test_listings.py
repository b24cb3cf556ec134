from __future__ import annotations

import io

import pytest

from portal.connectors.amazon.listings import Listings
from portal.foundation.errors import Permanent

HEAD = "item-name\tseller-sku\tprice\tquantity\tfulfillment-channel\tstatus"


def listings(*rows: str, head: str = HEAD, charset: str = "") -> Listings:
    return Listings("doc", io.BytesIO("\n".join([head, *rows, ""]).encode(charset or "utf-8")), charset)


def test_the_channel_says_whose_stock_counts() -> None:
    found = listings(
        "Jug\tJ\t5.00\t3\tDEFAULT\tActive", "Pot\tP\t9.00\t\tAMAZON_EU\tActive", "Odd\tO\t1.00\t8\t\tActive"
    )
    assert [row["seller-sku"] for row in found.part(100)] == ["J"]
    assert (found.is_own("J"), found.is_own("P"), found.is_own("O")) == (True, False, False)
    assert (found.price("J"), found.price("P")) == (None, "9.00")
    assert found.finished


def test_a_list_of_japan_is_understood_in_its_own_words() -> None:
    head = "商品名\t出品者SKU\t価格\t数量\tフルフィルメント・チャンネル\tステータス"
    [row] = listings("急須\tKYUSU\t1200\t4\tDEFAULT\tActive", head=head, charset="cp932").part(10)
    assert (row["item-name"], row["seller-sku"], row["quantity"], row["price"]) == ("急須", "KYUSU", "4", "1200")


def test_another_report_is_refused() -> None:
    with pytest.raises(Permanent, match="no column 'seller-sku'"):
        listings("1\t2", head="amazon-order-id\tsku").part(1)


def test_a_list_goes_on_where_another_worker_stopped_and_remembers_what_stood_before() -> None:
    rows = [f"n\tS{number}\t1\t1\tDEFAULT\tActive" for number in range(5)]
    found = listings(*rows)
    found.skip(3)
    assert [row["seller-sku"] for row in found.part(10)] == ["S3", "S4"]
    assert found.is_own("S0")
    with pytest.raises(Permanent, match="shorter"):
        listings(*rows[:2]).skip(3)
