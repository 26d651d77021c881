"""Proofs: is every access of a compiled kernel inside its memory, for all inputs? README.md says what that means."""
