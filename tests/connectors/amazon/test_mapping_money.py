from __future__ import annotations

from decimal import Decimal
from typing import Any

from portal.commerce.records import Fee, Refund
from portal.connectors.amazon import mapping
from portal.connectors.answers import Rejected
from tests.connectors.amazon.samples import NOW, US, part, refund, related, seller


def refunds(row: Any, *marketplaces: str) -> list[Refund]:
    return [each for each in mapping.transaction(row, seller(*marketplaces), NOW) if isinstance(each, Refund)]


def fees(row: Any, *marketplaces: str) -> dict[str, Decimal]:
    found = mapping.transaction(row, seller(*marketplaces), NOW)
    return {each.kind: each.amount for each in found if isinstance(each, Fee)}


def test_a_refund_is_what_the_buyer_gets_back_with_tax_and_without_amazons_fees() -> None:
    [found] = refunds(refund())
    assert (found.amount, found.currency, found.order_id) == (Decimal("27.99"), "GBP", "202-1234567-7654321")
    assert (found.external_id, found.reason) == ("T-900", "Refund Order")
    [line] = found.lines
    assert (line.total, line.total_tax, line.sku, line.order_line_id, line.quantity) == (
        Decimal("23.99"),
        Decimal("4.0"),
        "POT-BLUE",
        "77001",
        2,
    )


def test_fees_given_back_are_negative_and_fees_kept_positive() -> None:
    assert fees(refund()) == {"Commission": Decimal("-3.6"), "RefundCommission": Decimal("0.72")}


def test_tax_that_amazon_keeps_to_remit_it_is_still_the_buyers_money() -> None:
    row = refund()
    row["items"][0]["breakdowns"] = [
        part("ProductCharges", -20.00, part("OurPricePrincipal", -20.00)),
        part("Tax", 0, part("OurPriceTax", -1.65), part("MarketplaceFacilitatorTax-Principal", 1.65)),
    ]
    assert refunds(row)[0].amount == Decimal("21.65")


def test_a_discount_that_was_given_is_not_given_back() -> None:
    row = refund()
    row["items"][0]["breakdowns"] = [
        part("ProductCharges", -20.00, part("OurPricePrincipal", -20.00)),
        part("PromoRebates", 2.00, part("OurPriceDiscount", 2.00)),
    ]
    assert refunds(row)[0].amount == Decimal("18.00")


def test_a_shipment_tells_fees_and_no_refund() -> None:
    row = refund(transactionType="Shipment", description="Order Payment")
    row["items"][0]["breakdowns"] = [
        part("ProductCharges", 20.00, part("OurPricePrincipal", 20.00)),
        part(
            "AmazonFees", -6.00, part("Commission", -3.00), part("FBAPerUnitFulfillmentFee", -3.00, part("Base", -3.00))
        ),
    ]
    assert refunds(row) == []
    assert fees(row) == {"Commission": Decimal("3.0"), "FBAPerUnitFulfillmentFee": Decimal("3.0")}


def test_a_fee_of_the_account_has_no_order() -> None:
    row = refund(
        transactionType="ServiceFee",
        description="Subscription",
        relatedIdentifiers=related(FINANCIAL_EVENT_GROUP_ID="g"),
        items=[],
        breakdowns=[part("Expenses", -25.00, part("AmazonFees", -25.00, part("Subscription", -25.00)))],
    )
    [found] = mapping.transaction(row, seller(), NOW)
    assert isinstance(found, Fee)
    assert (found.kind, found.amount, found.order_id) == ("Subscription", Decimal("25.0"), None)


def test_money_on_hold_is_one_refund_however_often_it_is_posted_and_in_whatever_order() -> None:
    first = refund(transactionId="T-1", transactionStatus="DEFERRED_RELEASED", postedDate="2026-06-05T10:00:00Z",
                   relatedIdentifiers=related(ORDER_ID="1", RELEASE_TRANSACTION_ID="T-2"))  # fmt: skip
    release = refund(transactionId="T-2", relatedIdentifiers=related(ORDER_ID="1", DEFERRED_TRANSACTION_ID="T-1"))
    [held], [released] = refunds(first), refunds(release)
    assert held.external_id == released.external_id == "T-1"
    assert released.modified_at < held.modified_at
    assert {each.external_id for each in mapping.transaction(first, seller(), NOW)} == {
        each.external_id for each in mapping.transaction(release, seller(), NOW)
    }


def test_transactions_of_other_marketplaces_are_left_out() -> None:
    assert mapping.transaction(refund(), seller(US), NOW) == []


def test_a_refund_that_only_moves_fees_is_none() -> None:
    row = refund()
    row["items"][0]["breakdowns"] = [part("AmazonFees", -1.00, part("Commission", -1.00))]
    assert refunds(row) == []
    assert fees(row) == {"Commission": Decimal("1.0")}


def test_a_refund_that_does_not_say_what_it_is_made_of_is_rejected() -> None:
    [found] = mapping.transaction(refund(items=[]), seller(), NOW)
    assert isinstance(found, Rejected)
    assert found.external_id == "T-900"


def test_breakdowns_of_the_whole_are_read_where_the_items_have_none() -> None:
    row = refund(breakdowns=[part("Sales", -10.00, part("ProductCharges", -10.00))])
    row["items"][0]["breakdowns"] = None
    assert refunds(row)[0].amount == Decimal("10.0")


def test_a_breakdown_without_an_end_is_not_followed_for_ever() -> None:
    deep: dict[str, Any] = part("OurPricePrincipal", -1)
    for _ in range(200):
        deep = part("ProductCharges", -1, deep)
    mapping.transaction(refund(items=[{"breakdowns": [deep]}]), seller(), NOW)


def test_what_stands_where_an_object_should_costs_nothing_of_what_stands_beside_it() -> None:
    row = refund()
    for odd in (Decimal("1.5"), "none", 7, True, None, []):
        row["items"][0]["breakdowns"].append(odd)
        row["items"][0]["breakdowns"].append(part("Odd", odd) | {"breakdownAmount": odd})
        row["relatedIdentifiers"].append(odd)
        row["items"].append(odd)
    assert (refunds(row), fees(row)) == (refunds(refund()), fees(refund()))
