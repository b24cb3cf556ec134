"""Rows in every tenant table of one organization, each text carrying a mark that nobody else may ever be sent.

Tables and columns are read from the catalogue: a new table is planted without editing this file, as long as its checks
name the allowed words (`CHECK (status IN (…))`), its references go to organizations, users or connections.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from portal.commerce.details import Payment, Return, ReturnLine, Shipment, StockAt, Tracking
from portal.commerce.records import Coupon, Customer, TaxRate
from portal.foundation.runtime import Runtime
from tests import ledgers

FIRST_ID = 900_719_925  # connection ids from here on are found by their digits


@dataclass
class Planted:
    """One organization's rows. `mark` is in every text; `ids` are its identifiers as text."""

    org: UUID
    mark: str
    connection_id: int = 0
    order_id: str = ""
    sku: str = ""
    ids: set[str] = field(default_factory=set)

    def found_in(self, text: str, *, sent: str = "") -> str:
        """What of this organization is in an answer, apart from what the request itself named; empty for nothing."""
        words = {sent, *re.findall(r"[\w@.:-]{6,}", sent), *re.findall(r"[\w-]{6,}", sent)}
        for word in sorted(words - {""}, key=len, reverse=True):
            text = text.replace(word, "")
        folded = text.casefold()
        return next((each for each in (self.mark, *self.ids) if each.casefold() in folded), "")


async def tenant_tables(admin: Any) -> list[str]:
    """Every table with an `org_id`, those that others refer to first."""
    rows = await admin.fetch(
        """SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'org_id'
           WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
           ORDER BY c.relname = 'memberships' DESC, c.relname = 'client_api_credentials' DESC, c.oid"""
    )
    return [row["relname"] for row in rows]


async def plant(rt: Runtime, admin: Any, org: UUID, user_id: UUID, mark: str) -> Planted:
    """A store with an order, a refund, stock and people, written by the ledger; then one row in every table still empty."""
    ids = "pg_get_serial_sequence('client_api_credentials', 'id')"
    await admin.execute(f"SELECT setval({ids}, greatest(nextval({ids}), {FIRST_ID}))")
    await admin.execute("UPDATE organizations SET name = $2 WHERE id = $1", org, f"Org {mark}")
    planted = Planted(org, mark, order_id=f"{mark}-order", sku=f"{mark}-sku")
    planted.connection_id = await ledgers.connect(rt, org, f"Store {mark}")
    sale = ledgers.order(
        "77.31",
        ledgers.line(planted.sku, "77.31", 40, name=f"Item {mark}"),
        id=planted.order_id,
        number=f"No-{mark}",
        customer_name=f"Person {mark}",
        customer_email=f"{mark}@leak.example",
        note=f"Note {mark}",
        payment_method=f"Pay {mark}",
        meta={"mark": mark},
        payments=(Payment(kind="sale", gateway=f"Gateway {mark}", reference=f"{mark}-paid"),),
        shipments=(Shipment(tracking=(Tracking(carrier=f"Carrier {mark}", number=f"{mark}-parcel"),)),),
        returns=(Return(lines=(ReturnLine(name=f"Back {mark}", reason=f"Why {mark}"),)),),
    )
    places = tuple(
        StockAt(location_id=f"{mark}-{units}", location_name=f"Depot {mark}", quantity=Decimal(units))
        for units in (1, 2)
    )
    known = {"modified_at": ledgers.now()}
    records = (
        sale,
        ledgers.refund(sale, "1.17", reason=f"Reason {mark}", external_id=f"{mark}-refund"),
        ledgers.product(planted.sku, 3, name=f"Product {mark}", stock_at=places),
        Customer(external_id=f"{mark}-c", email=f"{mark}@leak.example", name=f"Person {mark}", **known),
        Coupon(external_id=f"{mark}-k", code=mark, kind="percent", amount=ledgers.Decimal(5), **known),
        TaxRate(external_id=f"{mark}-t", rate_percent=ledgers.Decimal(19), name=f"Tax {mark}", **known),
    )
    await ledgers.write(rt, org, planted.connection_id, *records)
    # Under the connection's number too: paths are tried with it, whatever they name.
    await admin.execute(
        "INSERT INTO uploads (id, org_id, kind, filename, bytes, sha256, created_by_name) OVERRIDING SYSTEM VALUE "
        "VALUES ($1, $2, 'orders', $3, 1, $3, $3)",
        planted.connection_id,
        org,
        f"{mark}.csv",
    )
    await admin.execute(
        "INSERT INTO webhook_deliveries (id, org_id, connection_id, dedupe_key, topic, headers, body) OVERRIDING SYSTEM VALUE "
        "VALUES ($1, $2, $1, $3::text, $3, jsonb_build_object('x-mark', $3), convert_to($3, 'UTF8'))",
        planted.connection_id,
        org,
        mark,
    )
    for table in await tenant_tables(admin):
        if not await admin.fetchval(f"SELECT EXISTS (SELECT FROM {table} WHERE org_id = $1)", org):
            await _fill(admin, table, planted, user_id)
        rows = await admin.fetch(f"SELECT * FROM {table} WHERE org_id = $1", org)
        assert rows, f"{table} could not be planted"
        planted.ids |= {str(value) for row in rows for name, value in row.items() if _identifies(name, value)}
    planted.ids |= {str(org), str(user_id), str(planted.connection_id)}
    return planted


def _identifies(name: str, value: Any) -> bool:
    if isinstance(value, UUID):
        return value.int != 0
    return isinstance(value, str) and name in {"public_token", "prefix"} and len(value) > 8


async def _fill(admin: Any, table: str, planted: Planted, user_id: UUID) -> None:
    known = {
        "org_id": planted.org,
        "connection_id": planted.connection_id,
        "user_id": user_id,
        "chain": str(planted.org),
    }
    words = await _allowed_words(admin, table) | ({"kind": "failing"} if table == "notices" else {})
    columns = await admin.fetch(
        """SELECT column_name AS name, udt_name AS kind, is_nullable = 'YES' OR column_default IS NOT NULL AS optional,
             character_maximum_length AS length FROM information_schema.columns
           WHERE table_schema = 'public' AND table_name = $1 AND is_generated = 'NEVER' AND is_identity = 'NO'
           ORDER BY ordinal_position""",
        table,
    )
    values: dict[str, Any] = {}
    for column in columns:
        name, kind = column["name"], column["kind"]
        if name in known:
            values[name] = known[name]
        elif name in words:
            values[name] = words[name]
        elif kind in _TEXTS or not column["optional"]:
            values[name] = _value(f"{planted.mark}-{table}-{name}", kind, column["length"], name)
    names, places = ", ".join(values), ", ".join(f"${n + 1}" for n in range(len(values)))
    await admin.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", *values.values())


async def _allowed_words(admin: Any, table: str) -> dict[str, str]:
    """Columns whose check lists words, with the first of them."""
    rows = await admin.fetch(
        """SELECT a.attname AS name, pg_get_constraintdef(c.oid) AS rule FROM pg_constraint c
           JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
           WHERE c.conrelid = $1::regclass AND c.contype = 'c' AND cardinality(c.conkey) = 1""",
        f"public.{table}",
    )
    found = {row["name"]: re.findall(r"'(\w+)'::text", row["rule"]) for row in rows}
    return {name: options[0] for name, options in found.items() if options}


_TEXTS = frozenset({"text", "varchar", "bpchar", "_text", "jsonb", "bytea"})


def _value(text: str, kind: str, length: int | None, name: str) -> Any:
    if name.endswith("currency") or (length is not None and length < 8):
        return "USD"
    made: dict[str, Any] = {
        "_text": [text],
        "jsonb": json.dumps({"mark": text}),
        "bytea": text.encode(),
        "uuid": uuid4(),
        "bool": True,
        "date": date(2026, 1, 1),
        "timestamptz": datetime(2026, 1, 1, tzinfo=UTC),
        "interval": None,
    }
    if kind in {"text", "varchar", "bpchar"}:
        return text
    return made.get(kind, 7)


async def digest(admin: Any, org: UUID) -> dict[str, str]:
    """A fingerprint of every row of an organization, by table."""
    return {
        table: await admin.fetchval(
            f"SELECT count(*) || ':' || coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {table} t"
            " WHERE org_id = $1",
            org,
        )
        for table in await tenant_tables(admin)
    }
