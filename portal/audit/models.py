"""Tortoise model of the trail (`migrations/0001_ground.sql` is the truth; a test compares). Written only by `trail`."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class AuditEntry(Model):
    """One link of a chain: who did what to what, from where, before and after (masked)."""

    id = fields.BigIntField(primary_key=True)
    chain = fields.TextField()
    seq = fields.BigIntField()
    org_id = fields.UUIDField(null=True)
    at = fields.DatetimeField()
    actor_id = fields.UUIDField(null=True)
    actor = fields.TextField()
    role = fields.TextField()
    action = fields.TextField()
    target = fields.TextField(default="")
    address = fields.TextField(default="")
    request_id = fields.TextField(default="")
    before: fields.JSONField[object] = fields.JSONField(null=True)
    after: fields.JSONField[object] = fields.JSONField(null=True)
    previous_hash = fields.BinaryField()
    hash = fields.BinaryField()

    class Meta:
        table = "audit_entries"
