"""The command line of `compare`: --base A1 A2 --head B1, as shells expand a pattern."""

import typer
from typer.core import TyperCommand

from analysis.errors import UsageError

SEVERAL = ("--base", "--head")


class SeveralFiles(TyperCommand):
    """A command whose --base and --head take every word up to the next option."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]  # typer.Context is click's
        """Parse, each file after an option of its own."""
        return super().parse_args(ctx, repeated(args))


def repeated(words: list[str]) -> list[str]:
    """The command line with --base and --head before each of their files.

    Raises:
        UsageError: one of them has no file.

    >>> repeated(["--base", "a", "b", "--json", "out", "--head", "c"])
    ['--base', 'a', '--base', 'b', '--json', 'out', '--head', 'c']
    """
    told: list[str] = []
    option = ""
    for word, following in zip(words, [*words[1:], "-"], strict=True):
        if word in SEVERAL:
            option = word
            if following.startswith("-"):
                raise UsageError(f"{word}: expected at least one file after it")
        elif word.startswith("-"):
            option = ""
            told.append(word)
        else:
            told += [option, word] if option else [word]
    return told
