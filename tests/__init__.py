"""The suite, and all that it is made of: CONTRIBUTING.md says what lives in which room."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The project's folder."""
