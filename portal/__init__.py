"""The Commerce Portal: `docs/architecture.md` is the map."""
