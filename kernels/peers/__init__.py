"""Other projects' gathers behind the same three functions, to be examined and compared with."""
