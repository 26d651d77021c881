"""`./ci/gate prove`: is every access of every program inside its memory, for all inputs?"""
