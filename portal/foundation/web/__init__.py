"""What every page and JSON route shares: declared policies, parsing, error envelopes, rendering, security headers."""
