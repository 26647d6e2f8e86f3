"""Access: tenants and their keys, authentication, limits."""
