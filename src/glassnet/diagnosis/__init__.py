"""Diagnosis: the lectures' debugging checklist, gone through with a network, its data and its way of training.

case.py      what is diagnosed: copies of network and data, and the measurements, each made once when first asked for
probes.py    the three short trainings: first steps watched, a small batch overfitted, a range test of the rate
data.py      checks of inputs, splits and labels        (before training)
start.py     checks of the first weights                (the first pass)
steps.py     checks of the first steps                  (while training)
checks.py    the checklist: all checks in the order in which people should read them
findings.py  what a check says, and all of it together: Finding, Diagnosis
figure.py    the measurements drawn
"""

from glassnet.diagnosis.checks import CHECKS, diagnose
from glassnet.diagnosis.findings import Check, Diagnosis, Finding

__all__ = ["CHECKS", "Check", "Diagnosis", "Finding", "diagnose"]
