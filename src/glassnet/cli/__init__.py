"""The command line: `glassnet fit DATA --target COL`, predict, evaluate, summary, gradcheck, datasets, lesson.

Each command is a frozen dataclass: its fields are the options, its method `run` does the work. `main` reads the
arguments, runs the command, and turns every error into one line on stderr. Exit codes: 0 well, 1 a gradient is
wrong or a lesson's claim does not hold, 2 an error that the user can mend, 70 a bug in glassnet, 130 interrupted.
"""

from glassnet.cli.main import main

__all__ = ["main"]
