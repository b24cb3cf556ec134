"""Tortoise models of the stores' tables (`migrations/0001_ground.sql` is the truth)."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class ClientApiCredential(Model):
    """A client's connection to one store. Secrets are sealed; only `stores.service` opens them."""

    id = fields.BigIntField(primary_key=True)
    org_id = fields.UUIDField()
    platform_type = fields.TextField()
    connection_name = fields.TextField()
    status = fields.TextField(default="active")
    sync_frequency = fields.TextField(default="hourly")
    store_name = fields.TextField(null=True)
    store_currency = fields.CharField(max_length=3, null=True)
    store_timezone = fields.TextField(null=True)
    public_token = fields.TextField()
    last_success_at = fields.DatetimeField(null=True)
    last_error = fields.TextField(null=True)
    last_error_at = fields.DatetimeField(null=True)
    consecutive_failures = fields.IntField(default=0)
    next_sync_at = fields.DatetimeField()
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "client_api_credentials"


class ApiPlatformConfig(Model):
    """What the agency may change of a platform. Not a tenant's."""

    platform_type = fields.CharField(max_length=100, primary_key=True)
    enabled = fields.BooleanField(default=True)
    requests_per_second = fields.DecimalField(max_digits=8, decimal_places=3, null=True)
    burst = fields.IntField(null=True)
    help_text = fields.TextField(default="")
    updated_at = fields.DatetimeField(auto_now=True)

    class Meta:
        table = "api_platform_configs"
