"""The tables of the tests' own models."""
