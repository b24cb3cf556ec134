"""Settings by environment, validated at start: a wrong value names the variable and says what would be right.

Every variable may be given as `NAME_FILE` instead: the value is then read from that file (for secrets).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from portal.foundation.errors import StartupError


class Settings(BaseModel):
    """All settings. `alias` is the environment variable; `description` is what a right value looks like."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    data_dir: Path = Field(Path("var"), alias="PORTAL_DATA_DIR", description="a folder the portal may write to")
    host: str = Field("127.0.0.1", alias="PORTAL_HOST", description="an address to listen on, e.g. 0.0.0.0")
    port: int = Field(8000, alias="PORTAL_PORT", ge=1, le=65535, description="a free port, 1 to 65535")
    public_url: str = Field(
        "",
        alias="PORTAL_PUBLIC_URL",
        pattern=r"^(https?://[^/\s]+)?$",
        description="where browsers and stores reach the portal, e.g. https://portal.example.com (no path)",
    )
    database_url: str = Field(
        "",
        alias="DATABASE_URL",
        pattern=r"^(postgres(ql)?://.+)?$",
        description="postgresql://user:password@host:5432/database; empty starts a private PostgreSQL",
    )
    database_owner_url: str = Field(
        "",
        alias="DATABASE_OWNER_URL",
        pattern=r"^(postgres(ql)?://.+)?$",
        description="like DATABASE_URL, of the role that owns the tables; used by migrations only",
    )
    database_replica_url: str = Field(
        "",
        alias="DATABASE_REPLICA_URL",
        pattern=r"^(postgres(ql)?://.+)?$",
        description="like DATABASE_URL, of a read replica for reads that tolerate lag",
    )
    database_pool: int = Field(
        10, alias="PORTAL_DATABASE_POOL", ge=1, le=200, description="connections per process, 1 to 200"
    )
    database_pgbouncer: bool = Field(
        False,
        alias="PORTAL_DATABASE_PGBOUNCER",
        description="true when DATABASE_URL is PgBouncer in transaction mode (no prepared statements are kept)",
    )
    redis_url: str = Field(
        "",
        alias="REDIS_URL",
        pattern=r"^((rediss?|unix)://.+)?$",
        description="redis://[:password@]host:6379/0 or rediss://…; empty starts a private Valkey",
    )
    redis_prefix: str = Field(
        "portal",
        alias="PORTAL_REDIS_PREFIX",
        pattern=r"^[a-z0-9_-]{1,40}$",
        description="lower-case letters, digits, - and _; keeps installations on one Redis apart",
    )
    master_keys: str = Field(
        "",
        alias="PORTAL_MASTER_KEYS",
        description="base64 of 32 random bytes; several separated by commas, the first encrypts (`portal keys generate`)",
    )
    installation: str = Field(
        "portal",
        alias="PORTAL_INSTALLATION",
        pattern=r"^[a-z0-9-]{1,40}$",
        description="a lower-case name of this installation; bound into every encrypted credential",
    )
    outbound_allow: tuple[str, ...] = Field(
        (),
        alias="PORTAL_OUTBOUND_ALLOW",
        description="host:port,host:port of private addresses that stores may have",
    )
    outbound_ca_file: Path | None = Field(
        None,
        alias="PORTAL_OUTBOUND_CA_FILE",
        description="a PEM file of certificate authorities to trust as well",
    )
    shopify_base_url: str = Field(
        "",
        alias="PORTAL_SHOPIFY_BASE_URL",
        pattern=r"^(https?://[^\s?#]+)?$",
        description="where Shopify shops are instead of https://{shop}, e.g. a sandbox at http://127.0.0.1:8801; the "
        "shop's domain follows as the path",
    )
    amazon_api_url: str = Field(
        "",
        alias="PORTAL_AMAZON_API_URL",
        pattern=r"^(https?://[^\s?#]+)?$",
        description="where Amazon's Selling Partner API is instead of the seller's region, e.g. a sandbox's "
        "http://127.0.0.1:8801/amazon",
    )
    amazon_lwa_url: str = Field(
        "",
        alias="PORTAL_AMAZON_LWA_URL",
        pattern=r"^(https?://[^\s?#]+)?$",
        description="where Login with Amazon is instead of Amazon's own, e.g. a sandbox's http://127.0.0.1:8801/amazon",
    )
    amazon_lwa_client_id: str = Field(
        "",
        alias="PORTAL_AMAZON_LWA_CLIENT_ID",
        description="the LWA client id of this installation's Amazon application (amzn1.application-oa2-client.…)",
    )
    amazon_lwa_client_secret: str = Field(
        "", alias="PORTAL_AMAZON_LWA_CLIENT_SECRET", description="the LWA client secret that belongs to it"
    )
    amazon_lwa_secret_created: str = Field(
        "",
        alias="PORTAL_AMAZON_LWA_SECRET_CREATED",
        pattern=r"^(\d{4}-\d{2}-\d{2})?$",
        description="the day that secret was made, e.g. 2026-01-31; Amazon lets it expire after 180 days",
    )
    rates_url: str = Field(
        "",
        alias="PORTAL_RATES_URL",
        pattern=r"^(https?://[^\s#]+)?$",
        description="where exchange rates are published, as the ECB's XML or CSV (https://…); empty: rates come by hand",
    )
    trusted_proxies: int = Field(
        0,
        alias="PORTAL_TRUSTED_PROXIES",
        ge=0,
        le=5,
        description="how many proxies in front set X-Forwarded-For/-Proto, 0 to 5",
    )
    jwks_url: str = Field(
        "",
        alias="PORTAL_JWKS_URL",
        pattern=r"^(https?://.+)?$",
        description="the JWKS address of an outside token issuer (Supabase, Clerk); empty for none",
    )
    jwks_issuer: str = Field("", alias="PORTAL_JWKS_ISSUER", description="the outside issuer's `iss`")
    jwks_audience: str = Field("", alias="PORTAL_JWKS_AUDIENCE", description="the `aud` outside tokens must carry")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", alias="PORTAL_LOG_LEVEL", description="debug, info, warning or error"
    )
    log_format: Literal["json", "console"] = Field(
        "console", alias="PORTAL_LOG_FORMAT", description="json (for machines) or console (for people)"
    )
    web_workers: int = Field(1, alias="PORTAL_WEB_WORKERS", ge=1, le=64, description="web processes, 1 to 64")
    sync_concurrency: int = Field(
        4, alias="PORTAL_SYNC_CONCURRENCY", ge=1, le=64, description="store syncs at once per worker, 1 to 64"
    )
    access_token_minutes: int = Field(
        15,
        alias="PORTAL_ACCESS_TOKEN_MINUTES",
        ge=1,
        le=1440,
        description="life of an access token in minutes",
    )
    refresh_token_days: int = Field(
        30, alias="PORTAL_REFRESH_TOKEN_DAYS", ge=1, le=365, description="life of a refresh token in days"
    )
    session_days: int = Field(
        14, alias="PORTAL_SESSION_DAYS", ge=1, le=365, description="life of a browser session in days"
    )
    webhook_days: int = Field(
        7,
        alias="PORTAL_WEBHOOK_DAYS",
        ge=2,
        le=90,
        description="days that webhook deliveries are kept to be seen and replayed, 2 to 90",
    )
    demo: bool = Field(
        False, alias="PORTAL_DEMO", description="true in the demo: shows the demo's logins on the login page"
    )

    @property
    def base_url(self) -> str:
        """Where the portal is reached, without a trailing slash."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def secure_cookies(self) -> bool:
        return self.base_url.startswith("https://")


def load_settings(environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Settings from the environment; `overrides` (by field name) come from the command line and win.

    Raises `StartupError` naming each wrong variable and what would be right.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for name, field in Settings.model_fields.items():
        variable = str(field.alias)
        raw = environ.get(variable, "")
        if not raw and (path := environ.get(f"{variable}_FILE")):
            try:
                raw = Path(path).read_text().strip()
            except OSError as error:
                raise StartupError(f"{variable}_FILE: cannot read {path}: {error.strerror}") from error
        if raw:
            values[name] = tuple(p.strip() for p in raw.split(",") if p.strip()) if name == "outbound_allow" else raw
    values.update({name: value for name, value in overrides.items() if value is not None})
    try:
        return Settings(**values)
    except ValidationError as error:
        raise StartupError("; ".join(_explain(item["loc"]) for item in error.errors())) from None


def _explain(location: tuple[int | str, ...]) -> str:
    """Never repeats the value: it may be a secret."""
    name = str(location[0])
    field = Settings.model_fields.get(name) or next(f for f in Settings.model_fields.values() if f.alias == name)
    return f"{field.alias} is not right: it should be {field.description}"
