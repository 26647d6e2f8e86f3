"""How a model becomes a network: its parts are read, changed and put together."""
