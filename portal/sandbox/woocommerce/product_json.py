"""Products and variations as the API prints them."""

from __future__ import annotations

from portal.sandbox import words
from portal.sandbox.money import text
from portal.sandbox.rows import Product
from portal.sandbox.store import Store
from portal.sandbox.woocommerce.call import links
from portal.sandbox.woocommerce.errors import Json

_ATTRIBUTES = {"Farbe": (1, "pa_farbe"), "Größe": (2, "pa_groesse")}
_CATEGORIES = {number: {"id": number, "name": name, "slug": slug} for number, name, slug in words.CATEGORIES}
_UNCATEGORIZED: Json = {"id": 15, "name": "Uncategorized", "slug": "uncategorized"}


def _dates(store: Store, product: Product) -> Json:
    clock = store.clock
    return {
        "date_created": clock.iso(product.created), "date_created_gmt": clock.gmt(product.created),
        "date_modified": clock.iso(product.modified), "date_modified_gmt": clock.gmt(product.modified),
    }  # fmt: skip


def _on_sale(product: Product) -> bool:
    return product.regular_price > product.price


def _prices(product: Product) -> Json:
    sale = _on_sale(product)
    regular = product.regular_price
    return {
        "price": text(product.price), "regular_price": text(regular) if regular else "",
        "sale_price": text(product.price) if sale else "", "date_on_sale_from": None,
        "date_on_sale_from_gmt": None, "date_on_sale_to": None, "date_on_sale_to_gmt": None, "on_sale": sale,
    }  # fmt: skip


def _stock(product: Product) -> Json:
    backordered = product.stock_status == "onbackorder"
    return {
        "manage_stock": product.managed, "stock_quantity": product.stock if product.managed else None,
        **({"stock_status": product.stock_status} if product.kind == "variation" else {}),
        "backorders": product.backorders, "backorders_allowed": product.backorders != "no",
        "backordered": backordered, "low_stock_amount": product.low_stock,
    }  # fmt: skip


def _price_html(store: Store, product: Product) -> str:
    price = text(product.price).replace(".", ",")
    return f'<span class="woocommerce-Price-amount amount"><bdi>{price}&nbsp;{store.spec.currency}</bdi></span>'


def _attributes(product: Product) -> list[Json]:
    if product.kind == "variation":
        return [
            {"id": _ATTRIBUTES[name][0], "name": name, "slug": _ATTRIBUTES[name][1], "option": value}
            for name, value in product.options
        ]
    found: dict[str, list[str]] = {}
    for variation in product.variations:
        for name, value in variation.options:
            values = found.setdefault(name, [])
            if value not in values:
                values.append(value)
    return [
        {
            "id": _ATTRIBUTES[name][0], "name": name, "slug": _ATTRIBUTES[name][1], "position": place,
            "visible": True, "variation": True, "options": values,
        }
        for place, (name, values) in enumerate(found.items())
    ]  # fmt: skip


_SHIPPED: Json = {"shipping_class": "", "shipping_class_id": 0}
_DOWNLOADS: Json = {
    "virtual": False, "downloadable": False, "downloads": [], "download_limit": -1, "download_expiry": -1,
}  # fmt: skip


def _size(product: Product) -> Json:
    return {
        "weight": f"0.{product.id % 900 + 50}", "dimensions": {"length": "12", "width": "8", "height": "5"},
    }  # fmt: skip


def product_json(store: Store, product: Product) -> Json:
    """A product; asked for by id, a variation too, with its parent's id (webhooks send it like that)."""
    made: Json = {
        "id": product.id, "name": product.full_name, "slug": product.slug,
        "permalink": f"{store.site_url}/product/{product.slug}/", **_dates(store, product), "type": product.kind,
        "status": product.status, "featured": False, "catalog_visibility": "visible",
        "description": f"<p>{product.name}: <em>handverlesen</em> &amp; schön 😀</p>\n",
        "short_description": "<p>Kurz &amp; gut</p>\n", "sku": product.sku, **_prices(product), "purchasable": True,
        "total_sales": product.total_sales, **_DOWNLOADS, "external_url": "", "button_text": "",
        "tax_status": "taxable", "tax_class": product.tax_class, **_stock(product), "sold_individually": False,
        **_size(product), "shipping_required": True, "shipping_taxable": True, **_SHIPPED, "reviews_allowed": True,
        "average_rating": "0.00", "rating_count": 0, "upsell_ids": [], "cross_sell_ids": [],
        "parent_id": product.parent.id if product.parent else 0, "purchase_note": "",
        "categories": [_CATEGORIES[number] for number in product.categories] or [_UNCATEGORIZED],
        "brands": [], "tags": [], "images": [], "attributes": _attributes(product), "default_attributes": [],
        "variations": [row.id for row in product.variations], "grouped_products": [], "menu_order": 0,
        "price_html": _price_html(store, product), "related_ids": [], "meta_data": [],
        "stock_status": product.stock_status, "has_options": bool(product.variations), "post_password": "",
        "global_unique_id": "",
    }  # fmt: skip
    made["_links"] = links(f"{store.site_url}/wp-json/wc/v3", f"products/{product.id}")
    return made


def variation_json(store: Store, row: Product) -> Json:
    """A variation as `/products/{id}/variations` prints it."""
    parent = row.parent.id if row.parent else 0
    chosen = "&".join(f"attribute_{_ATTRIBUTES[name][1]}={value.lower()}" for name, value in row.options)
    made: Json = {
        "id": row.id, "type": "variation", **_dates(store, row), "description": "",
        "permalink": f"{store.site_url}/product/{row.slug}/?{chosen}", "sku": row.sku, "global_unique_id": "",
        **_prices(row), "status": row.status, "purchasable": True, **_DOWNLOADS, "tax_status": "taxable",
        "tax_class": row.tax_class, **_stock(row), **_size(row), **_SHIPPED, "image": None,
        "gallery_image_ids": [], "attributes": _attributes(row), "menu_order": 0, "meta_data": [],
        "name": row.name, "parent_id": parent,
    }  # fmt: skip
    path = f"products/{parent}/variations/{row.id}"
    made["_links"] = links(f"{store.site_url}/wp-json/wc/v3", path, up=f"products/{parent}")
    return made
