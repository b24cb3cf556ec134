"""Tortoise models of the tenancy tables (`migrations/0001_ground.sql` is the truth; a test compares)."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class Organization(Model):
    """A client of the agency: the tenant."""

    id = fields.UUIDField(primary_key=True)
    name = fields.CharField(max_length=200)
    reporting_currency = fields.CharField(max_length=3, default="USD")
    timezone = fields.CharField(max_length=64, default="UTC")
    week_start = fields.SmallIntField(default=1)
    revenue_goal = fields.DecimalField(max_digits=20, decimal_places=2, default=10_000_000)
    lead_time_days = fields.IntField(default=14)
    safety_days = fields.IntField(default=2)
    overstock_days = fields.IntField(default=180)
    rates_hold_days = fields.IntField(default=7)
    rates_fetched = fields.BooleanField(default=True)
    is_demo = fields.BooleanField(default=False)
    created_at = fields.DatetimeField(auto_now_add=True)
    disabled_at = fields.DatetimeField(null=True)

    class Meta:
        table = "organizations"


class Membership(Model):
    """A user's role in one organization."""

    org_id = fields.UUIDField()
    user_id = fields.UUIDField(primary_key=True)  # with org_id; Tortoise knows only single keys, writes go by SQL
    role = fields.CharField(max_length=16)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "memberships"
