"""The latency gate: is a gather slower than it was? Decisions here are pure; clocks are in `tests/instruments/`."""
