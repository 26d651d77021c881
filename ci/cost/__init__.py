"""`./ci/gate cost`: what a gather costs, counted exactly and without a GPU, against the stored baseline."""
