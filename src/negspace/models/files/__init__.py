"""Files of models: where they lie, what their headers say, and how they are read."""
