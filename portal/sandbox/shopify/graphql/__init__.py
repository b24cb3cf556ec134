"""Enough of GraphQL to answer what is asked of the sandbox, and to refuse the rest as the platform does."""
