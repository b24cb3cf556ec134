"""`/system_status`, and the reports: one that lies with zeros, one that counts."""

from __future__ import annotations

from collections import Counter

from portal.sandbox.woocommerce.call import Call, Reply
from portal.sandbox.woocommerce.errors import Json, invalid_params
from portal.sandbox.woocommerce.order_json import VERSION

_TABLES = ("wc_orders", "wc_orders_meta", "wc_order_addresses", "wc_order_stats", "posts", "postmeta", "options")
_TOTALS = (
    ("pending", "Pending payment"), ("processing", "Processing"), ("on-hold", "On hold"),
    ("completed", "Completed"), ("cancelled", "Cancelled"), ("refunded", "Refunded"), ("failed", "Failed"),
    ("checkout-draft", "Draft"),
)  # fmt: skip


def _environment(call: Call) -> Json:
    site = call.store.site_url
    return {
        "home_url": site, "site_url": site, "store_id": f"sandbox-{call.store.spec.name}", "version": VERSION,
        "log_directory": "/srv/shop/wc-logs/", "log_directory_writable": True, "wp_version": "7.0.4",
        "wp_multisite": False, "wp_memory_limit": 268_435_456, "wp_debug_mode": False, "wp_cron": True,
        "wp_environment_type": "production", "language": "de_DE", "external_object_cache": None,
        "server_info": "sandbox", "server_architecture": "Linux x86_64", "php_version": "8.2.36",
        "php_post_max_size": 33_554_432, "php_max_execution_time": 300, "php_max_input_vars": 1_000,
        "curl_version": "8.5.0", "suhosin_installed": False, "max_upload_size": 33_554_432,
        "mysql_version": "10.11.19", "mysql_version_string": "10.11.19-MariaDB", "default_timezone": "UTC",
        "fsockopen_or_curl_enabled": True, "soapclient_enabled": False, "domdocument_enabled": True,
        "gzip_enabled": True, "mbstring_enabled": True, "remote_post_successful": True, "remote_post_response": "",
        "remote_get_successful": True, "remote_get_response": "",
    }  # fmt: skip


def _settings(call: Call) -> Json:
    code = call.store.spec.currency
    kinds = ("external", "grouped", "simple", "variable")
    terms = ("exclude-from-catalog", "exclude-from-search", "featured", "outofstock", "rated-1")
    return {
        "api_enabled": False, "force_ssl": call.store.site_url.startswith("https"), "currency": code,
        "currency_symbol": "&euro;" if code == "EUR" else call.store.currency_symbol(code),
        "currency_position": "right_space", "thousand_separator": ".", "decimal_separator": ",",
        "number_of_decimals": 2, "geolocation_enabled": False, "taxonomies": {kind: kind for kind in kinds},
        "product_visibility_terms": {term: term for term in terms}, "woocommerce_com_connected": "no",
        "enforce_approved_download_dirs": True, "order_datastore": "OrdersTableDataStore", "HPOS_enabled": True,
        "HPOS_sync_enabled": False, "enabled_features": ["analytics", "custom_order_tables"],
    }  # fmt: skip


def _page(name: str, number: int) -> Json:
    return {
        "page_name": name, "page_id": str(number), "page_set": True, "page_exists": True, "page_visible": True,
        "shortcode": "", "block": "", "shortcode_required": False, "shortcode_present": False,
        "block_present": False, "block_required": False,
    }  # fmt: skip


def system_status(call: Call) -> Reply:
    """Versions and settings. `default_timezone` is PHP's (UTC), never the site's: a known trap."""
    store = call.store
    sizes = {"data": "0.02", "index": "0.02", "engine": "InnoDB"}
    plugin: Json = {
        "plugin": "woocommerce/woocommerce.php", "name": "WooCommerce", "version": VERSION,
        "version_latest": VERSION, "url": "https://woocommerce.com/", "author_name": "Automattic",
        "author_url": "https://woocommerce.com", "network_activated": False,
    }  # fmt: skip
    theme: Json = {
        "name": "Sandbox", "version": "1.0", "version_latest": 0, "author_url": "", "is_child_theme": False,
        "is_block_theme": True, "has_woocommerce_support": False, "has_woocommerce_file": False,
        "has_outdated_templates": False, "overrides": [], "parent_name": "", "parent_version": "",
        "parent_version_latest": "", "parent_author_url": "",
    }  # fmt: skip
    counts = (
        ("product", len(store.products)), ("product_variation", len(store.variations)),
        ("shop_coupon", len(store.coupons)), ("shop_order_placehold", len(store.orders) + len(store.refunds)),
    )  # fmt: skip
    return Reply({
        "environment": _environment(call),
        "database": {
            "wc_database_version": VERSION, "database_prefix": "wp_", "maxmind_geoip_database": "",
            "database_tables": {"woocommerce": {}, "other": {f"wp_{name}": sizes for name in _TABLES}},
            "database_size": {"data": 8.25, "index": 8.5},
        },
        "active_plugins": [plugin], "inactive_plugins": [],
        "dropins_mu_plugins": {"dropins": [], "mu_plugins": []}, "theme": theme, "settings": _settings(call),
        "security": {"secure_connection": store.site_url.startswith("https"), "hide_errors": True},
        "pages": [_page("Shop base", 6), _page("Cart", 7), _page("Checkout", 8)],
        "post_type_counts": [{"type": kind, "count": str(count)} for kind, count in counts],
        "logging": {
            "logging_enabled": True, "default_handler": "LogHandlerFileV2", "retention_period_days": 30,
            "level_threshold": "", "log_directory_size": "12 KB",
        },
    })  # fmt: skip


def sales_report(call: Call) -> Reply:
    """`/reports/sales`: zeros, whatever was sold, because the store keeps its orders in HPOS tables."""
    month = call.store.clock.day(call.store.clock.now())[:7]
    zero: Json = {
        "sales": "0.00", "orders": 0, "items": 0, "tax": "0.00", "shipping": "0.00", "discount": "0.00",
        "customers": 0, "refunds": "0.00",
    }  # fmt: skip
    months = {call.params.values.get(name, month)[:7] for name in ("date_min", "date_max")}
    if any(len(name) != 7 for name in months):
        raise invalid_params({"date_min": ("rest_invalid_date", "Invalid date.")})
    row: Json = {
        "total_sales": "0.00", "net_sales": "0.00", "average_sales": "0.00", "total_orders": 0, "total_items": 0,
        "total_tax": "0.00", "total_shipping": "0.00", "total_refunds": 0, "total_discount": "0.00",
        "totals_grouped_by": "month", "totals": dict.fromkeys(sorted(months), zero), "total_customers": 0,
        "_links": {"about": [{"href": f"{call.rest}/reports"}]},
    }  # fmt: skip
    return Reply([row])


def order_totals(call: Call) -> Reply:
    """`/reports/orders/totals`: how many orders each status has; trash is not among them."""
    counts = Counter(order.status for order in call.store.orders.values())
    return Reply([{"slug": slug, "name": name, "total": counts[slug]} for slug, name in _TOTALS])
