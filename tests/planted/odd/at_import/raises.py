"""Raises at its import."""

raise RuntimeError("not today")
