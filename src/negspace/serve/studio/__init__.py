"""The studio: the web page at `/`, on which people make pictures, look at what a negative does, and prove it.

Every page is rendered on the server, and its scripts call the same API as any client.
"""
