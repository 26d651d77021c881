"""`./ci/gate report`: one page of a run, for people, and the same for machines."""
