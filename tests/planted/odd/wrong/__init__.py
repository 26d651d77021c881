"""Implementations that break off, hang, exit, skip, fork, print, refuse or allocate."""
