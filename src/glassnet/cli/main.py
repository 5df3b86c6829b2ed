"""Arguments in, exit code out; every error becomes one line on stderr."""

import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, TextIO

from glassnet.errors import GlassnetError, nearest

__all__ = ["main"]

USAGE, BUG, INTERRUPTED = 2, 70, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line, such as ["fit", "iris"]; return the exit code and never raise.

    >>> main(["--version"])
    glassnet 0.1.0
    0
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the shell
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115  stays open as long as the process
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without the letter shows "?"
    try:
        return run(arguments)
    except GlassnetError as error:
        return complain(f"error: {error}", USAGE)
    except KeyboardInterrupt as error:
        return complain(f"interrupted{error}", INTERRUPTED)
    except BrokenPipeError:
        return hang_up()
    except OSError as error:  # files are WriteErrors; what is left are the streams
        code = complain(f"error: cannot write the results: {error.strerror or error}; send them elsewhere", USAGE)
        drop_unwritten()
        return code
    except MemoryError:
        return complain("error: out of memory; take fewer rows, --dtype float32, or a smaller --hidden", USAGE)
    except Exception as error:
        return bug(error)


def run(arguments: list[str]) -> int:
    """Parse and run; errors of usage become GlassnetErrors."""
    import typer

    from glassnet.cli.app import command_group

    group = command_group()
    usage_error: Any = typer.BadParameter.__mro__[1]  # UsageError, which typer does not export
    try:
        with group.make_context("glassnet", arguments or ["--help"]) as context:
            command: Any = group.invoke(context)
        code: int = command.run()
        sys.stdout.flush()
    except typer.Exit as done:
        code = done.exit_code
    except usage_error as error:
        raise GlassnetError(usage_line(error, arguments)) from error
    return code


def usage_line(error: Any, arguments: Sequence[str]) -> str:
    """What is wrong with the arguments, in one line, with the nearest word that is right."""
    context: Any = getattr(error, "ctx", None)
    path = context.command_path if context else "glassnet"
    word = f" {arguments[0]}" if path == "glassnet" and arguments and not arguments[0].startswith("-") else ""
    where = f"see {path}{word} --help"
    kind, name = type(error).__name__, getattr(error, "option_name", "")
    if kind == "NoSuchOption":
        if not name.startswith("--"):  # of -epochs the parser only says -e
            name = next((word for word in arguments if word.startswith(name)), name)
        parameters: Any = context.command.params if context else ()
        known = [word for parameter in parameters for word in parameter.opts if word.startswith("--")]
        return f"no option '{name}'{nearest('--' + name.lstrip('-'), known) or f'; {where}'}"
    if kind == "BadOptionUsage":
        return f"{name} needs a value; {where}"
    if kind == "MissingParameter":
        return f"missing argument {error.param.metavar or error.param.name}; {where}"
    text = " ".join(error.format_message().split()).rstrip(".")
    text = text.replace("No such command", "no command").replace(". Did", "; did").replace("Got unexp", "unexp")
    return text if text.endswith("?") else f"{text}; {where}"


def complain(line: str, code: int) -> int:
    """Print one line to stderr; a message never spans several."""
    with suppress(OSError):  # stderr may be full or gone
        print("glassnet:", " ".join(line.split("\n")), file=sys.stderr, flush=True)
    return code


def hang_up() -> int:
    """The reader of stdout has gone: say nothing, as `yes | head` does."""
    send_nowhere(sys.stdout)
    return 141


def drop_unwritten() -> None:
    """What could not be written stays in the streams, and the interpreter would try again at its end, and fail."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with suppress(OSError):  # a stream without a file
                send_nowhere(stream)


def send_nowhere(stream: TextIO) -> None:
    """Let a stream's file be the one that keeps nothing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def bug(error: Exception) -> int:
    """An error that nobody foresaw; the traceback is for GLASSNET_DEBUG=1."""
    if os.environ.get("GLASSNET_DEBUG") == "1":
        import traceback

        traceback.print_exception(error)
    what = f"{type(error).__name__}: {error}"
    return complain(f"this is a bug in glassnet: {what} (GLASSNET_DEBUG=1 shows where; please report it)", BUG)
