"""`python -m lemmata` is the command line."""

from lemmata.surfaces.cli import main

if __name__ == "__main__":
    main()
