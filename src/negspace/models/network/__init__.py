"""Changes to a network while one evaluation lasts: attention processors and patches."""
