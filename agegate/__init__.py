"""agegate keeps a service free of minors it may not serve."""
