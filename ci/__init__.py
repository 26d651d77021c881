"""The commands `ci/gate` and `ci/test`, and what they are made of."""
