"""Judges look at pixels: which concepts are there."""

from negspace.judge.oracle import Oracle, Reading

__all__ = ["Oracle", "Reading"]
