"""`python -m agegate`."""

from agegate.cli import main

main()
