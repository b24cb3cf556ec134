"""Files as a source: upload, look at the columns, check, take over all or nothing, undo."""
