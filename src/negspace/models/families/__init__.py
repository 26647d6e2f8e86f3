"""The families of models that can be opened, one a module; a module defines nothing but families."""
