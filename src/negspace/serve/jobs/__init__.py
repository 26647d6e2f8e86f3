"""Jobs: accepted requests, from the queue through the worker to what becomes of them."""
