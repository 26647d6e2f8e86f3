"""Observation: health, metrics, traces and the log of jobs."""
