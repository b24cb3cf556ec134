"""Tortoise models of identities and their credentials (`migrations/0001_ground.sql` is the truth; a test compares)."""

from __future__ import annotations

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.models import Model


class User(Model):
    """A person. What the person may see is in memberships."""

    id = fields.UUIDField(primary_key=True)
    email = fields.CharField(max_length=254, unique=True)
    name = fields.CharField(max_length=200, default="")
    password_hash = fields.TextField(null=True)
    is_superadmin = fields.BooleanField(default=False)
    must_change_password = fields.BooleanField(default=False)
    external_issuer = fields.TextField(null=True)
    external_subject = fields.TextField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    disabled_at = fields.DatetimeField(null=True)

    class Meta:
        table = "users"


class Session(Model):
    """A signed-in browser; only the hash of its secret is stored."""

    id = fields.UUIDField(primary_key=True)
    token_hash = fields.BinaryField()
    user_id = fields.UUIDField()
    active_org = fields.UUIDField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    last_seen_at = fields.DatetimeField(auto_now_add=True)
    expires_at = fields.DatetimeField()
    revoked_at = fields.DatetimeField(null=True)
    user_agent = fields.TextField(default="")
    address = fields.TextField(default="")

    class Meta:
        table = "sessions"


class RefreshToken(Model):
    """One link of a rotation; `family` is the sign-in it came from."""

    id = fields.UUIDField(primary_key=True)
    family = fields.UUIDField()
    user_id = fields.UUIDField()
    active_org = fields.UUIDField(null=True)
    token_hash = fields.BinaryField()
    issued_at = fields.DatetimeField(auto_now_add=True)
    expires_at = fields.DatetimeField()
    used_at = fields.DatetimeField(null=True)
    revoked_at = fields.DatetimeField(null=True)

    class Meta:
        table = "refresh_tokens"


class ApiKey(Model):
    """A program's key to one organization; only its hash is stored."""

    id = fields.UUIDField(primary_key=True)
    org_id = fields.UUIDField()
    name = fields.CharField(max_length=100)
    prefix = fields.TextField()
    key_hash = fields.BinaryField()
    scopes: ArrayField = ArrayField(element_type="text", default=list)
    created_by = fields.UUIDField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    expires_at = fields.DatetimeField(null=True)
    revoked_at = fields.DatetimeField(null=True)
    last_used_at = fields.DatetimeField(null=True)

    class Meta:
        table = "api_keys"


class Invitation(Model):
    """A single-use link that makes a user a member and lets them choose a password."""

    id = fields.UUIDField(primary_key=True)
    org_id = fields.UUIDField()
    user_id = fields.UUIDField()
    role = fields.CharField(max_length=16)
    token_hash = fields.BinaryField()
    invited_by = fields.UUIDField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    expires_at = fields.DatetimeField()
    accepted_at = fields.DatetimeField(null=True)

    class Meta:
        table = "invitations"
