"""Payloads of an invented shop, in the shapes WooCommerce sends."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
Json = dict[str, Any]


def order(**changes: Any) -> Json:
    """A paid order with two items, shipping, a negative fee, a coupon and one refund: 18.00 + 4.00 - 1.50 + 3.90 tax."""
    row: Json = {
        "id": 501,
        "number": "2026-501",
        "status": "processing",
        "currency": "EUR",
        "prices_include_tax": True,
        "date_created": "2026-03-09T09:00:00",
        "date_created_gmt": "2026-03-09T08:00:00",
        "date_modified_gmt": "2026-03-09T08:30:00",
        "date_paid_gmt": "2026-03-09T08:05:00",
        "date_completed_gmt": None,
        "discount_total": "2.00",
        "shipping_total": "4.00",
        "total": "24.40",
        "total_tax": "3.90",
        "customer_id": 7,
        "customer_note": "Bitte <b>klingeln</b> 🛎️",
        "billing": {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.test", "country": "gb"},
        "shipping": {"first_name": "", "last_name": "", "country": "DE"},
        "payment_method": "stripe",
        "payment_method_title": "Card",
        "transaction_id": "ch_1",
        "created_via": "checkout",
        "needs_processing": True,
        "line_items": [
            {
                "id": 1, "name": "Teapot", "product_id": 11, "variation_id": 0, "quantity": 2, "subtotal": "14.00",
                "total": "12.00", "total_tax": "2.28", "price": 6.0, "sku": "TEA-1", "meta_data": [],
            },
            {
                "id": 2, "name": "Gone cup", "product_id": 0, "variation_id": 0, "quantity": 1, "subtotal": "6.00",
                "total": "6.00", "total_tax": "1.14", "price": 6, "sku": None, "meta_data": [],
            },
        ],
        "shipping_lines": [{"id": 3, "method_title": "Post", "total": "4.00", "total_tax": "0.76"}],
        "fee_lines": [{"id": 4, "name": "Goodwill", "total": "-1.50", "total_tax": "-0.28"}],
        "coupon_lines": [{"id": 5, "code": "spring", "discount": "2.00", "discount_tax": "0.38"}],
        "refunds": [{"id": 601, "reason": "", "total": "-5.00"}],
        "meta_data": [],
    }  # fmt: skip
    return deepcopy(row) | changes


def refund(**changes: Any) -> Json:
    row: Json = {
        "id": 601,
        "parent_id": 501,
        "date_created_gmt": "2026-03-09T10:00:00",
        "amount": "5.00",
        "reason": "Chipped <i>rim</i>",
        "line_items": [
            {
                "id": 71, "name": "Teapot", "quantity": -1, "total": "-4.20", "total_tax": "-0.80", "sku": "TEA-1",
                "meta_data": [{"id": 1, "key": "_refunded_item_id", "value": "1"}],
            }
        ],
        "shipping_lines": [],
        "fee_lines": [],
    }  # fmt: skip
    return deepcopy(row) | changes


def product(**changes: Any) -> Json:
    row: Json = {
        "id": 11,
        "name": "Teapot „Früh“",
        "type": "simple",
        "status": "publish",
        "sku": "TEA-1",
        "price": "6.00",
        "regular_price": "7.00",
        "sale_price": "6.00",
        "manage_stock": True,
        "stock_quantity": 3,
        "stock_status": "instock",
        "backorders": "no",
        "low_stock_amount": None,
        "date_created_gmt": "2025-01-01T00:00:00",
        "date_modified_gmt": "2026-03-01T00:00:00",
        "parent_id": 0,
        "categories": [{"id": 1, "name": "Kitchen & more"}],
        "images": [{"src": "https://shop.example.test/teapot.jpg"}],
        "variations": [],
    }
    return deepcopy(row) | changes


def customer(**changes: Any) -> Json:
    row: Json = {
        "id": 7,
        "email": "ada@example.test",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "username": "ada",
        "role": "customer",
        "billing": {"country": "GB", "city": "London"},
        "is_paying_customer": True,
        "date_created_gmt": "2026-02-01T00:00:00",
        "date_modified_gmt": None,
    }
    return deepcopy(row) | changes


def coupon(**changes: Any) -> Json:
    row: Json = {
        "id": 31,
        "code": "spring",
        "amount": "10.00",
        "discount_type": "percent",
        "description": "",
        "usage_count": 4,
        "usage_limit": None,
        "date_expires_gmt": "2031-01-01T00:00:00",
        "free_shipping": False,
        "date_created_gmt": "2026-01-01T00:00:00",
        "date_modified_gmt": "2026-01-02T00:00:00",
    }
    return deepcopy(row) | changes


def tax(**changes: Any) -> Json:
    row: Json = {
        "id": 1, "country": "DE", "state": "", "rate": "19.0000", "name": "VAT", "priority": 1, "compound": False,
        "shipping": True, "class": "standard",
    }  # fmt: skip
    return deepcopy(row) | changes
