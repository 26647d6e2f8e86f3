"""The server: one port, many dialects, the pictures of many requests in shared forwards, nothing lost.

    dialect (native, openai, …) → Service.submit → Desk → Worker → Job.events / Job.finished

A dialect is one file with a `Dialect` in it and one line in `negspace.serve.app.DIALECTS`.
"""
