"""What another package adds to Negspace."""
