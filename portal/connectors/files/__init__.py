"""Files as a platform: CSV, JSON and XML into the same records that every store's mapping gives. Pure but for reading the file."""
