"""``make simulate SEED=123 LIVES=1000``: test kiwisms as it is."""

import sys

from kiwisms.testing.simulation.command import main

if __name__ == "__main__":
    sys.exit(main())
