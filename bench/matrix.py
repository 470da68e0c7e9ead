"""Which cells exist: profiles of studies, each a cross product of axes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from bench.profiles import PROFILES
from bench.study import AXES, KINDS, Axes, Study, Value
from gan.errors import UsageError, unknown
from gan.run import Run

PARAMETERS = (*AXES, "variant")


@dataclass(frozen=True)
class Cell:
    """One cell of the matrix.

    Args:
        kind: one of KINDS.
        run: every setting.
        variant: what tells it from cells of its kind that have the same axes, in words.
    """

    kind: str
    run: Run
    variant: str = ""

    @cached_property
    def parameters(self) -> tuple[Value, ...]:
        """The values of PARAMETERS, by which pytest names the cell."""
        return (*(getattr(self.run, axis) for axis in AXES), self.variant)


@dataclass(frozen=True)
class Matrix:
    """The cells of a session, and what a profile names that cannot be.

    Args:
        cells: in the order in which they run.
        left_out: reasons, one line each, for combinations that were dropped.
    """

    cells: tuple[Cell, ...]
    left_out: tuple[str, ...]


DEFAULTS: Axes = {
    "device": ("cpu",),
    "precision": ("float32",),
    "layout": ("contiguous",),
    "mode": ("eager",),
    "ensemble": (1,),
    "batch_size": (64,),
    "loss": ("non_saturating",),
    "penalty": ("none",),
    "model": ("mlp",),
    "data": ("digits",),
    "seed": (0,),
}


def matrix(profile: str, chosen: Axes, kinds: Sequence[str] = KINDS) -> Matrix:
    """Every cell of a profile, with the axes that the user chose in place of the profile's.

    Args:
        profile: a name of PROFILES.
        chosen: axis -> values, for the axes that the user named.
        kinds: those of KINDS that are wanted.

    Returns:
        Cells without repeats, kind by kind; a combination that can't be (a penalty on a
        batch-normalised discriminator, say) is left out with its reason.

    Raises:
        UsageError: an unknown profile, or no cell is left.
    """
    if profile not in PROFILES:
        raise unknown("profile", profile, PROFILES)
    cells: dict[tuple[str, tuple[Value, ...]], Cell] = {}
    left_out: dict[str, None] = {}
    for study in PROFILES[profile]:
        known: dict[tuple[Value, ...], Run] = {}
        for values in _combinations(study, chosen) if study.kind in kinds else ():
            try:
                cell = _cell(study, values, known)
            except UsageError as reason:
                left_out[str(reason)] = None
            else:
                cells.setdefault((cell.kind, cell.parameters), cell)
    if not cells:
        raise UsageError(f"no cell is left: {'; '.join(left_out) or 'no study of these kinds'}")
    ordered = sorted(cells.values(), key=lambda cell: KINDS.index(cell.kind))
    return Matrix(tuple(ordered), tuple(left_out))


def _combinations(study: Study, chosen: Axes) -> Iterable[dict[str, Value]]:
    """The values of every axis, for each run of a study."""
    axes = {**DEFAULTS, **study.axes, **chosen}
    for values in product(*axes.values()):
        yield dict(zip(axes, values, strict=True))


def _cell(study: Study, values: dict[str, Value], known: dict[tuple[Value, ...], Run]) -> Cell:
    """One cell of a study; its variant names the study's own axes. Known are other seeds' runs."""
    others = tuple(value for name, value in values.items() if name != "seed")
    if others in known:
        run = known[others].with_seed(values["seed"])
    else:
        run = known[others] = Run(**{**study.settings, **values})  # type: ignore[arg-type]  # Run checks them
    own = [f"{name}={value}" for name, value in values.items() if name not in AXES]
    return Cell(study.kind, run, " ".join([study.variant, *own] if study.variant else own))


def parse_axis(option: str, text: str, valid: Iterable[str] | None) -> tuple[str | int, ...]:
    """The values of one axis as a user writes them.

    Args:
        option: its name on the command line, for the error.
        text: values separated by commas.
        valid: known names, or None for whole numbers.

    Returns:
        Values in the order given, without repeats.

    Raises:
        UsageError: an unknown name, or not a whole number.

    >>> parse_axis("--batch-sizes", "16,256", None)
    (16, 256)
    """
    words = parse_words(option, text)
    if valid is not None:
        known = list(valid)
        for word in words:
            if word not in known:
                raise unknown(f"value of {option}", word, known)
        return tuple(dict.fromkeys(words))
    try:
        return tuple(dict.fromkeys(int(word) for word in words))
    except ValueError:
        raise UsageError(f"{option} takes whole numbers, not {text!r}") from None


def parse_words(option: str, text: str) -> list[str]:
    """What a user separated by commas.

    Args:
        option: its name on the command line, for the error.
        text: words, with or without spaces around them.

    Returns:
        At least one.

    Raises:
        UsageError: there is none.

    >>> parse_words("--devices", "cpu, cuda,")
    ['cpu', 'cuda']
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise UsageError(f"{option} names no value")
    return words
