"""The command: `python -m potstill`, and `potstill` after installation."""

from __future__ import annotations

import signal
import sys

from potstill._native import run_command


def main() -> int:
    """Runs the command line of this process, and returns its exit code, from 0 to 255."""
    if "" not in sys.path:
        # Environments of modules beside the user's work, as `python -m` finds them.
        sys.path.insert(0, "")
    # The command has its own way with signals: it saves. The interpreter's handler would only take note of them.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return run_command(["potstill", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
