"""`python -m negspace` is the program `negspace`."""

from negspace.cli import main

main()
