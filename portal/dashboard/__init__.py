"""Tiles: declared once, served as page, partial, push, documented JSON route and CSV."""
