"""`./ci/gate speed`: how fast implementations are, side by side in one run on a GPU."""
