"""The figure of D trained alone, against curves whose ends are known."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.figures import overtrained
from analysis.figures.overtrained import ends
from analysis.records import Records


def told(records: Records) -> str:
    """The caption."""
    return overtrained.caption(overtrained.prepare(records))


def changed(records: Records, **columns: Any) -> Records:
    """The records with other columns in their table of D trained alone."""
    return replace(records, overtrained=records.overtrained.assign(**columns))


def test_rows_are_medians_over_seeds(experimental: Records) -> None:
    """Norms of 1 and 3 make 2; both seeds are counted."""
    norms = np.where(experimental.overtrained["seed"] == 0, 1.0, 3.0)
    rows = overtrained.prepare(changed(experimental, gradient_norm=norms))
    assert rows["gradient_norm"].unique().tolist() == [2.0]
    assert rows["seeds"].unique().tolist() == [2]
    assert rows["panel"].unique().tolist() == ["digits", "ring"]


def test_the_two_losses_of_the_paper_come_first(experimental: Records) -> None:
    """The others follow by name."""
    rows = overtrained.prepare(experimental)
    assert list(rows["gradient_of"].unique()) == ["saturating", "non_saturating", "wasserstein"]


def test_the_ends_of_d_and_of_both_norms_are_told(experimental: Records) -> None:
    """From step 0 to step 1,000: a norm of 8 to 2, or to 16."""
    rows = experimental.overtrained
    last = rows["discriminator_step"] == 1000
    final = np.where(rows["gradient_of"] == "saturating", 2.0, 16.0)
    text = told(
        changed(
            experimental,
            gradient_norm=np.where(last, final, 8.0),
            d_fake_q50=np.where(last, 1e-6, 0.5),
        )
    )
    assert text.startswith(
        "D trained alone for up to 1,000 updates, medians over up to 2 seeds: on digits D(G(z)) "
        "goes from 0.5 to 10⁻⁶ and the gradient to 0.25 times (saturating) and 2 times "
        "(non-saturating) its first norm; on ring D(G(z)) goes"
    )


WHITE = "a D with white noise for its error"
HEAVY = f"the heavy tails of {WHITE}"


@pytest.mark.parametrize(
    ("tail", "words"),
    [
        (
            (1.0, 0.8, 1.5),
            f"below 2 in 2 of 2, {HEAVY}, and Cauchy's 1 lies in 2",
        ),
        (
            (1.5, 1.2, 1.8),
            f"below 2 in 2 of 2, {HEAVY}, and Cauchy's 1 lies in 0",
        ),
        ((3.0, 2.5, 4.0), f"above 2 in 2 of 2: not the heavy tails that {WHITE} would give"),
        ((2.0, 1.5, 2.5), "below 2 in 0 of 2, the other intervals hold 2"),
    ],
)
def test_tails_are_held_against_the_prediction(
    experimental: Records, tail: tuple[float, float, float], words: str
) -> None:
    """Heavy where the whole interval is below 2, light where it is above."""
    names = ("tail_index", "tail_index_low", "tail_index_high")
    columns = dict(zip(names, tail, strict=True))
    text = told(changed(experimental, **columns))
    assert f"ends at {tail[0]:g} on digits and {tail[0]:g} on ring: {words}" in text


def test_the_signal_to_noise_ratio_has_a_direction(
    experimental: Records, reversed_experimental: Records
) -> None:
    """It falls, or it rises."""
    assert "the signal-to-noise ratio falls to 0.1" in told(experimental)
    assert "the signal-to-noise ratio rises to 1 on digits" in told(reversed_experimental)


def test_what_is_not_known_is_said_not_to_be(experimental: Records) -> None:
    """Neither tails nor noise nor norms, on any data."""
    text = told(changed(experimental, tail_index=np.nan))
    assert "No tail index of the non-saturating gradient is known." in text
    assert "; the signal-to-noise ratio is not known." in told(changed(experimental, snr=np.nan))
    nothing = changed(experimental, gradient_norm=np.inf, d_fake_q50=np.nan)
    assert ": on digits nothing is finite; on ring nothing is finite. " in told(nothing)
    assert told(nothing).endswith("; 48 norms of 0 or not finite can't be shown.")


def test_ends_are_the_first_and_last_finite_values() -> None:
    """In order of the step, not of the rows."""
    rows = pd.DataFrame(
        {"gradient_of": "kl", "discriminator_step": [9, 0, 3], "snr": [np.nan, 1.0, 2.0]}
    )
    assert ends(rows, "kl", "snr") == (1.0, 2.0)
    assert ends(rows, "hinge", "snr") == ()


def test_one_seed_is_no_median(experimental: Records) -> None:
    """The caption does not speak of seeds then."""
    one = experimental.overtrained[experimental.overtrained["seed"] == 0]
    assert told(replace(experimental, overtrained=one)).startswith(
        "D trained alone for up to 1,000 updates: on digits"
    )
