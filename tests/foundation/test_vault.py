"""A sealed credential opens only unchanged, in its own place, under a key that is still configured."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.foundation.errors import StartupError
from portal.foundation.vault import (
    DataKey,
    DataKeyRow,
    MasterKeys,
    Unsealable,
    Vault,
    is_masked,
    mask,
    open_,
    reencrypt,
    rewrap,
    seal,
    unwrap,
)
from portal.foundation.vault.keys import new_data_key

ORG, OTHER = uuid4(), uuid4()
KEY = new_data_key(ORG, 7)
texts = st.text(max_size=200)
anything = st.text(st.characters(), max_size=200)  # lone surrogates included


class Rows:
    """A data key store in memory: what the vault asks of a store is all that is tested here."""

    def __init__(self) -> None:
        self.rows: dict[tuple[UUID, int], DataKeyRow] = {}
        self.reads = 0

    async def get(self, org_id: UUID) -> Sequence[DataKeyRow]:
        self.reads += 1
        return [row for (org, _), row in self.rows.items() if org == org_id]

    async def insert(self, row: DataKeyRow) -> bool:
        if (row.org_id, row.key_id) in self.rows:
            return False
        self.rows[row.org_id, row.key_id] = row
        return True

    async def update(self, row: DataKeyRow) -> None:
        self.rows[row.org_id, row.key_id] = row


def masters(*keys: str) -> MasterKeys:
    return MasterKeys(keys or [MasterKeys.generate()])


@given(plaintext=anything, field=texts)
def test_what_is_sealed_opens_again(plaintext: str, field: str) -> None:
    assert open_("here", ORG, field, seal("here", ORG, field, plaintext, KEY), KEY) == plaintext


@given(plaintext=texts, position=st.integers(min_value=0))
def test_no_bit_can_be_flipped(plaintext: str, position: int) -> None:
    sealed = bytearray(seal("here", ORG, "field", plaintext, KEY))
    position %= len(sealed) * 8
    sealed[position // 8] ^= 1 << position % 8
    with pytest.raises(Unsealable):
        open_("here", ORG, "field", bytes(sealed), KEY)


@given(plaintext=texts, cut=st.integers(min_value=1, max_value=300))
def test_no_byte_can_be_cut_off(plaintext: str, cut: int) -> None:
    with pytest.raises(Unsealable):
        open_("here", ORG, "field", seal("here", ORG, "field", plaintext, KEY)[:-cut], KEY)


@given(here=texts, there=texts)
def test_a_value_opens_in_no_other_field_or_installation(here: str, there: str) -> None:
    sealed = seal(here, ORG, there, "value", KEY)
    if here != there:
        with pytest.raises(Unsealable):
            open_(there, ORG, here, sealed, KEY)
    with pytest.raises(Unsealable):
        open_(here + there[:1] + "x", ORG, there, sealed, KEY)


def test_a_value_opens_in_no_other_organization_even_with_the_same_key_bytes() -> None:
    sealed = seal("here", ORG, "field", "value", KEY)
    with pytest.raises(Unsealable):
        open_("here", OTHER, "field", sealed, DataKey(OTHER, KEY.key_id, KEY.secret))


def test_sealing_twice_never_gives_the_same_bytes() -> None:
    assert seal("here", ORG, "field", "value", KEY) != seal("here", ORG, "field", "value", KEY)


@given(position=st.integers(min_value=0))
def test_no_bit_of_a_wrapped_data_key_can_be_flipped(position: int) -> None:
    keys = masters()
    row = keys.wrap(KEY)
    wrapped = bytearray(row.wrapped)
    position %= len(wrapped) * 8
    wrapped[position // 8] ^= 1 << position % 8
    with pytest.raises(Unsealable):
        unwrap(changed(row, wrapped=bytes(wrapped)), keys)


def test_a_wrapped_data_key_cannot_be_moved_to_another_organization_or_id() -> None:
    keys = masters()
    for moved in (changed(keys.wrap(KEY), org_id=OTHER), changed(keys.wrap(KEY), key_id=8)):
        with pytest.raises(Unsealable):
            unwrap(moved, keys)


def changed(row: DataKeyRow, **fields: object) -> DataKeyRow:
    values = {name: getattr(row, name) for name in DataKeyRow.__dataclass_fields__}
    return DataKeyRow(**{**values, **fields})


def test_a_master_rotation_keeps_the_data_key_and_lets_the_old_master_go() -> None:
    old, new = MasterKeys.generate(), MasterKeys.generate()
    row = masters(old).wrap(KEY)
    rewrapped = rewrap(row, masters(new, old))
    assert rewrapped is not None
    assert unwrap(rewrapped, masters(new)).secret == KEY.secret
    assert rewrap(rewrapped, masters(new, old)) is None
    with pytest.raises(Unsealable, match="not configured"):
        unwrap(row, masters(new))


def test_a_value_moves_to_a_new_data_key() -> None:
    new = new_data_key(ORG, 8)
    moved = reencrypt("here", ORG, "field", seal("here", ORG, "field", "value", KEY), old=KEY, new=new)
    assert open_("here", ORG, "field", moved, new) == "value"
    with pytest.raises(Unsealable):
        open_("here", ORG, "field", moved, KEY)


@pytest.mark.parametrize("keys", [[], ["short"], ["!" * 44], ["c2hvcnQ="]])
def test_a_wrong_master_key_is_refused_without_being_repeated(keys: list[str]) -> None:
    with pytest.raises(StartupError) as caught:
        MasterKeys(keys)
    assert not any(key in caught.value.message for key in keys)


def test_key_bytes_stay_out_of_representations() -> None:
    assert KEY.secret.hex() not in repr(KEY)
    assert repr(KEY.secret) not in repr(KEY)


async def test_the_vault_makes_a_key_on_first_use_and_keeps_it_in_memory() -> None:
    rows, keys = Rows(), masters()
    vault = Vault(rows, keys, "here")
    sealed = await vault.seal(ORG, "field", "value")
    reads = rows.reads
    assert await vault.open(ORG, "field", sealed) == "value"
    assert rows.reads == reads
    assert await Vault(rows, keys, "here").open(ORG, "field", sealed) == "value"
    with pytest.raises(Unsealable):
        await vault.open(OTHER, "field", sealed)


async def test_two_processes_making_the_first_key_agree_on_one() -> None:
    rows, keys = Rows(), masters()
    first, second = Vault(rows, keys, "here"), Vault(rows, keys, "here")
    mine = new_data_key(ORG, 1)

    async def insert_late(row: DataKeyRow) -> bool:
        rows.rows[ORG, 1] = keys.wrap(mine)  # another process won between our read and our insert
        return False

    rows.insert = insert_late  # type: ignore[method-assign]
    sealed = await first.seal(ORG, "field", "value")
    assert open_("here", ORG, "field", sealed, mine) == "value"
    assert await second.open(ORG, "field", sealed) == "value"


async def test_a_rotated_data_key_seals_from_then_on_and_the_old_one_still_opens() -> None:
    rows, keys = Rows(), masters()
    vault, elsewhere = Vault(rows, keys, "here"), Vault(rows, keys, "here")
    before = await vault.seal(ORG, "field", "value")
    await elsewhere.open(ORG, "field", before)
    assert await vault.rotate(ORG) == 2
    resealed = await vault.reseal(ORG, "field", before)
    assert resealed is not None
    assert await vault.reseal(ORG, "field", resealed) is None
    assert await elsewhere.open(ORG, "field", resealed) == "value"
    assert await vault.open(ORG, "field", before) == "value"
    assert rows.rows[ORG, 1].retired_at is not None


async def test_rewrapping_by_command_touches_only_what_needs_it() -> None:
    rows, old, new = Rows(), MasterKeys.generate(), MasterKeys.generate()
    sealed = await Vault(rows, masters(old), "here").seal(ORG, "field", "value")
    vault = Vault(rows, masters(new, old), "here")
    assert await vault.rewrap(ORG) == 1
    assert await vault.rewrap(ORG) == 0
    assert await Vault(rows, masters(new), "here").open(ORG, "field", sealed) == "value"
    assert rows.rows[ORG, 1].created_at <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("ck_0123456789abcdef", "ck_****"),
        ("shpat_0123_4567", "shpat_****"),
        ("pk_live_xyz", "pk_****"),
        ("password", "****"),
        ("hunter2_hunter2", "****"),
        ("averyveryverylongprefix_x", "****"),
        ("ck_", "****"),
        ("", ""),
    ],
)
def test_a_mask_shows_the_kind_and_nothing_else(secret: str, shown: str) -> None:
    assert mask(secret) == shown


@given(st.text())
def test_every_mask_is_recognised_as_one(secret: str) -> None:
    assert is_masked(mask(secret)) == bool(secret)


@pytest.mark.parametrize("value", ["", "ck_1234", "ck_****1", "***", "hunter2_****"])
def test_a_real_value_is_not_taken_for_a_mask(value: str) -> None:
    assert not is_masked(value)
