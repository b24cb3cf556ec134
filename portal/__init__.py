"""The Commerce Portal: `docs/architecture.md` is the map."""

__version__ = "0.1.0"
