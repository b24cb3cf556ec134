"""One module per tile; `registry` finds them."""
