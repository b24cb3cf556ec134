"""Every number of the commerce room, declared: what it is called, how it is computed, where. Published at /docs/metrics.

The formulas in words here and the SQL of `migrations/0003_commerce_views.sql` are held together by tests that compute each
number a third time, from the rows.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Unit = Literal["money", "count", "percent", "units", "days", "word", "date", "list"]


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """`unit` money is in the organization's reporting currency. `source` is the view and column that computes it."""

    name: str
    label: str
    unit: Unit
    formula: str
    source: str
    notes: str = ""


_COUNTED = (
    "An order counts when it is processing, completed, on hold or refunded, or when it is pending (or in a state of a plug-in's "
    "own) and has a paid date. Cancelled, failed, trashed, draft, test and deleted orders never count. It is dated by its paid "
    "date, else by its creation; the day is the organization's local one. Of two sources of the same orders one counts for each "
    "day; a source in shadow counts for none."
)
_WEEK = (
    "Last week is the same weekday seven days ago, up to the same local time of day; of a source that ends earlier today (a "
    "file), up to the same time of its end. A source that counts today and ends before it is in neither side. Unknown where a "
    "file gives days without times: no part of last week is the same."
)
_ENDS = (
    "Unknown where every source that counts ends before today: a file is known until its last order or refund. Sources that are "
    "read are known until now; while the first reading is under way, once there is an order or refund of today."
)

SALES = (
    Metric(
        name="total_revenue",
        label="Revenue today",
        unit="money",
        formula="sum of the totals of today's counted orders (with tax, shipping and fees, after discounts) minus the amounts of "
        "today's refunds of counted orders, each converted at the rate of its own day",
        source="v_sales_pulse_current.total_revenue",
        notes=f"{_COUNTED} The rate is that of the day, else the last one before it, if it is not older than the organization "
        "lets rates hold (7 days unless changed). Amounts without a known rate are not added; see unconverted_orders. Where not "
        f"one has a rate the sum is unknown. {_ENDS}",
    ),
    Metric(
        name="total_orders",
        label="Orders today",
        unit="count",
        formula="number of today's counted orders, unconverted ones included",
        source="v_sales_pulse_current.total_orders",
        notes=f"{_COUNTED} {_ENDS}",
    ),
    Metric(
        name="avg_order_value",
        label="Average order value",
        unit="money",
        formula="total_revenue / today's counted orders whose currency could be converted; unknown without such an order",
        source="v_sales_pulse_current.avg_order_value",
    ),
    Metric(
        name="revenue_vs_last_week_pct",
        label="Revenue against last week",
        unit="percent",
        formula="100 x (total_revenue - last_week_revenue) / last_week_revenue; unknown when last week's is not above zero",
        source="v_sales_pulse_current.revenue_vs_last_week_pct",
        notes=f"{_WEEK} Unknown while an amount of either side has no rate: the two sums would lack different things.",
    ),
    Metric(
        name="orders_vs_last_week_pct",
        label="Orders against last week",
        unit="percent",
        formula="100 x (total_orders - last_week_orders) / last_week_orders; unknown when last week had none",
        source="v_sales_pulse_current.orders_vs_last_week_pct",
        notes=_WEEK,
    ),
    Metric(
        name="aov_vs_last_week_pct",
        label="Average order value against last week",
        unit="percent",
        formula="100 x (avg_order_value - last week's) / last week's; unknown when last week's is not above zero",
        source="v_sales_pulse_current.aov_vs_last_week_pct",
        notes=_WEEK,
    ),
    Metric(
        name="fulfillment_rate_pct",
        label="Fulfilled",
        unit="percent",
        formula="100 x today's counted orders that are fulfilled or need no shipping / today's counted orders",
        source="v_sales_pulse_current.fulfillment_rate_pct",
        notes="Unknown while there is no order today. A partly shipped order is not fulfilled.",
    ),
    Metric(
        name="top_5_skus",
        label="Top sellers, 30 days",
        unit="list",
        formula="the five SKUs with the highest revenue_30d",
        source="v_sales_pulse_current.top_5_skus",
        notes="Lines of products that no longer exist and have no SKU are left out. Those without a known revenue come last.",
    ),
    Metric(
        name="revenue_30d",
        label="Revenue of a SKU, 30 days",
        unit="money",
        formula="sum of the item lines' totals (after discounts, without tax and shipping, before refunds) in counted orders of "
        "the last 30 local days, today included",
        source="daily_sku_sales.revenue_reporting",
        notes="Lines of orders without a known rate are not added; unknown where not one unit has one.",
    ),
    Metric(
        name="units_sold_30d",
        label="Units sold, 30 days",
        unit="units",
        formula="sum of the item lines' quantities in counted orders of the last 30 local days, today included; returns are not "
        "subtracted",
        source="daily_sku_sales.units",
    ),
    Metric(
        name="unconverted_orders",
        label="Orders not converted",
        unit="count",
        formula="today's counted orders in a currency without a known rate to the reporting currency",
        source="v_sales_pulse_current.unconverted_orders",
        notes="They are kept and listed, and their amounts are in no total. Refunds without a rate are named beside them.",
    ),
    Metric(
        name="revenue_share_pct",
        label="Share of a store",
        unit="percent",
        formula="100 x the store's revenue today / revenue today of all stores that count today; unknown when that is not "
        "above zero, or not known as a whole (an order without a rate, a file that ends before today)",
        source="v_stores_today.revenue",
        notes="A store in shadow, or one that counts for other days only, has none.",
    ),
    Metric(
        name="new_customers",
        label="New customers",
        unit="count",
        formula="counted orders that are the first of their customer (account, else e-mail address) at this store",
        source="daily_sales.new_customers",
    ),
)

STOCK = (
    Metric(
        name="quantity_available",
        label="In stock",
        unit="units",
        formula="stock quantity of the published products with this SKU; a stock shared by variations is counted once",
        source="v_inventory_items.quantity_available",
        notes="Unknown when the store does not track it.",
    ),
    Metric(
        name="days_of_cover",
        label="Days of cover",
        unit="days",
        formula="quantity_available / (units_sold_30d / 30), rounded down; unknown when nothing was sold in 30 days",
        source="v_inventory_items.days_of_cover",
    ),
    Metric(
        name="reorder_point",
        label="Reorder point",
        unit="units",
        formula="units_sold_30d / 30 x (lead time + safety days), rounded up; both are the organization's (14 and 2 days at first)",
        source="v_inventory_items.reorder_point",
    ),
    Metric(
        name="alert_type",
        label="Alert",
        unit="word",
        formula="out_of_stock: quantity at or below zero, or the store says so; low_stock: quantity at or below the reorder point "
        "or the store's own threshold; overstock: more days of cover than the organization's limit (180 at first)",
        source="v_inventory_items.alert_type",
        notes="An item unsold for 30 days, and not younger, is taken to sell less than one a month: 30 x quantity is its cover.",
    ),
    Metric(
        name="alert_severity",
        label="Severity",
        unit="word",
        formula="critical: out of stock and sold in the last 30 days, or low with under 5 days of cover; high: low with under 14; "
        "medium: other low stock, and out of stock without recent sales; low: overstock",
        source="v_inventory_items.alert_severity",
    ),
    Metric(
        name="total_alerts",
        label="Alerts",
        unit="count",
        formula="items with an alert of any severity",
        source="v_inventory_summary.total_alerts",
    ),
    Metric(
        name="critical_alerts",
        label="Critical alerts",
        unit="count",
        formula="items with a critical alert",
        source="v_inventory_summary.critical_alerts",
    ),
    Metric(
        name="high_alerts",
        label="High alerts",
        unit="count",
        formula="items with a high alert",
        source="v_inventory_summary.high_alerts",
    ),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in (*SALES, *STOCK)}
"""All metrics of the room by name."""
