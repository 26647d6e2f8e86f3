"""Clients: one file or folder a server dialect."""
