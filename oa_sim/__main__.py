"""Start the command line interface: python -m oa_sim."""

import sys

from oa_sim.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
