"""Chaos: the whole service under random kills and freezes, and a checker of what was promised. See `scripts/chaos`."""
