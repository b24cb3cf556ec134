"""The WooCommerce REST API (`wc/v3`) of a sandbox store, as WooCommerce 11 answers."""
