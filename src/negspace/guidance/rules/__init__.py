"""The guidance rules, one a file; the file is named after the rule."""
