"""Runs: the pictures of one plan, attempt after attempt, until each is delivered or withheld."""
