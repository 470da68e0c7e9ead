"""The matrix: cross products, the user's axes, and what is left out with a reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.matrix import PARAMETERS, Cell, matrix, parse_axis
from bench.profiles import CORE_LOSSES, PROFILES
from bench.study import KINDS, Study
from gan.errors import UsageError
from gan.losses import LOSSES
from gan.run import Run


@pytest.mark.parametrize("profile", PROFILES)
def test_no_study_hides_another(profile: str) -> None:
    """pytest names a cell by kind and parameters; what two studies both name is the same run."""
    runs: dict[tuple[str, tuple[object, ...]], Run] = {}
    for study in PROFILES[profile]:
        for cell in _cells(study):
            assert runs.setdefault((cell.kind, cell.parameters), cell.run) == cell.run


def _cells(study: Study) -> list[Cell]:
    """The cells that a study has alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PROFILES, "alone", (study,))
        return list(matrix("alone", {}).cells)


def test_own_axes_of_a_study_make_its_variants() -> None:
    """An axis that is no option of the session, and the study's word, tell cells apart."""
    study = Study(
        "head_start",
        {"data": ("ring",), "head_start": (0, 500)},
        {"optimiser": "sgd"},
        variant="plain",
    )
    cells = _cells(study)
    assert [cell.variant for cell in cells] == ["plain head_start=0", "plain head_start=500"]
    assert [cell.run.head_start for cell in cells] == [0, 500]
    assert cells[0].parameters[:-1] == cells[1].parameters[:-1]


def test_of_two_cells_with_one_name_the_first_counts() -> None:
    """An axis that the user names may make two studies meet; a cell is still run once."""
    cells = matrix("quick", {"data": ("ring",), "loss": ("hinge",), "seed": (0,)}).cells
    convergence = [cell for cell in cells if cell.kind == "convergence"]
    assert len(convergence) == 1


def test_kinds_choose() -> None:
    """Only cells of the kinds that were asked for, in the session's order."""
    cells = matrix("quick", {}, ["convergence", "throughput"]).cells
    assert tuple(dict.fromkeys(cell.kind for cell in cells)) == ("throughput", "convergence")


SINGLE = ("reproduction", "peers", "overhead")
"""Profiles of one kind start so."""


@pytest.mark.parametrize("profile", [name for name in PROFILES if not name.startswith(SINGLE)])
def test_every_kind_runs_in_every_profile(profile: str) -> None:
    """In the order of KINDS; the ledger's profiles time nothing and need no convergence cells.

    Rows of published tables take hours: smoke has a few steps of them, full the whole. Peers have
    a profile of their own, since they need JAX; so has what measuring costs.
    """
    kinds = [cell.kind for cell in matrix(profile, {}).cells]
    absent = {"throughput", "convergence"} if profile.startswith("ledger") else set()
    absent |= {"peers", "overhead"} | (set() if profile in ("smoke", "full") else {"reproduction"})
    assert tuple(dict.fromkeys(kinds)) == tuple(kind for kind in KINDS if kind not in absent)


def test_quick_compares_all_losses_on_real_digits_over_seeds() -> None:
    """Each core loss is trained on digits with the same seeds."""
    runs = [c.run for c in matrix("quick", {}).cells if c.kind == "convergence"]
    seeds = {
        loss: {run.seed for run in runs if run.data == "digits" and run.loss == loss}
        for loss in CORE_LOSSES
    }
    assert len(seeds["hinge"]) >= 3
    assert all(chosen == seeds["hinge"] for chosen in seeds.values())


def test_chosen_axes_replace_the_profiles() -> None:
    """An axis that the user names has the user's values in every study, and no others."""
    chosen = {"loss": ("hinge",), "batch_size": (16, 256), "data": ("ring",)}
    for cell in matrix("smoke", chosen).cells:
        assert cell.run.loss == "hinge"
        assert cell.run.batch_size in (16, 256)
        assert cell.run.data == "ring"


def test_impossible_combinations_are_left_out_with_their_reason() -> None:
    """A penalty on a batch-normalised discriminator is dropped and named; the others run."""
    result = matrix("smoke", {"model": ("mlp", "dcgan"), "penalty": ("r1",)})
    assert {cell.run.model for cell in result.cells} == {"mlp"}
    assert any("batch-normalised" in reason for reason in result.left_out)


def test_nothing_left_is_an_error() -> None:
    """If no combination is possible the reason is the error."""
    with pytest.raises(UsageError, match=r"no cell is left: .*batch-normalised"):
        matrix("smoke", {"model": ("dcgan",), "penalty": ("r1",)})


def test_unknown_profile_lists_the_valid_ones() -> None:
    """The message names the three profiles."""
    with pytest.raises(
        UsageError,
        match=r"unknown profile 'fast': choose from smoke, quick, ledger, ledger_full, full",
    ):
        matrix("fast", {})


@given(st.lists(st.sampled_from(list(LOSSES)), min_size=1))
def test_names_are_parsed_in_order_without_repeats(names: list[str]) -> None:
    """Commas and spaces separate; a repeat counts once."""
    assert parse_axis("--losses", " , ".join(names), LOSSES) == tuple(dict.fromkeys(names))


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1))
def test_numbers_are_parsed(numbers: list[int]) -> None:
    """Whole numbers come back as they were."""
    assert parse_axis("--seeds", ",".join(map(str, numbers)), None) == tuple(dict.fromkeys(numbers))


@pytest.mark.parametrize(
    ("text", "valid", "message"),
    [
        ("", None, "--x names no value"),
        (" , ", LOSSES, "--x names no value"),
        ("16,many", None, "--x takes whole numbers, not '16,many'"),
        ("1.5", None, "--x takes whole numbers, not '1.5'"),
        ("hinge,hing", LOSSES, "unknown value of --x 'hing': choose from saturating, "),
    ],
)
def test_bad_axes_are_one_clear_line(text: str, valid: object, message: str) -> None:
    """Empty, not a number, unknown: each says which option and what would be right."""
    with pytest.raises(UsageError) as caught:
        parse_axis("--x", text, valid)  # type: ignore[arg-type]  # a table or None
    assert str(caught.value).startswith(message)


def test_axes_are_fields_of_run() -> None:
    """The axes of a cell are read from its run."""
    cell = matrix("smoke", {"seed": (5,)}).cells[0]
    assert dict(zip(PARAMETERS, cell.parameters, strict=True))["seed"] == 5
