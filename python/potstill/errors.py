"""Exceptions of the package. Each has the text that the command prints, with arguments in place of its flags."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Error", "InputError", "InternalError", "RunError", "Stopped"]


class Error(Exception):
    """Any error of potstill."""


class InputError(Error, ValueError):
    """A wrong argument, configuration or file, for which the command exits with 2. Nothing was written."""


class RunError(Error, RuntimeError):
    """Work that failed, for which the command exits with 1."""


class InternalError(RunError):
    """A fault of potstill itself."""


class Stopped(Error):
    """Work that was stopped before its end; the text says how to continue it."""

    run: Path | None = None
    """The folder of the run, or of the runs, if they can be continued."""


# Commands to be pasted, which stay as they are.
_COMMAND = re.compile(r"(`potstill [^`]*`|\bpotstill [a-z]+ [^;)`]*)")
# A flag, and the value behind it: a placeholder, one with a digit or a sign in it, or the one that is spoken of.
_FLAG = re.compile(
    r"(?<![^\s(`'\"])--([a-z][a-z-]*)(?: ("
    r"[A-Z][A-Z|]*(?:[=:][^\s,;)]+)?(?![a-z])"
    r"|[^\s,;()`]*[\d=:/.][^\s,;()`]*?(?=[.:]?(?:[\s,;()`]|$))"
    r"|[^\s,;]+(?=: )"
    r"))?"
)


def _in_python(text: str) -> str:
    """A text of the command in the words of Python: `env=ID` for `--env ID`."""

    def argument(flag: re.Match[str]) -> str:
        name, value = flag[1].replace("-", "_"), flag[2]
        return name if value is None else f"{name}={value}"

    parts = _COMMAND.split(re.sub(r" \((?:command line|--[a-z-]+)\)", "", text))
    parts[::2] = [
        _FLAG.sub(argument, part.replace("--set ", "")).replace("the command line says", "the call says")
        for part in parts[::2]
    ]
    return "".join(parts)
