"""Files of pytest-benchmark's, two sides of them: how much longer head takes than base."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from glob import glob, has_magic

from analysis.compare_file import BenchmarkFile, read_file
from analysis.compare_interval import MOST_FILES, sides_interval, verdict
from analysis.errors import UsageError
from analysis.estimates import Interval
from analysis.place import Place, place

SIDES = ("base", "head")


@dataclass(frozen=True)
class Compared:
    """One benchmark that both sides have.

    Args:
        name: its full name.
        seconds: of base and of head, the median; over several files the middle one's.
        rounds: of base and of head, in all files.
        files: of base and of head.
        ratio: head over base.
        verdict: "slower", "faster", "not told apart" or "no interval".
    """

    name: str
    seconds: tuple[float, float]
    rounds: tuple[int, int]
    files: tuple[int, int]
    ratio: Interval
    verdict: str


@dataclass(frozen=True)
class Comparison:
    """Two sides, compared.

    Args:
        files: the names of base's files and of head's.
        rows: the largest ratio first.
        only: the names that only base has, and those that only head has.
        problems: a line on each benchmark that is left out.
        facts: (fact, base's values, head's values) where they are not the same everywhere.
        warnings: what the ratios can't say.
    """

    files: tuple[tuple[str, ...], tuple[str, ...]]
    rows: tuple[Compared, ...]
    only: tuple[tuple[str, ...], tuple[str, ...]]
    problems: tuple[str, ...]
    facts: tuple[tuple[str, str, str], ...]
    warnings: tuple[str, ...]


def compare(base: Sequence[str], head: Sequence[str], between_runs: float) -> Comparison:
    """Head's benchmarks over base's, paired by their full names.

    Args:
        base: files, or patterns as "before*.json".
        head: the same.
        between_runs: by what share two runs of one program differ, at most in 95 of 100 pairs;
            used where each side is one file.

    Returns:
        What both have, what one has, and what is left out.

    Raises:
        UsageError: a file cannot be read, is named twice, or nothing is in both sides.
    """
    if not (math.isfinite(between_runs) and between_runs >= 0):
        raise UsageError(f"--between-runs {between_runs}: expected a share from 0 on, as in 0.2")
    paths = [paths_of(words, side) for words, side in zip((base, head), SIDES, strict=True)]
    check_apart([*paths[0], *paths[1]])
    sides = [[read_file(path) for path in of_side] for of_side in paths]
    names = [{name: None for file in side for name in file.timings} for side in sides]
    others = different([*sides[0], *sides[1]])
    common = [name for name in names[0] if name in names[1] and name not in others]
    problems = [line for side in sides for file in side for line in file.problems]
    problems += [f"{name}: {why}" for name, why in others.items()]
    if not common:
        why = problems[0] if problems else "they have no name in common"
        raise UsageError(f"nothing to compare in {paths[0][0]} and {paths[1][0]}: {why}")
    rows = [compared(name, sides, between_runs) for name in common]
    return Comparison(
        (tuple(map(str, paths[0])), tuple(map(str, paths[1]))),
        tuple(sorted(rows, key=lambda row: -row.ratio.estimate)),
        (
            tuple(name for name in names[0] if name not in names[1]),
            tuple(name for name in names[1] if name not in names[0]),
        ),
        tuple(problems),
        differing_facts(sides),
        warnings(sides, between_runs),
    )


def two_sides(
    paths: Sequence[str], base: Sequence[str], head: Sequence[str]
) -> tuple[Sequence[str], Sequence[str]]:
    """Base's and head's files, however the command line names them.

    Args:
        paths: A.json and B.json, or none.
        base: --base.
        head: --head.

    Raises:
        UsageError: it names them in both ways or in neither.
    """
    if paths and (base or head):
        raise UsageError(f"{paths[0]}: on which side? Name files by --base and --head alone")
    if len(paths) == 2:
        return paths[:1], paths[1:]
    if paths or not (base and head):
        raise UsageError("expected A.json and B.json, or --base A1 A2 --head B1 B2")
    return base, head


def paths_of(words: Iterable[str], side: str) -> list[Place]:
    """The files that a side's words name.

    Args:
        words: paths, addresses or patterns.
        side: "base" or "head".

    Raises:
        UsageError: a pattern fits none, there are none or too many.
    """
    paths: list[Place] = []
    for word in words:
        # A file whose name holds brackets is that file.
        exact = place(word)
        if not has_magic(word) or "://" in word or exact.exists():
            paths.append(exact)
            continue
        found = sorted(glob(word))  # noqa: PTH207  # Path.glob takes no absolute pattern
        if not found:
            raise UsageError(f"{word}: no file fits this pattern")
        paths += map(place, found)
    if not 1 <= len(paths) <= MOST_FILES:
        raise UsageError(f"{side}: expected 1 to {MOST_FILES} files, found {len(paths)}")
    return paths


def check_apart(paths: Iterable[Place]) -> None:
    """Refuse a file that is named twice: it would be compared with itself or count twice."""
    seen: dict[Place, Place] = {}
    for path in paths:
        whole = path.resolve()
        if whole in seen:
            raise UsageError(f"{path}: the same file as {seen[whole]}; name it once")
        seen[whole] = path


def different(files: Sequence[BenchmarkFile]) -> dict[str, str]:
    """The benchmarks that are not the same in all files: name -> what differs.

    Only fields that both files have are held against each other: later versions add some.
    """
    found: dict[str, str] = {}
    first: dict[str, BenchmarkFile] = {}
    for file in files:
        for name, timing in file.timings.items():
            known = first.setdefault(name, file).timings[name].identity
            fields = [
                field
                for field, value in timing.identity.items()
                if field in known and known[field] != value
            ]
            if fields and name not in found:
                listed = ", ".join(fields[:4]) + (" and more" if len(fields) > 4 else "")
                found[name] = f"another cell in {first[name].name} than in {file.name}: {listed}"
    return found


def compared(name: str, sides: Sequence[Sequence[BenchmarkFile]], between_runs: float) -> Compared:
    """One benchmark on both sides."""
    timings = [[file.timings[name] for file in side if name in file.timings] for side in sides]
    medians = [sorted(timing.log_seconds for timing in side) for side in timings]
    rounds = [[timing.log_rounds for timing in side] for side in timings]
    found = sides_interval(medians, rounds, between_runs)
    counted = [sum(each.size for each in side) for side in rounds]
    middle = [math.exp(side[len(side) // 2]) for side in medians]
    return Compared(
        name,
        (middle[0], middle[1]),
        (counted[0], counted[1]),
        (len(timings[0]), len(timings[1])),
        found,
        verdict(found),
    )


def differing_facts(sides: Sequence[Sequence[BenchmarkFile]]) -> tuple[tuple[str, str, str], ...]:
    """The facts of machine and code that are not the same in every file."""
    names = {name: None for side in sides for file in side for name in file.facts}
    told = []
    for name in names:
        values = [list(dict.fromkeys(f.facts.get(name, "–") for f in side)) for side in sides]
        if len({*values[0], *values[1]}) > 1:
            told.append((name, ", ".join(values[0]), ", ".join(values[1])))
    return tuple(told)


def warnings(sides: Sequence[Sequence[BenchmarkFile]], between_runs: float) -> tuple[str, ...]:
    """What these files can't say, and what can."""
    lines = []
    if all(len(side) == 1 for side in sides):
        lines.append(
            f"bounds assume that two runs of one program differ by up to {between_runs:.3g} of "
            "their time (--between-runs); several files a side measure it: --base A1 A2 --head B1"
        )
    times = [[file.time for file in side if file.time is not None] for side in sides]
    whole = all(len(known) == len(side) for known, side in zip(times, sides, strict=True))
    if whole and (max(times[0]) < min(times[1]) or max(times[1]) < min(times[0])):
        lines.append(
            "one side's files are all older than the other's: what the machine did in between "
            "counts as a change"
        )
    return (*lines, SEQUENTIAL)


SEQUENTIAL = (
    "runs made one after the other differ by 11 to 20 % on a shared machine whatever the code, so "
    "no tight verdict follows from files; python -m analysis gate times both sides at once"
)
