"""Other projects' gathers behind the same three functions, to be examined and compared with.

`words.py` and `foreign.py` put a function of another signature behind them, `table.py` and `installed.py` those that
other projects have installed.
"""
