"""Lessons and tours: paths through the pages, each in a file that a teacher can write."""

from neuronxa_core.lessons.answer import Answer, number_of
from neuronxa_core.lessons.lesson import Lesson, Step
from neuronxa_core.lessons.read import Shelf, examine, shelf

__all__ = ["Answer", "Lesson", "Shelf", "Step", "examine", "number_of", "shelf"]
