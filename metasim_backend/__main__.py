"""``python -m metasim_backend`` is the command ``metasim``."""

import sys

from metasim_backend.cli import main

if __name__ == "__main__":
    sys.exit(main())
