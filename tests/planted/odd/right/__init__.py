"""Right implementations of a style that the project's own have not: none is to be found guilty."""
