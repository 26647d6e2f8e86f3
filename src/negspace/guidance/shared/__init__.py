"""Code that several guidance rules share."""
