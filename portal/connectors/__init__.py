"""One folder per platform, discovered by `registry`; what a connector is stands in `base`."""
