"""Two sources of the same orders beside each other: one in shadow, compared by day, SKU and order, then switched, and back."""
