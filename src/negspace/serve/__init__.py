"""The server: one port, many dialects, the pictures of many requests in shared forwards, nothing lost.

dialect (native, openai, …) → Service.submit → JobBoard → Worker → Job.events / Job.finished
"""
