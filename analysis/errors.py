"""The one exception that means: the input or the request cannot be, and here is why in one line."""


class UsageError(ValueError):
    r"""A user's mistake or an unreadable file; the command line prints it without a traceback.

    >>> str(UsageError("a name\nwith a line break"))
    'a name with a line break'
    """

    def __str__(self) -> str:
        """One line, whatever a path or a value brought in."""
        return " ".join(super().__str__().split())
