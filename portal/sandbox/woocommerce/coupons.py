"""`/coupons` and `/taxes`: small collections that hardly change."""

from __future__ import annotations

from portal.sandbox import words
from portal.sandbox.money import text
from portal.sandbox.rows import Coupon, TaxRate
from portal.sandbox.woocommerce.call import Call, Reply, links
from portal.sandbox.woocommerce.errors import Json
from portal.sandbox.woocommerce.listing import listing


def _coupon_json(call: Call, coupon: Coupon) -> Json:
    clock = call.store.clock
    created, created_gmt = clock.iso(coupon.created), clock.gmt(coupon.created)
    return {
        "id": coupon.id, "code": coupon.code, "amount": text(coupon.amount), "status": "publish",
        "date_created": created, "date_created_gmt": created_gmt, "date_modified": created,
        "date_modified_gmt": created_gmt, "discount_type": coupon.discount_type,
        "description": f"Gutschein „{coupon.code}“", "date_expires": None, "date_expires_gmt": None,
        "usage_count": len(coupon.used_by), "individual_use": False, "product_ids": [], "excluded_product_ids": [],
        "usage_limit": None, "usage_limit_per_user": None, "limit_usage_to_x_items": None,
        "free_shipping": coupon.free_shipping, "product_categories": [], "excluded_product_categories": [],
        "exclude_sale_items": False, "minimum_amount": "0.00", "maximum_amount": "0.00", "email_restrictions": [],
        "used_by": coupon.used_by, "meta_data": [], "_links": links(call.rest, f"coupons/{coupon.id}"),
    }  # fmt: skip


def list_coupons(call: Call) -> Reply:
    """A page of coupons, newest first."""
    descending = call.params.choice("order", "desc", ("asc", "desc")) == "desc"
    call.params.check()
    rows = sorted(call.store.coupons.values(), key=lambda row: row.id, reverse=descending)
    return listing(call, rows, lambda row: _coupon_json(call, row))


def _tax_json(call: Call, rate: TaxRate) -> Json:
    percent = f"{rate.basis_points // 100}.{rate.basis_points % 100:02}00"
    return {
        "id": rate.id, "country": rate.country, "state": rate.state, "postcode": "", "city": "", "rate": percent,
        "name": rate.name, "priority": 1, "compound": False, "shipping": True, "order": rate.id,
        "class": rate.tax_class, "postcodes": [], "cities": [], "_links": links(call.rest, f"taxes/{rate.id}"),
    }  # fmt: skip


def list_taxes(call: Call) -> Reply:
    """A page of tax rates in their order."""
    return listing(call, list(words.TAX_RATES), lambda row: _tax_json(call, row))
