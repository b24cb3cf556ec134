"""What the other processes of the bench do: one module per role, each with a `role` context manager."""
