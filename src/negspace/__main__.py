"""`python -m negspace` is the program `negspace`."""

from negspace.cli import main

if __name__ == "__main__":
    main()
