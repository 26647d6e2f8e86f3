"""The guidance rules, one a module. A module defines one final Rule with the name of the module."""
