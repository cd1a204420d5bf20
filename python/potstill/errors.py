"""Exceptions of the package. Each has the text that the command prints."""

from __future__ import annotations

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
