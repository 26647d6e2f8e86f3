"""The grammar of compel, and how its syntax is written."""
