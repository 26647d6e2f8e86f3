"""The grammar of compel, and writing in it."""
