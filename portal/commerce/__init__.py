"""Orders, products, customers: canonical records, tables, the one writer (ledger), rollups and views."""
