"""The shipped judges. Each module defines its names and what opens each as `OPENERS`."""
