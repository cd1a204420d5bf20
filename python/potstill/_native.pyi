"""The native part of potstill."""

__version__: str

def run_command(arguments: list[str]) -> int: ...
