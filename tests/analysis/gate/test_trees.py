"""Revisions of a repository as folders; nothing stays behind."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.errors import UsageError
from analysis.gate.trees import PREFIX, checked_out, commit_of, git, refuse_uncommitted, top


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits of one file."""
    folder = tmp_path / "repository"
    folder.mkdir()
    for line in (
        ["init", "--quiet", "--initial-branch", "main"],
        ["config", "user.email", "someone@example.org"],
        ["config", "user.name", "Someone"],
    ):
        git(folder, *line)
    for text in ("one", "two"):
        (folder / "file").write_text(text)
        git(folder, "add", "file")
        git(folder, "commit", "--quiet", "-m", text)
    return folder


def worktrees(repository: Path) -> int:
    """How many git knows of."""
    return len(git(repository, "worktree", "list").splitlines())


def test_both_revisions_lie_side_by_side_for_a_while(repository: Path) -> None:
    """Each has its own files; afterwards git knows of neither."""
    commits = [commit_of(repository, name) for name in ("HEAD~1", "main")]
    with checked_out(repository, commits) as folders:
        assert [(folder / "file").read_text() for folder in folders] == ["one", "two"]
        assert worktrees(repository) == 3
    assert worktrees(repository) == 1
    assert not folders[0].parent.exists()


def test_one_revision_can_be_compared_with_itself(repository: Path) -> None:
    """Two folders of one commit."""
    commit = commit_of(repository, "main")
    with checked_out(repository, [commit, commit]) as (one, other):
        assert one != other
        assert (one / "file").read_text() == (other / "file").read_text()


def test_two_gates_at_once_wait_for_each_other(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever git reads or writes what it knows of worktrees; not while they are worked in."""
    commit = commit_of(repository, "main")
    free: list[tuple[str, bool]] = []

    def is_free() -> bool:
        folder = os.open(repository / ".git", os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            return True
        finally:
            os.close(folder)

    def watched(folder: Path, *arguments: str) -> str:
        if arguments[0] == "worktree":
            free.append((arguments[1], is_free()))
        return git(folder, *arguments)

    monkeypatch.setattr("analysis.gate.trees.git", watched)
    with checked_out(repository, [commit, commit]) as (one, _):
        assert is_free()
        with checked_out(one, [commit]):  # from a worktree it is the same repository
            pass
    assert {name for name, _ in free} == {"add", "list", "remove"}
    assert len(free) == 5 + 3
    assert not any(found for _, found in free)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_nothing_stays_after_an_error(repository: Path, error: type[BaseException]) -> None:
    """Whatever it is."""
    commit = commit_of(repository, "main")
    folders: list[Path] = []

    def fail() -> None:
        with checked_out(repository, [commit]) as made:
            folders.extend(made)
            raise error

    with pytest.raises(error):
        fail()
    assert worktrees(repository) == 1
    assert not folders[0].exists()


def test_a_gate_killed_while_it_cleared_up_is_forgotten(repository: Path, tmp_path: Path) -> None:
    """Its folder is gone, but git knows of it."""
    gone = tmp_path / f"{PREFIX}gone" / "0-0123456789"
    git(repository, "worktree", "add", "--detach", "--quiet", str(gone), "main")
    shutil.rmtree(gone.parent)
    with checked_out(repository, []):
        assert worktrees(repository) == 1


def test_a_worktree_of_the_users_on_a_drive_that_is_away_stays(
    repository: Path, tmp_path: Path
) -> None:
    """With what was staged in it."""
    drive, away = tmp_path / "drive", tmp_path / "away"
    git(repository, "worktree", "add", "--detach", "--quiet", str(drive), "main")
    (drive / "file").write_text("three")
    git(drive, "add", "file")
    drive.rename(away)
    with checked_out(repository, [commit_of(repository, "main")]):
        pass
    away.rename(drive)
    assert git(drive, "diff", "--cached", "--name-only") == "file"


@pytest.mark.parametrize("of", ["main", "linked"])
def test_in_a_hook_the_index_of_the_commit_that_is_made_stays(
    repository: Path, tmp_path: Path, of: str
) -> None:
    """Git gives its hooks an index by name, and means that of the folder it works in."""
    folder = repository
    if of == "linked":
        folder = tmp_path / "linked"
        git(repository, "worktree", "add", "--quiet", "-b", "topic", str(folder), "main")
    code = """
from pathlib import Path
from analysis.gate.trees import PREFIX, checked_out, commit_of, top
repository = top(Path.cwd())
with checked_out(repository, [commit_of(repository, "HEAD")]) as [tree]:
    assert (tree / "file").read_text() == "two"
"""
    script = tmp_path / "run.py"
    script.write_text(code)
    hook = repository / ".git" / "hooks" / "pre-commit"
    root = Path(__file__).parents[3]
    hook.write_text(f"#!/bin/sh\nPYTHONPATH={root} exec {sys.executable} {script}\n")
    hook.chmod(0o755)
    (folder / "file").write_text("three")
    (folder / "new").write_text("precious")
    # Not by git(), which runs no hooks.
    for command in (["add", "-A"], ["commit", "--quiet", "-m", "three"]):
        subprocess.run(["git", "-C", str(folder), *command], check=True)  # noqa: S607
    assert git(folder, "status", "--porcelain") == ""
    assert git(folder, "show", "HEAD:file") == "three"
    assert git(folder, "show", "HEAD:new") == "precious"


def test_another_repository_in_the_environment_changes_nothing(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a folder below the top, too."""
    below = repository / "below"
    below.mkdir()
    monkeypatch.setenv("GIT_DIR", str(repository / ".git"))
    assert top(below) == repository
    refuse_uncommitted(top(below))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    assert commit_of(repository, "main")


def test_the_folders_of_a_killed_gate_go_and_those_of_a_living_one_stay(repository: Path) -> None:
    """Who was killed holds no lock any more."""
    code = """
import os, signal, sys
from pathlib import Path
from analysis.gate.trees import PREFIX, checked_out, commit_of
repository = Path(sys.argv[1])
with checked_out(repository, [commit_of(repository, "main")]) as [folder]:
    print(folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    command = [sys.executable, "-c", code, str(repository)]
    killed = subprocess.run(command, capture_output=True, text=True, check=False)
    orphan = Path(killed.stdout.strip())
    assert killed.returncode == -signal.SIGKILL
    assert orphan.exists()
    commit = commit_of(repository, "main")
    with checked_out(repository, [commit]) as [living]:
        assert not orphan.parent.exists()
        with checked_out(repository, [commit]):
            assert (living / "file").read_text() == "two"
            assert worktrees(repository) == 3
    assert worktrees(repository) == 1


def test_hooks_are_not_run(repository: Path, tmp_path: Path) -> None:
    """A checkout of another's revision runs nothing of the user's."""
    ran = tmp_path / "ran"
    hook = repository / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {ran}\n")
    hook.chmod(0o755)
    with checked_out(repository, [commit_of(repository, "main")]):
        assert not ran.exists()


@pytest.mark.parametrize(
    "revision", ["nothing", "", "--output=x", "-h", "HEAD:file", "main..HEAD", "a b", "\x1b[31m"]
)
def test_a_revision_that_is_none_is_told(repository: Path, revision: str) -> None:
    """Also one that looks like an option, a file or a range."""
    with pytest.raises(UsageError) as error:
        commit_of(repository, revision)
    assert str(error.value).startswith("there is no revision '")
    assert "\x1b" not in str(error.value)


def test_changes_that_are_not_committed_are_told(repository: Path) -> None:
    """What would be compared is not what lies there; new files do not matter."""
    (repository / "new").write_text("new")
    refuse_uncommitted(repository)
    (repository / "file").write_text("three")
    with pytest.raises(UsageError) as error:
        refuse_uncommitted(repository)
    assert str(error.value) == (
        "1 file with changes that are not committed, such as file: commit them, or say "
        "--head HEAD to leave them out"
    )


def test_a_folder_outside_is_told(tmp_path: Path) -> None:
    """In git's words."""
    with pytest.raises(UsageError, match=r"git rev-parse: .*not a git repository"):
        top(tmp_path)


def test_git_that_is_missing_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In a line."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="but there is no git"):
        top(tmp_path)


def test_a_revision_by_its_message_is_found(repository: Path) -> None:
    """Of which nothing may be taken for a part of the pattern."""
    assert commit_of(repository, ":/one") == commit_of(repository, "HEAD~1")


def test_a_shallow_clone_says_so(repository: Path, tmp_path: Path) -> None:
    """What is not there is behind its edge."""
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--depth", "1", repository.as_uri(), str(clone))
    with pytest.raises(UsageError, match="'HEAD~1': this clone is shallow, `git fetch --unsh"):
        commit_of(clone, "HEAD~1")


def test_all_that_git_says_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In one line, without what would steer a terminal."""
    script = tmp_path / "git"
    script.write_text("#!/bin/sh\nprintf 'fatal: one\\n\\n\\ttwo\\033[31m' >&2\nexit 1\n")
    script.chmod(0o755)
    monkeypatch.setattr("analysis.gate.trees._local_names", frozenset)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError) as error:
        git(tmp_path, "status")
    assert str(error.value) == "git status: fatal: one two\\x1b[31m"
