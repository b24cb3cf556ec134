"""Amazon's marketplaces: which region's endpoint serves each, in which currency it sells, and how it shows prices.

Ids, countries and regions are those of Amazon's documentation ("Marketplace IDs", "SP-API Endpoints"); the UK and some
countries of Asia and Africa belong to the European endpoint.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

import msgspec

from portal.foundation.errors import Permanent

REGIONS = MappingProxyType({"na": "North America", "eu": "Europe", "fe": "Far East"})


class Marketplace(msgspec.Struct, frozen=True, kw_only=True):
    """One marketplace. `channel` is what order reports call it. `tax_on_top`: prices are shown without tax, which is added.
    `pooled`: its FBA stock is one pool with the other pooled marketplaces (Pan-European FBA, without the UK)."""

    id: str
    country: str
    currency: str
    region: str
    channel: str
    tax_on_top: bool = False
    pooled: bool = False


def _rows() -> Iterable[Marketplace]:
    for region, table in _TABLE.items():
        for line in table.split():
            code, country, currency, channel = line.split("|")
            yield Marketplace(
                id=code,
                country=country,
                currency=currency,
                region=region,
                channel=channel,
                tax_on_top=country in {"US", "CA"},
                pooled=country in {"DE", "FR", "IT", "ES", "NL", "PL", "SE", "BE", "IE"},
            )


_TABLE = {
    "na": """
        ATVPDKIKX0DER|US|USD|Amazon.com     A2EUQ1WTGCTBG2|CA|CAD|Amazon.ca     A1AM78C64UM0Y8|MX|MXN|Amazon.com.mx
        A2Q3Y263D00KWC|BR|BRL|Amazon.com.br""",
    "eu": """
        A1F83G8C2ARO7P|GB|GBP|Amazon.co.uk  A1PA6795UKMFR9|DE|EUR|Amazon.de     A13V1IB3VIYZZH|FR|EUR|Amazon.fr
        APJ6JRA9NG5V4|IT|EUR|Amazon.it      A1RKKUPIHCS9HS|ES|EUR|Amazon.es     A1805IZSGTT6HS|NL|EUR|Amazon.nl
        A2NODRKZP88ZB9|SE|SEK|Amazon.se     A1C3SOZRARQ6R3|PL|PLN|Amazon.pl     AMEN7PMS3EDWL|BE|EUR|Amazon.com.be
        A28R8C7NBKEWEA|IE|EUR|Amazon.ie     A33AVAJ2PDY3EV|TR|TRY|Amazon.com.tr ARBP9OOSHTCHU|EG|EGP|Amazon.eg
        A17E79C6D8DWNP|SA|SAR|Amazon.sa     A2VIGQ35RCS4UG|AE|AED|Amazon.ae     A21TJRUUN4KGV|IN|INR|Amazon.in
        AE08WJ6YKNBMC|ZA|ZAR|Amazon.co.za""",
    "fe": """
        A1VC38T7YXB528|JP|JPY|Amazon.co.jp  A39IBJ37TRP1C6|AU|AUD|Amazon.com.au A19VAU5U5O7RUS|SG|SGD|Amazon.sg""",
}
MARKETPLACES = MappingProxyType({each.id: each for each in _rows()})
_BY_CHANNEL = {each.channel.lower(): each for each in MARKETPLACES.values()}


def of_channel(channel: str) -> Marketplace | None:
    """The marketplace that an order report means by its `sales-channel`; None for sales outside Amazon."""
    return _BY_CHANNEL.get(channel.strip().lower())


def chosen(ids: Iterable[str]) -> tuple[Marketplace, ...]:
    """The marketplaces of a connection, each once, in the order given.

    Raises `Permanent` with advice for none, an unknown one, or marketplaces of several regions: each region is another
    endpoint with its own authorisation.
    """
    wanted = list(dict.fromkeys(each.strip() for each in ids if each.strip()))
    unknown = [each for each in wanted if each not in MARKETPLACES]
    if unknown or not wanted:
        named = f"{unknown[0][:30]!r} is not a marketplace id." if unknown else "No marketplace id is given."
        raise Permanent(
            f"Marketplace IDs: {named}",
            "Enter ids such as ATVPDKIKX0DER (US), A2EUQ1WTGCTBG2 (CA) or A1F83G8C2ARO7P (UK), separated by commas.",
        )
    found = tuple(MARKETPLACES[each] for each in wanted)
    regions = list(dict.fromkeys(each.region for each in found))
    if len(regions) > 1:
        parts = "; ".join(
            f"{REGIONS[region]}: {', '.join(each.country for each in found if each.region == region)}"
            for region in regions
        )
        raise Permanent(
            f"These marketplaces belong to different regions of Amazon ({parts}).",
            "Each region has its own endpoint and its own authorisation: make one connection per region. The UK belongs to "
            "Europe.",
        )
    return found
