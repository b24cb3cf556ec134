"""Credentials at rest: AES-256-GCM, a data key per organization, wrapped by the installation's master keys."""

from portal.foundation.vault.keys import DataKey, DataKeyRow, MasterKeys, Unsealable, rewrap, unwrap
from portal.foundation.vault.masking import is_masked, mask
from portal.foundation.vault.sealing import open_, reencrypt, seal
from portal.foundation.vault.vault import DataKeyStore, Vault

__all__ = [
    "DataKey",
    "DataKeyRow",
    "DataKeyStore",
    "MasterKeys",
    "Unsealable",
    "Vault",
    "is_masked",
    "mask",
    "open_",
    "reencrypt",
    "rewrap",
    "seal",
    "unwrap",
]
