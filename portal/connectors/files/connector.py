"""The connector that has nobody to ask. It keeps the contract, so that whatever opens a connection gets an answer with advice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from portal.connectors.answers import Cursor, IdPage, Page
from portal.connectors.contract import Connector, Credentials
from portal.connectors.files.manifest import MANIFEST
from portal.connectors.findings import ConnectionTest, WebhookThere
from portal.connectors.manifest import Manifest
from portal.foundation.errors import Permanent
from portal.foundation.outbound import OutboundClient
from portal.foundation.outbound.budget import Budget


class FilesConnector(Connector):
    """Files come by hand."""

    manifest: ClassVar[Manifest] = MANIFEST

    def __init__(self, credentials: Credentials, outbound: OutboundClient, budget: Budget | None) -> None:
        """Takes nothing of it."""

    async def test(self) -> ConnectionTest:
        """Always well: there is nothing to reach."""
        return ConnectionTest(success=True, status="success", response_time=0, advice=("Files are uploaded by hand.",))

    async def page(self, stream: str, cursor: Cursor | None) -> Page:
        """Raises `Permanent`."""
        raise _by_hand()

    def since(self, stream: str, moment: datetime) -> Cursor | None:
        """Nothing to read again: a file is uploaded again."""
        return None

    async def ids(self, stream: str, cursor: Cursor | None) -> IdPage:
        """Raises `Permanent`."""
        raise _by_hand()

    async def fetch(self, stream: str, ids: Sequence[str]) -> Page:
        """Raises `Permanent`."""
        raise _by_hand()

    async def register_webhooks(
        self, delivery_url: str, secret: str, topics: Sequence[str] | None = None
    ) -> Sequence[str]:
        """Nobody pushes."""
        return ()

    async def webhooks_there(self, delivery_url: str) -> Sequence[WebhookThere]:
        """Nobody pushes."""
        return ()

    async def remove_webhooks(self, delivery_url: str) -> int:
        """Nobody pushes."""
        return 0


def _by_hand() -> Permanent:
    return Permanent("Files are uploaded by hand; there is nothing to sync.", "Open Uploads and upload a file.")
