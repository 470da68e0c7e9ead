"""Claims about a minibatch's gradients: two samples whose mixture is known exactly."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.special import expit

from analysis.claims import CLAIMS
from analysis.claims.claim import Finding, verdict
from analysis.records import Records

Row = dict[str, Any]
Made = Callable[..., Records]


def rows(spread: float, network: str = "trained") -> list[Row]:
    """Two samples of orthogonal ∂a/∂θ of norm 1, their logits `spread` apart."""
    made_rows = []
    for shift in np.linspace(-30, 15, 16):
        a = shift + np.array([-spread / 2, spread / 2])
        saturating, other = expit(a) / 2, expit(-a) / 2
        norms = np.linalg.norm(saturating), np.linalg.norm(other)
        made_rows.append(
            {
                "network": network,
                "shift": float(shift),
                "d_fake": float(expit(a).mean()),
                "one_minus_d_fake": float(expit(-a).mean()),
                "saturating_gradient_norm": float(norms[0]),
                "non_saturating_gradient_norm": float(norms[1]),
                "cosine": float(saturating @ other / (norms[0] * norms[1])),
            }
        )
    return made_rows


def measure(made: Made, name: str, *runs: Any, status: str = "finished") -> list[Finding]:
    """A claim's findings on runs of these rows, each a seed."""
    each = [({"seed": seed}, status, run_rows) for seed, run_rows in enumerate(runs)]
    return list(CLAIMS[name].measure(made("gradients", each)))


@pytest.mark.parametrize("name", ["batch_ratio", "batch_direction"])
def test_samples_that_differ_are_mixed(made: Made, name: str) -> None:
    """Logits 2 apart change ratio and direction, logits that are equal change neither."""
    assert verdict(measure(made, name, rows(2.0))) == "holds"
    assert verdict(measure(made, name, rows(0.0))) == "does not hold"
    both = rows(2.0) + rows(0.0, "untrained")
    assert verdict(measure(made, name, both)) == "holds only when ring, trained"


def test_the_numbers_are_those_of_the_mixture(made: Made) -> None:
    """Least parallel at D̄ = ½: (p, q) and (q, p); for D → 1 the ratio is furthest off."""
    (finding,) = measure(made, "batch_direction", rows(2.0))
    p, q = expit(-1.0), expit(1.0)
    assert finding.measured.estimate == pytest.approx(2 * p * q / (p**2 + q**2))
    (finding,) = measure(made, "batch_ratio", rows(2.0))
    e = np.exp(2.0)
    mean_ratio = np.sqrt(2 / (1 + e**2)) * (1 + e) / 2
    assert finding.measured.estimate == pytest.approx(1 / mean_ratio - 1, rel=1e-3)


def test_several_runs_are_decided_by_their_median(made: Made) -> None:
    """Six that agree decide, two that do not do not."""
    many = measure(made, "batch_ratio", *[rows(2.0)] * 6)
    assert (verdict(many), many[0].measured.n) == ("holds", 6)
    (two,) = measure(made, "batch_ratio", rows(2.0), rows(0.0))
    assert two.holds is None


@pytest.mark.parametrize("name", ["batch_ratio", "batch_direction"])
def test_what_is_not_a_number_is_not_measured(made: Made, name: str) -> None:
    """Gradients that underflow have neither ratio nor direction; a diverged network has no say."""
    columns = ("saturating_gradient_norm", "non_saturating_gradient_norm", "cosine")
    none = [row | dict.fromkeys(columns, np.nan) for row in rows(2.0)]
    assert measure(made, name, none) == []
    zero = [row | dict.fromkeys(columns[:2], 0.0) for row in rows(2.0)]
    assert name != "batch_ratio" or measure(made, name, zero) == []
    assert measure(made, name, rows(2.0), status="diverged") == []
    assert measure(made, name) == []
