"""Models: one family a file. Importing this loads neither torch nor a library of models."""
