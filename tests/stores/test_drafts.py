"""Secrets that were typed before an error, sealed into the form."""

from __future__ import annotations

from uuid import UUID

from portal.foundation.runtime import Runtime
from portal.stores.drafts import open_draft, seal_draft

ME, ANOTHER = UUID(int=7), UUID(int=8)


def test_a_draft_gives_back_what_was_typed_and_nothing_for_nothing(rt: Runtime) -> None:
    sealed = seal_draft(rt.settings, ME, "shopify", {"access_token": "shpat_1", "client_secret": ""})
    assert "shpat" not in sealed
    assert open_draft(rt.settings, ME, "shopify", sealed) == {"access_token": "shpat_1"}
    assert seal_draft(rt.settings, ME, "shopify", {"access_token": ""}) == ""
    assert open_draft(rt.settings, ME, "shopify", "") == {}


def test_a_draft_of_somebody_else_gives_nothing(rt: Runtime) -> None:
    sealed = seal_draft(rt.settings, ME, "shopify", {"access_token": "shpat_1"})
    assert open_draft(rt.settings, ANOTHER, "shopify", sealed) == {}


def test_a_key_of_one_platform_is_no_other_ones_though_its_field_has_the_same_name(rt: Runtime) -> None:
    sealed = seal_draft(rt.settings, ME, "shopify", {"access_token": "shpat_1", "password": "the owner's first"})
    assert open_draft(rt.settings, ME, "stall", sealed) == {}
    assert open_draft(rt.settings, ME, "stall", sealed, common={"password"}) == {"password": "the owner's first"}
