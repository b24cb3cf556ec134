"""Market Stall: an invented platform, written by following docs/adding-a-connector.md and nothing else."""
