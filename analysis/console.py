"""Blocks of lines on a terminal, or whole lines in a file."""

import os
from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

Block = tuple[str, str, str, Iterable[str]]


class Output(Console):
    """A console whose reader may go away, as `| head` does: the exit status stays what it is."""

    def on_broken_pipe(self) -> None:
        """Print nothing more; nor may Python when it ends."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


def print_blocks(blocks: Iterable[Block], last: str, console: Console) -> None:
    """Print blocks with an empty line after each, and a last line.

    Nothing is cut: a terminal folds long lines; elsewhere each statement is one line.

    Args:
        blocks: each a name, its verdict, the verdict's style, and the lines under them.
        last: the last line.
        console: where to; without colours unless it is a terminal.
    """
    for name, verdict, style, lines in blocks:
        head = Text(f"{name}: ").append(verdict, style=style)
        for text in (head, *(Text(f"  {line}") for line in lines), Text()):
            console.print(text, soft_wrap=not console.is_terminal)
    console.print(Text(last), soft_wrap=not console.is_terminal)
