"""The list of offers of one marketplace (report GET_MERCHANT_LISTINGS_ALL_DATA): who ships each SKU, its price and name, and
how many the seller has of what he ships himself.

The column `fulfillment-channel` decides whose stock counts: DEFAULT is the seller's own (FBM) and has a quantity, AMAZON_… lies at
Amazon (FBA) and has none here. Units of a SKU that are left at Amazon after its offer became the seller's own cannot be sold.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import IO

from portal.connectors.amazon.rows import Row, Rows
from portal.foundation.errors import Permanent

SKU, CHANNEL, QUANTITY, PRICE = "seller-sku", "fulfillment-channel", "quantity", "price"
# Headers come in English because it is asked for; a copy that Amazon kept may be in the marketplace's own language.
_SPELLED = MappingProxyType(
    {
        "出品者sku": SKU,
        "フルフィルメント・チャンネル": CHANNEL,
        "数量": QUANTITY,
        "価格": PRICE,
        "商品名": "item-name",
        "ステータス": "status",
        "出品日": "open-date",
        "händler-sku": SKU,
        "versender": CHANNEL,
        "menge": QUANTITY,
        "preis": PRICE,
        "artikelbezeichnung": "item-name",
    }
)


class Listings:
    """One list of offers, read part by part. Blocking: read it in a thread.

    What was read is remembered as far as Amazon's own stock needs it: the SKUs that the seller ships, and the prices of the
    others. SKUs are kept as hashes, because a list may have half a million.
    """

    def __init__(self, document: str, file: IO[bytes] | None = None, charset: str = "") -> None:
        self.document = document
        self.line = 0
        self.finished = file is None  # without a file: a list that is not to be had
        self._rows = None if file is None else Rows(file, charset, needed=(SKU, CHANNEL, QUANTITY), spelled=_SPELLED)
        self._own: set[int] = set()
        self._prices: dict[int, str] = {}

    def is_own(self, sku: str) -> bool:
        """Whether the seller ships it himself, as far as was read."""
        return hash(sku) in self._own

    def price(self, sku: str) -> str | None:
        """The price of an offer that Amazon ships."""
        return self._prices.get(hash(sku))

    def part(self, most: int) -> list[Row]:
        """The seller's own offers among the next `most` lines. Raises `Temporary` for a list that was cut off."""
        found: list[Row] = []
        until = self.line + most
        while self.line < until and not self.finished and self._rows is not None:
            row = self._rows.next()
            if row is None:
                self.finished = True
                self._rows.close()
                break
            self.line += 1
            if self._take(row):
                found.append(row)
        return found

    def skip(self, line: int | None) -> None:
        """Go on at `line` (None: at the end), remembering what stands before it. Raises `Permanent` for a shorter list."""
        while not self.finished and (line is None or self.line < line):
            self.part(1 if line is None else min(1000, line - self.line))
        if line is not None and self.line < line:
            raise Permanent("The list of offers is shorter than before.", "Nothing to do: it is asked for again.")

    def close(self) -> None:
        """Let the file go."""
        if self._rows is not None:
            self._rows.close()

    def _take(self, row: Row) -> bool:
        sku, channel = row.get(SKU, "").strip(), row.get(CHANNEL, "").strip().upper()
        if not sku:
            return False
        if channel == "DEFAULT" or channel.startswith("MERCHANT"):
            self._own.add(hash(sku))
            return True
        if price := row.get(PRICE, "").strip():
            self._prices[hash(sku)] = price
        return False
