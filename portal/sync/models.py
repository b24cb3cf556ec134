"""Tortoise models of the sync tables (`migrations/0001_ground.sql` is the truth)."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model


class ClientApiSyncResult(Model):
    """One run: queued, running, and how it ended."""

    id = fields.BigIntField(primary_key=True)
    org_id = fields.UUIDField()
    connection_id = fields.BigIntField()
    run_id = fields.UUIDField()
    trigger = fields.TextField(default="schedule")
    status = fields.TextField(default="queued")
    queued_at = fields.DatetimeField(auto_now_add=True)
    started_at = fields.DatetimeField(null=True)
    finished_at = fields.DatetimeField(null=True)
    rows_fetched = fields.BigIntField(default=0)
    rows_changed = fields.BigIntField(default=0)
    rows_rejected = fields.BigIntField(default=0)
    progress: Any = fields.JSONField(default=dict)
    request: Any = fields.JSONField(null=True)
    again_at = fields.DatetimeField(null=True)
    asked_meanwhile = fields.BooleanField(default=False)
    error = fields.TextField(null=True)
    error_code = fields.TextField(null=True)
    advice = fields.TextField(null=True)
    attempts = fields.IntField(default=0)

    class Meta:
        table = "client_api_sync_results"
