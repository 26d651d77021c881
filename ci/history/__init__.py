"""`./ci/gate history`: look at stored runs, compare them, and find when cells became slower."""
