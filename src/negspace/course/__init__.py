"""Courses: how pictures come about, attempt after attempt, until they leave or are withheld."""

from negspace.course.course import Course, Looking
from negspace.course.run import Result, Run

__all__ = ["Course", "Looking", "Result", "Run"]
