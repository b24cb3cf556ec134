"""The page of currencies: what is sold in which, by which rates it is added up, and the forms that change them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

from quart import Blueprint, Response, flash, redirect, request

from portal.accounts.audited import audited
from portal.accounts.gate import principal
from portal.foundation.errors import BadRequest, Invalid, Missing
from portal.foundation.runtime import runtime
from portal.foundation.web.answers import page
from portal.foundation.web.csv import csv_answer
from portal.foundation.web.policy import DASHBOARD, OWNER, route
from portal.foundation.web.requests import form_values
from portal.rates import doubts, giving, overview, quoted, recalculations, reporting
from portal.rates.given import Given, Wrong, currency_of, day_of, known_currencies, rate_of
from portal.tenancy.scope import tenant

blueprint = Blueprint("rates", __name__)
_LISTED = 60


@route(blueprint, "/currencies", roles=DASHBOARD, family="page")
async def currencies() -> Response:
    """Everything at one look."""
    return await _show({})


@route(blueprint, "/currencies/rates", roles=OWNER, family="page", methods=("POST",))
async def give_rate() -> Response:
    """One rate by hand: 1 `currency` = `rate` `base` from `day` on. One that is far from its neighbours is asked about once."""
    form, rt, who = await form_values(), runtime(), principal()
    given, wrong = _given(form, rt.clock().date())
    if given is None:
        return await _show(form, wrong, status=422)
    try:
        async with tenant(rt.database, who.org) as scope:
            before = await scope.sql.fetchval(
                "SELECT rate FROM exchange_rates WHERE currency = $1 AND day = $2", given.currency, given.day
            )
            shifts = await giving.give(scope, [given], "hand", who.name or who.email)
            if form.get("confirmed") != _key(given):
                for doubt in await doubts.doubts(scope, [each for each in shifts if each.day == given.day]):
                    raise doubts.Doubted(doubt)
            target = f"{given.currency} {given.day}"
            await audited(scope, who, "rates.give", target, before={"rate": str(before or "")}, after=_said(given))
            idle = await quoted.idle(scope, given.currency, _LISTED)
            unused = any((each.day, each.base) == (given.day, given.base) for each in idle)
    except doubts.Doubted as asked:
        return await _show(form, status=422, doubt=asked.doubt, confirmed=_key(given))
    await recalculations.tell(rt, who.org)
    over = any(shift.was == "fetched" for shift in shifts)
    told = f"1 {given.currency} = {given.rate} {given.base} from {given.day:%-d %b %Y} on."
    if unused:
        await flash(f"{told} It is not used: the page of {given.currency} says why.", "warn")
    else:
        await flash(f"{told} It stands instead of the fetched rate of that day." if over else told, "success")
    return redirect("/currencies", 303)  # type: ignore[return-value]


@route(blueprint, "/currencies/rates/remove", roles=OWNER, family="page", methods=("POST",))
async def remove_rate() -> Response:
    """Forget what was given of a currency on a day."""
    form, rt, who = await form_values(), runtime(), principal()
    try:
        currency, day = currency_of(form.get("currency", "")), date.fromisoformat(form.get("day", ""))
        base = currency_of(form["base"]) if form.get("base") else None
    except (Wrong, ValueError):
        raise BadRequest("Which rate should be removed?") from None
    async with tenant(rt.database, who.org) as scope:
        removed, shifts = await giving.remove(scope, currency, day, who.name or who.email, base)
        if removed:
            gone = {str(shift.day): str(shift.before) for shift in shifts if shift.currency == currency}
            before = gone or {"given": ", ".join(removed)}
            await audited(scope, who, "rates.remove", f"{currency} {day}", before=before)
        back = f"/currencies/{currency}" if await quoted.known(scope, currency) else "/currencies"
    if removed:
        await recalculations.tell(rt, who.org)
        await flash(f"Removed: {' and '.join(removed)}, given for {day:%-d %b %Y}.", "success")
    else:
        await flash(f"Nothing was given of {currency} for {day:%-d %b %Y}. Nothing was removed.", "info")
    return redirect(back, 303)  # type: ignore[return-value]


@route(blueprint, "/currencies/settings", roles=OWNER, family="page", methods=("POST",))
async def settings() -> Response:
    """How long a rate holds, and whether fetched rates are used."""
    form, rt, who = await form_values(), runtime(), principal()
    text = form.get("hold_days", "")
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 366:
        return await _show(form, {"hold_days": "Write a number of days from 1 to 366."}, status=422)
    async with tenant(rt.database, who.org) as scope:
        before = await overview.settled(scope)
        fetched = bool(form.get("fetched")) if rt.settings.rates_url else before.fetched
        await giving.settle(scope, hold_days=int(text), fetched=fetched, by=who.name or who.email)
        await audited(
            scope,
            who,
            "rates.settings",
            before={"hold_days": before.hold_days, "fetched": before.fetched},
            after={"hold_days": int(text), "fetched": fetched},
        )
    await recalculations.tell(rt, who.org)
    await flash("Saved. Totals follow in a moment.", "success")
    return redirect("/currencies", 303)  # type: ignore[return-value]


@route(blueprint, "/currencies/reporting", roles=OWNER, family="page")
async def reporting_preview() -> Response:
    """What another reporting currency would mean, before it is asked for."""
    rt, who = runtime(), principal()
    currency = request.args.get("currency", "").strip().upper()
    async with tenant(rt.database, who.org, read_only=True) as scope:
        now = await overview.settled(scope)
    found, errors = [], dict[str, str]()
    if currency:
        try:
            found = await reporting.prospects(rt, who, currency)
        except Invalid as error:
            errors = error.fields
    return await page(
        "rates/reporting.html",
        status=422 if errors else 200,
        settled=now,
        currency=currency,
        prospects=found,
        errors=errors,
        known=sorted(known_currencies()),
    )


@route(blueprint, "/currencies/reporting", roles=OWNER, family="page", methods=("POST",), endpoint="change_reporting")
async def change_reporting() -> Response:
    """Ask for the change."""
    currency = (await form_values()).get("currency", "").strip().upper()
    await reporting.ask(runtime(), principal(), currency)
    await flash(f"Everything is being recalculated in {currency}. Until then all numbers stay as they are.", "info")
    return redirect("/currencies", 303)  # type: ignore[return-value]


@route(blueprint, "/currencies/rates.csv", roles=DASHBOARD, family="export")
async def download() -> Response:
    """Everything the ledger converts by."""
    async with tenant(runtime().database, principal().org, read_only=True) as scope:
        rows = await overview.all_rates(scope)
    header = ("date", "currency", "rate", "reporting_currency", "source", "via")
    return csv_answer("exchange-rates", header, rows, bom=request.args.get("bom") == "1")


@route(blueprint, "/currencies/<currency>", roles=DASHBOARD, family="page")
async def one_currency(currency: str) -> Response:
    """The rates of one currency, newest first, and the days without one."""
    try:
        before = date.fromisoformat(request.args["before"]) if request.args.get("before") else None
        code = currency_of(currency)
    except ValueError:
        raise Missing("There is no such currency here.") from None
    async with tenant(runtime().database, principal().org, read_only=True) as scope:
        now = await overview.settled(scope)
        found = next((each for each in await overview.in_use(scope, now) if each.currency == code), None)
        rates = await overview.rates_of(scope, code, before=before, limit=_LISTED + 1)
        missing = await overview.missing_days(scope, code)
        idle = await quoted.idle(scope, code, _LISTED + 1)
    if found is None and not rates and not idle:
        raise Missing("This currency is not in use here.")
    return await page(
        "rates/currency.html",
        settled=now,
        code=code,
        use=found,
        rates=rates[:_LISTED],
        following=rates[_LISTED - 1].day if len(rates) > _LISTED else None,
        before=before,
        missing=missing,
        idle=idle[:_LISTED],
        more_idle=len(idle) > _LISTED,
        can_change=principal().role in OWNER,
    )


async def _show(
    form: dict[str, str],
    errors: dict[str, str] | None = None,
    *,
    status: int = 200,
    doubt: doubts.Doubt | None = None,
    confirmed: str = "",
) -> Response:
    rt = runtime()
    async with tenant(rt.database, principal().org, read_only=True) as scope:
        now = await overview.settled(scope)
        context: dict[str, Any] = {
            "settled": now,
            "currencies": await overview.in_use(scope, now),
            "source": await overview.source(scope),
            "work": await recalculations.newest(scope),
            "live_seq": await scope.sql.fetchval("SELECT version FROM tenant_versions") or 0,
        }
    return await page(
        "rates/list.html",
        status=status,
        values=form,
        errors=errors or {},
        doubt=doubt,
        confirmed=confirmed,
        can_change=principal().role in OWNER,
        has_source=bool(rt.settings.rates_url),
        known=sorted(known_currencies()),
        **context,
    )


def _given(form: dict[str, str], today: date) -> tuple[Given | None, dict[str, str]]:
    wrong: dict[str, str] = {}
    made: dict[str, Any] = {}
    readers: dict[str, Callable[[str], Any]] = {
        "currency": currency_of,
        "base": currency_of,
        "rate": rate_of,
        "day": partial(day_of, today=today),
    }
    for name, reader in readers.items():
        try:
            made[name] = reader(form.get(name, ""))
        except Wrong as error:
            wrong[name] = f"{error.args[0]}. {error.args[1]}"
    if not wrong and made["currency"] == made["base"]:
        wrong["currency"] = f"Totals are in {made['base']} already: 1 {made['base']} is 1 {made['base']}."
    return (None, wrong) if wrong else (Given(made["day"], made["base"], made["currency"], made["rate"], False), {})


def _key(given: Given) -> str:
    """What was asked about: another rate, day or currency is asked about anew."""
    return f"{given.currency} {given.day} {given.rate.normalize():f} {given.base}"


def _said(given: Given) -> dict[str, str]:
    return {"rate": str(given.rate), "base": given.base}
