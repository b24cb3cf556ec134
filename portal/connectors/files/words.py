"""Statuses in the words of shops and spreadsheets, English and German. Pure."""

from __future__ import annotations

from portal.commerce.records import Fulfilment, OrderStatus
from portal.connectors.files.guessing import folded

_STATUS = {
    OrderStatus.COMPLETED: "completed complete done closed paid shipped delivered fulfilled sent finished unshipped "
    "abgeschlossen erledigt bezahlt versendet verschickt geliefert zugestellt fertig partiallyrefunded teilerstattet",
    OrderStatus.PROCESSING: "processing inprogress open authorized partiallypaid partiallyshipped inbearbeitung offen "
    "bearbeitung bestaetigt confirmed new neu",
    OrderStatus.PENDING: "pending pendingpayment unpaid awaitingpayment unbezahlt wartend ausstehend zahlungausstehend",
    OrderStatus.ON_HOLD: "onhold hold wartet zurueckgestellt",
    OrderStatus.CANCELLED: "cancelled canceled void voided storniert abgebrochen annulliert storno",
    OrderStatus.FAILED: "failed declined error fehlgeschlagen abgelehnt",
    OrderStatus.REFUNDED: "refunded returned erstattet zurueckerstattet retourniert",
    OrderStatus.DRAFT: "draft entwurf checkoutdraft",
    OrderStatus.TRASHED: "trash trashed deleted geloescht",
}
_FULFILMENT = {
    Fulfilment.FULFILLED: "fulfilled shipped delivered sent complete completed yes true ja versendet verschickt geliefert "
    "zugestellt",
    Fulfilment.PARTIAL: "partial partially partiallyfulfilled partiallyshipped teilweise teillieferung teilversendet",
    Fulfilment.UNFULFILLED: "unfulfilled unshipped open pending no false nein offen nichtversendet ausstehend",
    Fulfilment.NOT_REQUIRED: "notrequired none restocked digital nichtnoetig",
}
STATUSES: dict[str, str] = {word: str(status) for status, words in _STATUS.items() for word in words.split()}
FULFILMENTS: dict[str, str] = {word: str(state) for state, words in _FULFILMENT.items() for word in words.split()}
_PUBLISHED = {
    "published": "published publish active true yes 1 ja aktiv online sichtbar veroeffentlicht",
    "draft": "draft false no 0 nein entwurf inactive inaktiv offline",
    "trashed": "archived archiviert trash trashed deleted geloescht",
    "private": "private privat",
    "pending": "pending",
}
PUBLISHED: dict[str, str] = {word: state for state, words in _PUBLISHED.items() for word in words.split()}


def word(text: str, known: dict[str, str]) -> str | None:
    """The portal's own word for `text`, None when it is not known."""
    return known.get(folded(text))
