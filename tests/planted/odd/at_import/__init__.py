"""Implementations that do it as soon as they are imported."""
