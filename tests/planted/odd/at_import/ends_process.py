"""Ends the process that imports it with a good exit code."""

import os

os._exit(0)
