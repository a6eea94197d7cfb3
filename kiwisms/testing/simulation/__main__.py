"""``make simulate SEED=123 LIVES=1000``: kiwisms as it is, put to the test."""

import sys

from kiwisms.testing.simulation.command import main

if __name__ == "__main__":
    sys.exit(main())
