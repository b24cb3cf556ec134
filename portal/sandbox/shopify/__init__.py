"""A Shopify shop for trying things: the Admin GraphQL API, bulk exports, tokens, webhooks."""
