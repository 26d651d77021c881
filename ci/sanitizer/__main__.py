"""`python -m ci.sanitizer`: run one of compute-sanitizer's tools over cases, and say what it found."""

import argparse
import sys

from ci.reports.console import console_on
from ci.sanitizer.command import main
from ci.sanitizer.options import add_options
from ci.stopping import stop_on_signals

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m ci.sanitizer", description=__doc__)
    add_options(parser)
    stop_on_signals()
    sys.exit(main(parser.parse_args(), console_on(sys.stdout)))
