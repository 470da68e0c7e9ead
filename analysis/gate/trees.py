"""Revisions of a repository as folders, for as long as they are needed."""

import contextlib
import fcntl
import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from analysis.errors import UsageError
from analysis.wording import count, visible

PREFIX = "saddle-gate-"
"""Of the folder that a gate's worktrees lie in."""


MOST_WORDS = 500
"""Characters of what git says of its failure."""


class GitError(UsageError):
    """Git refuses; a signal, which is a UsageError too, is something else."""


def git(repository: Path, *arguments: str) -> str:
    """What git answers; no hook of the user's is run, which could do anything.

    Of the repository that the folder is in, whatever another git, whose hook this may run in, has
    put into the environment: its index is not ours to write.

    Args:
        repository: where.
        arguments: of git.

    Returns:
        Its output, without the last line break.

    Raises:
        UsageError: git is not there.
        GitError: what it says of its failure.
    """
    try:
        done = subprocess.run(  # noqa: S603  # a list, no shell
            ["git", "-C", str(repository), "-c", f"core.hooksPath={os.devnull}", *arguments],  # noqa: S607  # the user's git
            capture_output=True,
            env={name: text for name, text in os.environ.items() if name not in _local_names()},
            check=False,
        )
    except FileNotFoundError:
        raise UsageError("the gate compares git revisions, but there is no git") from None
    if done.returncode:
        words = " ".join(os.fsdecode(done.stderr).split()) or f"status {done.returncode}"
        raise GitError(f"git {arguments[0]}: {visible(words[:MOST_WORDS])}")
    return os.fsdecode(done.stdout).rstrip("\n")  # names of files are bytes


@functools.cache
def _local_names() -> frozenset[str]:
    """The variables by which git is told which repository, index and objects it works on."""
    command = ["git", "rev-parse", "--local-env-vars"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    return frozenset(done.stdout.split())


def top(folder: Path) -> Path:
    """The repository that a folder is in.

    Args:
        folder: anywhere in it.

    Returns:
        Its highest folder.

    Raises:
        UsageError: it is in none.
    """
    return Path(git(folder, "rev-parse", "--show-toplevel"))


def commit_of(repository: Path, revision: str) -> str:
    """The commit that a revision names.

    Args:
        repository: where.
        revision: a branch, tag, hash or expression of git's; nothing of it is read as an option.

    Returns:
        40 hexadecimal digits.

    Raises:
        UsageError: there is no such commit.
    """
    verify = ("rev-parse", "--verify", "--quiet", "--end-of-options")
    try:
        # In two steps: of the pattern of ":/message" what follows would be a part.
        return git(repository, *verify, git(repository, *verify, revision) + "^{commit}")
    except GitError:
        shallow = git(repository, "rev-parse", "--is-shallow-repository") == "true"
        hint = ": this clone is shallow, `git fetch --unshallow` gets the rest" if shallow else ""
        raise UsageError(f"there is no revision {revision!r}{hint}") from None


def refuse_uncommitted(repository: Path) -> None:
    """Raise UsageError if tracked files differ from the last commit.

    Args:
        repository: where.

    Raises:
        UsageError: what would be compared is not what lies there.
    """
    changed = git(repository, "status", "--porcelain", "--untracked-files=no").splitlines()
    if changed:
        raise UsageError(
            f"{count(len(changed), 'file')} with changes that are not committed, such as "
            f"{changed[0][3:]}: commit them, or say --head HEAD to leave them out"
        )


@contextlib.contextmanager
def checked_out(repository: Path, commits: list[str]) -> Iterator[list[Path]]:
    """Folders of commits; they and what git knows of them are gone afterwards.

    What a gate that was killed left behind goes first.

    Args:
        repository: where.
        commits: as ``commit_of`` has them; one may come twice.

    Yields:
        A folder for each.

    Raises:
        UsageError: git refuses.
    """
    with alone(repository):
        _remove_orphans(repository)
    outer = Path(tempfile.mkdtemp(prefix=PREFIX))
    folders = [outer / f"{place}-{commit[:10]}" for place, commit in enumerate(commits)]
    held = _opened(outer)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(held, fcntl.LOCK_EX)  # as long as this process lives, however it ends
        for folder, commit in zip(folders, commits, strict=True):
            with alone(repository):
                git(repository, "worktree", "add", "--detach", "--quiet", str(folder), commit)
        yield folders
    finally:
        shutil.rmtree(outer, ignore_errors=True)
        os.close(held)
        with alone(repository):
            _forget(repository, folders)


@contextlib.contextmanager
def alone(repository: Path) -> Iterator[None]:
    """While no other gate changes what git knows of this repository's worktrees.

    git itself fails where one is being added while it reads the others.

    Args:
        repository: any of its worktrees.
    """
    common = git(repository, "rev-parse", "--path-format=absolute", "--git-common-dir")
    folder = _opened(Path(common))
    try:
        with contextlib.suppress(OSError):  # network file systems lock no folders
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _opened(folder: Path) -> int:
    """A descriptor to lock a folder by; processes that are started do not inherit it."""
    return os.open(folder, os.O_RDONLY | os.O_CLOEXEC)


def _forget(repository: Path, trees: Iterable[Path]) -> None:
    """Have git forget worktrees; another that is not there may be on a drive that is away."""
    for tree in trees:
        with contextlib.suppress(GitError):  # it was not added, or is forgotten
            git(repository, "worktree", "remove", "--force", "--force", str(tree))


def _remove_orphans(repository: Path) -> None:
    """Remove the folders of gates that no longer live: nobody holds their lock."""
    lines = git(repository, "worktree", "list", "--porcelain").splitlines()
    trees = [Path(line.removeprefix("worktree ")) for line in lines if line.startswith("worktree ")]
    for tree in trees:
        if tree.parent.name.startswith(PREFIX) and _is_orphan(tree.parent):
            shutil.rmtree(tree.parent, ignore_errors=True)
            _forget(repository, [tree])


def _is_orphan(outer: Path) -> bool:
    """Whether a gate's folder is gone, or nobody holds it."""
    try:
        folder = _opened(outer)
    except FileNotFoundError:
        return True
    except OSError:  # another user's
        return False
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(folder)
    return True
