"""`/settings/general`, `/data/currencies/current` and the site's own index, where its time zone is told."""

from __future__ import annotations

from datetime import datetime

from portal.sandbox import words
from portal.sandbox.woocommerce.call import Call, Reply
from portal.sandbox.woocommerce.errors import Json

# id, type, label, default, value, options
_SETTINGS: tuple[tuple[str, str, str, str, str, dict[str, str]], ...] = (
    ("store_address", "text", "Address line 1", "", "Lindenallee 1", {}),
    ("store_address_2", "text", "Address line 2", "", "", {}),
    ("store_city", "text", "City", "", "Leipzig", {}),
    ("default_country", "select", "Country / State", "US:CA", "DE:DE-SN", {"DE:DE-SN": "Germany - Saxony"}),
    ("store_postcode", "text", "Postcode / ZIP", "", "04109", {}),
    ("allowed_countries", "select", "Selling location(s)", "all", "all", {"all": "Sell to all countries"}),
    ("all_except_countries", "multiselect", "Sell to all countries, except", "", "", {"DE": "Germany"}),
    ("specific_allowed_countries", "multiselect", "Sell to specific countries", "", "", {"DE": "Germany"}),
    ("ship_to_countries", "select", "Shipping location(s)", "", "", {"": "Ship to all countries you sell to"}),
    ("specific_ship_to_countries", "multiselect", "Ship to specific countries", "", "", {"DE": "Germany"}),
    ("default_customer_address", "select", "Default customer location", "base", "base", {"base": "Shop address"}),
    ("address_autocomplete_enabled", "checkbox", "Address autocomplete", "no", "no", {}),
    ("calc_taxes", "checkbox", "Enable taxes", "no", "yes", {}),
    ("enable_coupons", "checkbox", "Enable coupons", "yes", "yes", {}),
    ("calc_discounts_sequentially", "checkbox", "Coupons one after the other", "no", "no", {}),
    ("currency", "select", "Currency", "USD", "", {}),
    ("currency_pos", "select", "Currency position", "left", "right_space", {"right_space": "Right with space"}),
    ("price_thousand_sep", "text", "Thousand separator", ",", ".", {}),
    ("price_decimal_sep", "text", "Decimal separator", ".", ",", {}),
    ("price_num_decimals", "number", "Number of decimals", "2", "2", {}),
)


def general(call: Call) -> Reply:
    """The general settings as a list; the currency is `woocommerce_currency`."""
    rows: list[Json] = []
    for name, kind, label, default, value, options in _SETTINGS:
        full = f"woocommerce_{name}"
        row: Json = {"id": full, "label": label, "description": label, "type": kind, "default": default}
        if kind != "multiselect":
            row["tip"] = label
        row["value"] = call.store.spec.currency if name == "currency" else value
        if kind.endswith("select"):
            row["options"] = words.CURRENCY_NAMES if name == "currency" else options
        here = f"{call.rest}/settings/general"
        allow = ["GET", "POST", "PUT", "PATCH"]
        row["_links"] = {
            "self": [{"href": f"{here}/{full}", "targetHints": {"allow": allow}}],
            "collection": [{"href": here}],
        }
        rows.append(row)
    return Reply(rows)


def current_currency(call: Call) -> Reply:
    """The store's currency with its name and symbol."""
    code, here = call.store.spec.currency, f"{call.rest}/data/currencies"
    symbol = "&euro;" if code == "EUR" else call.store.currency_symbol(code)
    own: Json = {
        "self": [{"href": f"{here}/{code}", "targetHints": {"allow": ["GET"]}}],
        "collection": [{"href": here}],
    }
    return Reply({"code": code, "name": words.CURRENCY_NAMES.get(code, code), "symbol": symbol, "_links": own})


def site_index(call: Call) -> Reply:
    """`/wp-json/`: the site's name and, nowhere else in the API, its time zone; readable without a key."""
    store = call.store
    offset = datetime.fromtimestamp(store.clock.now(), store.clock.zone).utcoffset()
    hours = (offset.total_seconds() if offset else 0.0) / 3600
    return Reply(
        {
            "name": store.spec.title, "description": "", "url": store.site_url, "home": store.site_url,
            "gmt_offset": int(hours) if hours.is_integer() else hours, "timezone_string": store.spec.timezone,
            "namespaces": ["wp/v2", "wc/v3"], "authentication": {}, "routes": {}, "_links": {},
        }
    )  # fmt: skip
