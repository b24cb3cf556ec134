"""Ground floor: settings, database, bus, cache, vault, outbound HTTP, limits, errors, web. Knows no feature."""
