"""Changes to networks while an evaluation lasts: attention, norms, locks."""
