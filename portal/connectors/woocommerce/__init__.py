"""WooCommerce: a WordPress shop read through its REST API (`wc/v3`)."""
