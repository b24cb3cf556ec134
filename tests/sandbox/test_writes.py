"""Writing through the API: what moves a modification date, what does not, and what is refused."""

from __future__ import annotations

from tests.sandbox.conftest import Shop


async def test_an_order_is_created_and_completed(shop: Shop) -> None:
    product = next(p for p in shop.store.sellables() if p.managed and p.parent is None and (p.stock or 0) > 5)
    stock = product.stock or 0
    made = await shop.ask(
        "POST", "orders", json={"set_paid": True, "line_items": [{"product_id": product.id, "quantity": 2}]}
    )
    assert made.status == 201
    assert made.body["status"] == "processing"
    assert made.headers["Location"].endswith(f"/orders/{made.body['id']}")
    assert (await shop.get(f"products/{product.id}"))["stock_quantity"] == stock - 2
    done = await shop.ask("PUT", f"orders/{made.body['id']}", json={"status": "completed"})
    assert done.body["date_completed"] is not None
    refused = await shop.ask("PUT", f"orders/{made.body['id']}", json={"status": "nope"})
    assert refused.status == 400


async def test_only_some_changes_move_the_modification_date(shop: Shop) -> None:
    order = next(o for o in shop.store.orders.values() if o.status == "completed" and o.total > 1_000)
    before = order.modified
    await shop.ask("POST", f"orders/{order.id}/notes", json={"note": "hello"})
    assert order.modified == before
    made = await shop.ask("POST", f"orders/{order.id}/refunds", json={"amount": "2.50", "reason": "late"})
    assert made.status == 201
    assert order.modified > before
    order.modified = before
    await shop.ask("DELETE", f"orders/{order.id}/refunds/{made.body['id']}", force="true")
    assert order.modified == before
    await shop.ask("DELETE", f"orders/{order.id}")
    assert order.modified > before


async def test_refunding_more_than_is_left_is_a_500_with_a_number(shop: Shop) -> None:
    order = next(o for o in shop.store.orders.values() if o.status == "processing" and o.total > 0)
    answer = await shop.ask("POST", f"orders/{order.id}/refunds", json={"amount": "99999999.00"})
    assert answer.status == 500
    assert answer.body["data"] == 500
    assert answer.body["code"] == "woocommerce_rest_cannot_create_order_refund"


async def test_a_full_refund_makes_the_order_refunded_and_keeps_its_total(shop: Shop) -> None:
    order = next(o for o in shop.store.orders.values() if o.status == "processing" and o.total > 0)
    total = (await shop.get(f"orders/{order.id}"))["total"]
    await shop.ask("POST", f"orders/{order.id}/refunds", json={"amount": total})
    row = await shop.get(f"orders/{order.id}")
    assert (row["status"], row["total"], row["refunds"][0]["total"]) == ("refunded", total, f"-{total}")


async def test_a_trashed_order_stays_readable_and_a_deleted_one_is_gone(shop: Shop) -> None:
    order = next(o for o in shop.store.orders.values() if o.status == "completed" and o.refunds == [])
    await shop.ask("DELETE", f"orders/{order.id}")
    assert (await shop.get(f"orders/{order.id}"))["status"] == "trash"
    assert (await shop.ask("DELETE", f"orders/{order.id}")).status == 410
    await shop.ask("DELETE", f"orders/{order.id}", force="true")
    assert (await shop.ask("GET", f"orders/{order.id}")).status == 404


async def test_a_deleted_product_disappears_from_old_orders(shop: Shop) -> None:
    order = next(o for o in shop.store.orders.values() if o.lines and not o.lines[0].product.gone)
    product, modified = order.lines[0].product, order.modified
    await shop.ask("DELETE", f"products/{product.id}", force="true")
    line = (await shop.get(f"orders/{order.id}"))["line_items"][0]
    assert (line["product_id"], line["variation_id"], line["sku"]) == (0, 0, None)
    assert order.modified == modified
    assert (await shop.ask("GET", f"products/{product.id}")).status == 404


async def test_a_duplicate_sku_names_its_owner(shop: Shop) -> None:
    first = await shop.ask("POST", "products", json={"name": "Probe “Ü” 🧪", "sku": "P-1", "regular_price": "12.50"})
    assert first.status == 201
    second = await shop.ask("POST", "products", json={"name": "two", "sku": "P-1"})
    assert second.status == 400
    assert second.body["data"] == {"status": 400, "resource_id": first.body["id"], "unique_sku": "P-1-1"}
    await shop.ask("PUT", f"products/{first.body['id']}", json={"manage_stock": True, "stock_quantity": 0})
    assert (await shop.get(f"products/{first.body['id']}"))["stock_status"] == "outofstock"
    await shop.ask("DELETE", f"products/{first.body['id']}")
    assert (await shop.get(f"products/{first.body['id']}"))["status"] == "trash"
    assert first.body["id"] not in {row["id"] for row in await shop.all("products")}


async def test_customers_are_created_once_and_deleted_only_by_force(shop: Shop) -> None:
    made = await shop.ask("POST", "customers", json={"email": "neu@example.test", "first_name": "Neu"})
    assert made.status == 201
    again = await shop.ask("POST", "customers", json={"email": "NEU@example.test"})
    assert again.body["code"] == "registration-error-email-exists"
    assert (await shop.ask("DELETE", f"customers/{made.body['id']}")).status == 501
    assert (await shop.ask("DELETE", f"customers/{made.body['id']}", force="true")).status == 200
    assert (await shop.ask("GET", f"customers/{made.body['id']}")).body["code"] == "wc_user_invalid_id"
