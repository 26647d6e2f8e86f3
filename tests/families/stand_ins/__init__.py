"""Stand-ins of further families, one a file: each defines STAND_INS."""
