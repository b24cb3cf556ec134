"""Organizations and memberships, and `scope`: the only door to tenant rows."""
