"""``python -m snnlab`` is the command ``snnlab``."""

from snnlab.cli import main

if __name__ == "__main__":
    main()
