"""Planning: a request compiled for one model, before anything runs. Needs no weights and no torch."""
