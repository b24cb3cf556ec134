"""The Market Stall connector: the manifest's promises, kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from portal.connectors.stall import mapping
from portal.connectors.stall.client import Client
from portal.connectors.stall.manifest import MANIFEST

from portal.connectors.answers import Cursor, IdPage, Listed, Page, Rejected
from portal.connectors.contract import Credentials
from portal.connectors.findings import ConnectionTest, PermissionResult, StoreFacts, WebhookThere
from portal.connectors.manifest import Manifest
from portal.foundation.errors import ConnectorError, Permanent
from portal.foundation.outbound import Budget, OutboundClient


class StallConnector:
    """One stall. Raises `ConnectorError`s only."""

    manifest: ClassVar[Manifest] = MANIFEST

    def __init__(self, credentials: Credentials, outbound: OutboundClient, budget: Budget | None) -> None:
        self.client = Client(credentials, outbound, budget)

    async def test(self) -> ConnectionTest:
        """Tries the token, then each permission. Never raises for a failing stall."""
        try:
            about = await self.client.get("about")
        except ConnectorError as error:
            return ConnectionTest(
                success=False, status="auth_failed", response_time=0, advice=(error.message, error.advice)
            )
        results = []
        for permission in MANIFEST.permissions:
            granted: bool | None = True
            try:
                await self.client.get(permission.name.removeprefix("read_"), after="0")
            except ConnectorError:
                granted = False
            results.append(PermissionResult(name=permission.name, granted=granted, needed_for=permission.needed_for))
        store = StoreFacts(name=about["name"], currency=about["currency"], timezone=about["timezone"])
        return ConnectionTest(
            success=all(each.granted for each in results), status="success", response_time=round(self.client.elapsed * 1000),
            permissions=tuple(results), sample={"orders": about["orders"]}, store=store,
        )  # fmt: skip

    async def page(self, stream: str, cursor: Cursor | None) -> Page:
        """Goods whole; orders by id among those changed since the mark, which is the stall's clock when the run began."""
        known = cursor if isinstance(cursor, dict) else {}
        seen_at = datetime.now(UTC)
        if stream == "products":
            rows = (await self.client.get("products"))["rows"]
            return _page([mapping.product(row, seen_at) for row in rows], {}, len(rows), caught_up=True)
        since, after = str(known.get("since", "")), str(known.get("after", "0"))
        answer = await self.client.get("orders", since=since, after=after)
        rows, opened = answer["rows"], str(known.get("opened") or answer["now"])
        mapped = [mapping.order(row, seen_at) for row in rows]
        if answer["more"]:
            return _page(
                mapped, {"since": since, "after": rows[-1]["id"], "opened": opened}, len(rows), caught_up=False
            )
        mark = datetime.fromisoformat(opened) - timedelta(seconds=2)
        return _page(mapped, {"since": mark.isoformat()}, len(rows), caught_up=True)

    def since(self, stream: str, moment: datetime) -> Cursor | None:
        return {"since": moment.isoformat()} if stream == "orders" else None

    async def ids(self, stream: str, cursor: Cursor | None) -> IdPage:
        rows = (await self.client.get(stream, everything="1"))["rows"]
        if stream == "products":
            return IdPage(ids=[row["sku"] for row in rows], next={}, finished=True)
        read = [mapping.order(row, datetime.now(UTC)) for row in rows]
        listed = {
            each.external_id: Listed(
                modified_at=each.modified_at, status=each.source_status, currency=each.currency, total=each.total,
                business_at=each.created_at,
            )
            for each in read
            if not isinstance(each, Rejected)
        }  # fmt: skip
        return IdPage(ids=[str(row["id"]) for row in rows], next={}, finished=True, listed=listed)

    async def fetch(self, stream: str, ids: Sequence[str]) -> Page:
        if stream != "orders":
            raise Permanent("Goods are only listed whole.", "Sync the stall.")
        rows = (await self.client.get("orders", named=",".join(ids)))["rows"]
        return _page([mapping.order(row, datetime.now(UTC)) for row in rows], {}, len(rows), caught_up=True)

    async def register_webhooks(
        self, delivery_url: str, secret: str, topics: Sequence[str] | None = None
    ) -> Sequence[str]:
        wanted = list(MANIFEST.webhook_topics if topics is None else topics)
        await self.client.call("calls", {"url": delivery_url, "secret": secret, "topics": wanted})
        return wanted

    async def webhooks_there(self, delivery_url: str) -> Sequence[WebhookThere]:
        there = (await self.client.get("calls")).get("topics", [])
        return [WebhookThere(topic=each, delivery_url=delivery_url) for each in there]

    async def remove_webhooks(self, delivery_url: str) -> int:
        there = await self.webhooks_there(delivery_url)
        await self.client.call("calls", {"url": delivery_url, "secret": "", "topics": []})
        return len(there)


def _page(mapped: list[object], following: Cursor, fetched: int, *, caught_up: bool) -> Page:
    return Page(
        records=[each for each in mapped if not isinstance(each, Rejected)],  # type: ignore[misc]
        rejected=[each for each in mapped if isinstance(each, Rejected)],
        next=following, caught_up=caught_up, fetched=fetched,
    )  # fmt: skip
