"""How a command ends when it cannot go on."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of every command."""

    FINE = 0
    FINDINGS = 1
    USAGE = 2
    REFUSED = 3
    ENVIRONMENT = 4
    BUG = 70
    INTERRUPTED = 130


class CommandError(Exception):
    """Ends the command with `exit_code`; `message` says what went wrong and `hint` what to do about it."""

    def __init__(self, exit_code: ExitCode, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"error: {self.message}" if self.hint is None else f"error: {self.message}\n\n  = hint: {self.hint}"
