"""Access: keys, tenants, limits and quotas."""
