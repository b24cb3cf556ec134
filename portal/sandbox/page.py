"""The sandbox's few HTML pages: control desk, storefront, not found. They work without JavaScript."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from portal.sandbox.faults import KINDS
from portal.sandbox.money import text
from portal.sandbox.platforms import Site
from portal.sandbox.store import Store

CSS = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 68rem; margin: 0 auto; padding: 1rem }
section { border: 1px solid #8885; border-radius: .6rem; padding: 1rem; margin: 1rem 0 }
form { display: inline-flex; gap: .4rem; align-items: center; margin: .25rem .5rem .25rem 0; flex-wrap: wrap }
input, select, button { font: inherit; padding: .25rem .5rem; max-width: 9rem }
button { cursor: pointer }
code { user-select: all; overflow-wrap: anywhere }
.done { background: #2a72; padding: .6rem 1rem; border-radius: .6rem }
.wrong { background: #c332; padding: .6rem 1rem; border-radius: .6rem }
table { border-collapse: collapse } td, th { padding: .1rem .8rem .1rem 0; text-align: left }
"""
# action, label, input fields (name, placeholder)
_BUTTONS: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    ("place_order", "Place order", (("total", "total"), ("lines", "lines"), ("currency", "currency"))),
    ("refund", "Refund", (("order", "order"), ("amount", "amount"))),
    ("edit_order", "Edit order", (("order", "order"), ("status", "status"))),
    ("add_note", "Add note", (("order", "order"),)),
    ("sell_out", "Sell out", (("sku", "SKU"),)),
    ("restock", "Restock", (("sku", "SKU"), ("quantity", "quantity"))),
    ("trash", "Trash order", (("order", "order"),)),
    ("restore", "Restore order", (("order", "order"),)),
    ("cancel_order", "Cancel order", (("order", "order"),)),
    ("fulfil_order", "Ship order", (("order", "order"),)),
    ("return_order", "Return order", (("order", "order"), ("state", "state"))),
    ("delete_order", "Delete order", (("order", "order"),)),
    ("force_delete", "Delete order for good", (("order", "order"),)),
    ("delete_product", "Delete product", (("sku", "SKU"),)),
    ("bulk_edit", "Bulk edit", (("count", "count"),)),
    ("revoke_keys", "Revoke keys", ()),
    ("restore_keys", "Restore keys", ()),
    ("set_scopes", "Set scopes", (("scopes", "scopes"),)),
    ("expire_tokens", "Expire tokens", ()),
    ("clear_faults", "Clear faults", ()),
)


_CHAOS: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    ("chaos", "Chaos", (("seed", "seed"), ("intensity", "intensity"), ("changes", "changes"))),
    ("stop_chaos", "Stop chaos", ()),
    ("freeze", "Freeze the store", ()),
    ("thaw", "Let it live on", ()),
    ("change", "Change something", (("count", "count"),)),
)


def _shell(title: str, body: str) -> str:
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="stylesheet" href="/_sandbox.css"></head><body>{body}</body></html>'
    )


def control_page(
    sites: Sequence[Site],
    chaos: Mapping[str, Mapping[str, object]],
    *,
    done: Mapping[str, object] | None = None,
    error: str = "",
) -> str:
    """The control desk of some stores, with the outcome of the last action on top."""
    parts = ["<h1>Sandbox</h1>"]
    if error:
        parts.append(f'<p class="wrong" role="alert">{escape(error)}</p>')
    if done:
        facts = ", ".join(f"{escape(str(name))}: {escape(str(value))}" for name, value in done.items())
        parts.append(f'<p class="done" role="status">{facts}</p>')
    parts += [_section(site, chaos[site.store.spec.name]) for site in sites]
    return _shell("Sandbox", "".join(parts))


def _section(site: Site, chaos: Mapping[str, object]) -> str:
    store, spec = site.store, site.store.spec
    name = escape(site.folder)
    planned = ", ".join(f"{fault.kind} ×{fault.times}" for fault in store.faults.planned) or "none"
    state = "revoked" if store.keys_revoked else "valid"
    facts = "".join(
        f"<tr><th>{escape(label)}</th><td><code>{escape(value)}</code></td></tr>" for label, value in site.facts
    )
    head = (
        f"<section><h2>{escape(spec.title)}</h2><table>{facts}"
        f"<tr><th>Now</th><td>{len(store.orders)} orders, {len(store.refunds)} refunds, "
        f"{len(store.webhooks)} webhooks, keys {state}, faults: {escape(planned)}, "
        f'<a href="/{name}/_truth">truth</a></td></tr></table>'
    )
    forms = "".join(_form(name, action, label, fields) for action, label, fields in _BUTTONS if action in site.actions)
    kinds = "".join(f"<option>{kind}</option>" for kind in KINDS)
    fault = (
        f'<form method="post" action="/{name}/_control"><input type="hidden" name="action" value="fault">'
        f'<select name="kind" aria-label="kind">{kinds}</select>'
        '<input name="times" placeholder="times" aria-label="times" inputmode="numeric">'
        '<input name="seconds" placeholder="seconds" aria-label="seconds" inputmode="decimal">'
        "<button>Break the next requests</button></form>"
    )
    return f"{head}<p>{forms}{fault}</p>{_chaos(name, chaos)}{_newest(store)}</section>"


def _chaos(name: str, told: Mapping[str, object]) -> str:
    if told["running"]:
        dealt = ", ".join(f"{kind} ×{count}" for kind, count in dict(told["dealt"]).items()) or "nothing yet"  # type: ignore[call-overload]
        state = (
            f"under way (seed {told['seed']}, {told['phase']}, {told['requests']} requests"
            f"{', frozen' if told['frozen'] else ''}): {escape(dealt)}"
        )
    else:
        state = "none"
    forms = "".join(_form(name, action, label, fields) for action, label, fields in _CHAOS)
    return f'<p>Chaos: {state} (<a href="/{name}/_chaos">all numbers</a>)</p><p>{forms}</p>'


def _form(store: str, action: str, label: str, fields: tuple[tuple[str, str], ...]) -> str:
    inputs = "".join(f'<input name="{name}" placeholder="{hint}" aria-label="{hint}">' for name, hint in fields)
    return (
        f'<form method="post" action="/{store}/_control"><input type="hidden" name="action" value="{action}">'
        f"{inputs}<button>{label}</button></form>"
    )


def _newest(store: Store) -> str:
    rows = "".join(
        f"<tr><td>{order.id}</td><td>{escape(order.status)}</td><td>{text(order.total)} {escape(order.currency)}"
        f"</td><td>{store.clock.iso(order.created)}</td></tr>"
        for order in list(store.orders.values())[:-6:-1]
    )
    return f"<table><tr><th>Newest</th><th>Status</th><th>Total</th><th>Created</th></tr>{rows}</table>"


def storefront(store: Store) -> str:
    """The shop's front page."""
    return _shell(store.spec.title, f"<h1>{escape(store.spec.title)}</h1><p>A store made for trying things.</p>")


def not_found(title: str) -> str:
    """The HTML page behind every wrong site path."""
    return _shell(f"Page not found – {title}", f"<h1>Page not found</h1><p>{escape(title)} has no such page.</p>")
