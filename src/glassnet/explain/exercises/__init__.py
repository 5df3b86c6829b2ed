"""New exercises with friendly numbers, their worksheets and their solutions."""

from glassnet.explain.exercises.making import FORMS, KINDS, Exercise, exercise

__all__ = ["FORMS", "KINDS", "Exercise", "exercise"]
