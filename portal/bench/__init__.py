"""`portal bench`: the portal's promises of speed, each measured beside its floor in one run (docs/performance.md)."""
