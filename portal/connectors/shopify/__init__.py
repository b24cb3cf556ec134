"""Shopify: one folder, see `docs/adding-a-connector.md`."""
