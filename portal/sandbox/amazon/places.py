"""The marketplaces an account of the sandbox can sell in."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """`tax_points` are ten-thousandths; `on_top`: prices are without tax, which is added."""

    id: str
    country: str
    currency: str
    channel: str
    language: str
    tax_points: int
    on_top: bool


PLACES = {
    each.id: each
    for each in (
        Place("ATVPDKIKX0DER", "US", "USD", "Amazon.com", "en_US", 825, True),
        Place("A2EUQ1WTGCTBG2", "CA", "CAD", "Amazon.ca", "en_CA", 1_300, True),
        Place("A1AM78C64UM0Y8", "MX", "MXN", "Amazon.com.mx", "es_MX", 1_600, False),
        Place("A1F83G8C2ARO7P", "GB", "GBP", "Amazon.co.uk", "en_GB", 2_000, False),
        Place("A1PA6795UKMFR9", "DE", "EUR", "Amazon.de", "de_DE", 1_900, False),
        Place("A13V1IB3VIYZZH", "FR", "EUR", "Amazon.fr", "fr_FR", 2_000, False),
        Place("A1C3SOZRARQ6R3", "PL", "PLN", "Amazon.pl", "pl_PL", 2_300, False),
        Place("A2NODRKZP88ZB9", "SE", "SEK", "Amazon.se", "sv_SE", 2_500, False),
        Place("A39IBJ37TRP1C6", "AU", "AUD", "Amazon.com.au", "en_AU", 1_000, False),
    )
}
