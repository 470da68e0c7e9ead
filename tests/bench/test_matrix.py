"""The matrix: cross products, the user's axes, and what is left out with a reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.matrix import AXES, CORE_LOSSES, KINDS, PROFILES, matrix, parse_axis
from gan.errors import UsageError
from gan.losses import LOSSES


@pytest.mark.parametrize("profile", PROFILES)
def test_cells_have_distinct_axes(profile: str) -> None:
    """pytest names a cell by kind and axes, so no two cells share them."""
    cells = matrix(profile, {}).cells
    assert len({(cell.kind, cell.axes) for cell in cells}) == len(cells)


@pytest.mark.parametrize("profile", PROFILES)
def test_every_kind_runs_in_every_profile(profile: str) -> None:
    """Throughput, gradients and convergence, in this order."""
    kinds = [cell.kind for cell in matrix(profile, {}).cells]
    assert tuple(dict.fromkeys(kinds)) == KINDS


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
    with pytest.raises(UsageError, match=r"unknown profile 'fast': choose from smoke, quick, full"):
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
    assert dict(zip(AXES, cell.axes, strict=True))["seed"] == 5
