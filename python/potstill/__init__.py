"""Train a teacher, distil a student, ship it: reinforcement learning and distillation in Rust.

`python -m potstill` is the command. Errors are those of `potstill.errors`, with the texts that the command prints.
"""

from __future__ import annotations

from potstill._native import __version__
from potstill.errors import Error, InputError, InternalError, RunError, Stopped

__all__ = ["Error", "InputError", "InternalError", "RunError", "Stopped", "__version__"]
