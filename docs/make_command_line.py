"""Write docs/command_line.md from the commands' own help: `python docs/make_command_line.py` (or `make records`)."""

from pathlib import Path
from typing import Any

from glassnet.cli.app import command_group
from glassnet.cli.names import with_names

PAGE = Path(__file__).parent / "command_line.md"

INTRODUCTION = """\
# The command line

Read from the commands' own help by `docs/make_command_line.py`: change the option, not this page.

Results go to stdout; notes, progress and errors to stderr. `--json` puts one JSON document in the place of the
results, `--quiet` leaves notes and progress out, and NO_COLOR is honoured. A mistake in the input ends a command with
exit code 2 and one line that says what is wrong, where, and how to mend it; a wrong gradient ends `gradcheck` with 1,
as a slip does `check`, a claim that fails `lesson`, and something wrong `diagnose`; an interrupt ends a command with
130.

```sh
glassnet fit penguins.csv --target species --out penguins.glassnet
glassnet predict penguins.glassnet new_birds.csv -o predictions.csv
glassnet evaluate penguins.glassnet labelled_birds.csv
glassnet diagnose penguins.csv --target species --figure checklist.png
glassnet check homework.toml                                      # a computation by hand, number by number
glassnet fit big.parquet --target y --checkpoint run.checkpoint   # killed? the same line with
glassnet fit big.parquet --target y --resume run.checkpoint       # --resume goes on, bit for bit
```
"""


def cell(text: str) -> str:
    """Text that may stand in a table."""
    return " ".join(text.split()).replace("|", "\\|")


def row(parameter: Any) -> str:
    """One argument or option: how it is written, and its sentence."""
    place = "" if parameter.param_type_name == "argument" or parameter.is_flag else f" {parameter.metavar or 'TEXT'}"
    names = parameter.metavar if parameter.param_type_name == "argument" else ", ".join(parameter.opts)
    return f"| `{cell(names + place)}` | {cell(with_names(parameter.help or ''))} |"


def section(name: str, command: Any) -> str:
    """One command with its options."""
    rows = [row(parameter) for parameter in command.params if parameter.name != "help"]
    head = f"## glassnet {name}\n\n{cell(command.help or '')}\n\n| option | meaning |\n| --- | --- |\n"
    return head + "\n".join(rows) + "\n"


def page() -> str:
    """The whole page."""
    commands = command_group().commands
    return "\n".join([INTRODUCTION, *(section(name, command) for name, command in commands.items())])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
