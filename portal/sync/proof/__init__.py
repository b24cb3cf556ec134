"""The portal's rows against the store's own: compared, healed, kept as a row and shown."""
