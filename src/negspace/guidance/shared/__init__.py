"""What several guidance rules share."""
