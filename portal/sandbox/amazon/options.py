"""What an Amazon account of the sandbox is asked to be, beside what every store is."""

from __future__ import annotations

from dataclasses import dataclass

ROLES = ("orders", "reports", "fba", "finances", "sellers")


@dataclass(frozen=True)
class AmazonOptions:
    """Empty keys are derived from the store's name and seed.

    `marketplaces` are ids; orders are spread over them, each in its own currency. `pace` multiplies the documented rates and
    divides the minutes that a report takes: 1 is Amazon itself, more need not be waited for. `roles` are what the
    application may do. An access token lives `token_seconds`, a next token of the inventory `page_seconds`. Transactions
    are shown `hidden_hours` after they were posted, as at Amazon.
    """

    marketplaces: tuple[str, ...] = ("A1F83G8C2ARO7P", "A1PA6795UKMFR9")
    pace: float = 100.0
    roles: tuple[str, ...] = ROLES
    token_seconds: float = 3_600.0
    page_seconds: float = 30.0
    report_seconds: float = 45.0
    hidden_hours: float = 48.0
    seller_id: str = ""
    client_id: str = ""
    client_secret: str = ""
    refresh_token: str = ""
