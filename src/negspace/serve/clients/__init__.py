"""The server dialects, one module or folder each: it defines `DIALECT`, and the application finds it."""
