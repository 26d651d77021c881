"""The catalogue of edge cases, as data: a row a case, a file a family."""
