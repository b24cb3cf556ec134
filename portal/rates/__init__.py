"""Exchange rates: given by hand, by file or by a configured source; the page that shows what they do (docs/currencies.md)."""
