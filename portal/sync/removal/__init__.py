"""A store that goes: hidden at once, taken away in parts."""
