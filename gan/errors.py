"""The exceptions that mean: the user asked for something that cannot be."""

from collections.abc import Iterable


class UsageError(ValueError):
    """A user's mistake, told in one line; command lines print it without a traceback.

    Args:
        message: what is wrong and what would be right.
        field: the field of Run that is to blame, if one is.
    """

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class UnwritableError(UsageError):
    """The results folder can't be written: what would be computed next would be lost like this."""


def unknown(kind: str, name: object, valid: Iterable[str]) -> UsageError:
    """Say that a name is not known and list those that are.

    Args:
        kind: what was named, in words, as in "loss".
        name: what the user wrote.
        valid: the known names.

    Returns:
        The error, to be raised by the caller.

    >>> unknown("loss", "sturating", ["hinge", "saturating"])
    UsageError("unknown loss 'sturating': choose from hinge, saturating")
    """
    return UsageError(f"unknown {kind} {name!r}: choose from {', '.join(valid)}")
