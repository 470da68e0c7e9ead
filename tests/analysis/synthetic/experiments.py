"""Experiments made from closed forms, and their files."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.tables import UPDATES
from gan.verdict import verdict
from tests.analysis.synthetic.runs import (
    MACHINE,
    ZIP_QUANTILES,
    Array,
    Profile,
    Row,
    cell,
    facts,
    key_of,
    make_run,
    rng_of,
    training_rows,
)

# |dL/da| of each loss at a logit a:
LOGIT_GRADIENTS: dict[str, Callable[[Array], Array]] = {
    "saturating": lambda a: 1 / (1 + np.exp(-a)),
    "maximum_likelihood": lambda a: 1 / np.exp(-a),
    "least_squares": lambda a: np.abs(a - 1),
    "wasserstein": lambda a: np.ones(a.shape),
    "hinge": lambda a: np.ones(a.shape),
}
TEXT_COLUMNS = ("network", "dtype", "gradient_of", "scope", "formulation", "updates")
COUNT_COLUMNS = ("step", "discriminator_step")


def logit_gradient(loss: str, a: Array, profile: Profile) -> Array:
    """|dL/da|; a loss without a closed form here is −log D; reversed, Eq. 1 and 2 change places."""
    other = {"saturating": "non_saturating", "non_saturating": "saturating"}
    known = other.get(loss, loss) if profile.reverse else loss
    return LOGIT_GRADIENTS[known](a) if known in LOGIT_GRADIENTS else 1 / (1 + np.exp(a))


def per_sample_rows(run: Row, profile: Profile) -> list[Row]:
    """‖∂a/∂x‖ = 0.3 and ‖∂a/∂θ‖ = 5 or 50; errors of rounding, reversed of a thousandth."""
    rng, rows = rng_of(run), []
    networks, dtypes = ("untrained", "trained"), ("float64", "float32")
    for network, dtype, loss in product(networks, dtypes, profile.losses):
        for a in (*np.arange(-69.0, 16.0, 3.0), 16.0):
            d, rest = 1 / (1 + np.exp(-a)), 1 / (1 + np.exp(a))
            felt = float(logit_gradient(loss, np.array(a), profile))
            error = (1e-3 if profile.reverse else {"float64": 2e-15, "float32": 2e-7}[dtype]) * (
                1 + rng.random()
            )
            rows.append(
                {
                    "network": network,
                    "dtype": dtype,
                    "gradient_of": loss,
                    "logit": float(a),
                    "d_fake": float(d),
                    "one_minus_d_fake": float(rest),
                    "to_probability": felt / float(d * rest),
                    "to_logit": felt,
                    "to_sample": 0.3 * felt,
                    "to_parameters": (5 if network == "untrained" else 50) * felt,
                    "lost": 0.0,
                    "ratio_error": error if loss == "non_saturating" else None,
                    "parameter_error": 3 * error if loss == "non_saturating" else None,
                }
            )
    return rows


def overtrained_rows(run: Row, profile: Profile) -> list[Row]:
    """The logit falls by 3 in every decade of D's steps; tails grow heavy, reversed they thin."""
    rng, rows = rng_of(run), []
    for step, loss in product((0, 1, 3, 10, 30, 100, 300, 1000), profile.losses):
        a = -3 * np.log10(1 + step)
        d, share = 1 / (1 + np.exp(-a)), np.log10(1 + step) / 3
        norm = 4 * float(logit_gradient(loss, np.array(a), profile)) * rng.lognormal(0, 0.05)
        tail = (1 + 3 * share if profile.reverse else 4 - 3 * share) * rng.lognormal(0, 0.05)
        rows.append(
            {
                "discriminator_step": step,
                "gradient_of": loss,
                **{f"d_fake_q{q}": float(d) * f / 1.8 for q, f in ZIP_QUANTILES},
                "accuracy": 1 - float(d),
                "gradient_norm": norm,
                "gradient_norm_q05": norm / 2,
                "gradient_norm_q95": norm * 2,
                "snr": (1 + 5 * share if profile.reverse else 6 - 5 * share) / 6,
                "tail_index": tail,
                "tail_index_low": tail * 0.7,
                "tail_index_high": tail * 1.4,
            }
        )
    return rows


def counterfactual_rows(run: Row, profile: Profile) -> list[Row]:
    """D(G(z)) climbs from 10⁻³ to ½; single samples lie a decade about it."""
    rng, rows = rng_of(run), []
    edges = np.array([1e-6, 1e-4, 1e-2, 0.1, 0.5, 1.0])
    centres = 10.0 ** (-3 + 2.7 * np.arange(profile.records + 1) / profile.records)
    states = [np.clip(centre * rng.lognormal(0, 2, 64), 1e-6, 0.99) for centre in centres]
    for (number, d), loss in product(enumerate(states), profile.losses):
        felt = 5 * logit_gradient(loss, np.log(d / (1 - d)), profile)
        state = {"step": 100 * number, "gradient_of": loss}
        whole = {"count": 64.0, "d_fake": float(np.median(d)), "gradient_norm": felt.mean()}
        rows.append({**state, "scope": "batch", **whole, "cosine": 0.9})
        for low, high in pairwise(edges):
            inside = (d >= low) & (d < high)
            if inside.any():
                medians = {"d_fake": np.median(d[inside]), "gradient_norm": np.median(felt[inside])}
                bounds = {"d_low": low, "d_high": high, "count": float(inside.sum())}
                rows.append({**state, "scope": "bin", **bounds, **medians})
    return rows


def head_start_rows(run: Row, profile: Profile) -> list[Row]:
    """As in training; with sgd and a head start Eq. 1's loss, reversed Eq. 2's, does not move."""
    stuck = "non_saturating" if profile.reverse else "saturating"
    rows = training_rows(run, replace(profile, reverse=False), 1)
    if run["optimiser"] == "sgd" and run["head_start"] and run["loss"] == stuck:
        rows = [{**row, "w1": rows[0]["w1"]} for row in rows]
    return rows


def batches_rows(run: Row, profile: Profile) -> list[Row]:
    """Steps to the same W₁ fall like N to the power −½, reversed they rise; a step takes N µs."""
    scale = (run["batch_size"] / 64) ** (0.5 if profile.reverse else -0.5)
    rows = []
    for row in training_rows(run, replace(profile, reverse=False), 1):
        step = round(row["step"] * scale)
        rows.append({**row, "step": step, "seconds": 1e-6 * step * (100 + run["batch_size"])})
    return rows


def numerics_rows(run: Row, profile: Profile) -> list[Row]:
    """A loss on logits is exact, one through σ lost below −88, reversed the other way round."""
    rows: list[Row] = []
    exact = {
        "saturating": lambda a: -1 / (1 + np.exp(-a)),
        "non_saturating": lambda a: -1 / (1 + np.exp(a)),
    }
    for formulation, loss in product(("naive_log_sigmoid", "logsigmoid"), exact):
        lossy = (formulation == "logsigmoid") == profile.reverse
        for a in np.arange(-110, 40.5, 0.5):
            known = float(exact[loss](a))
            found = None if lossy and loss == "non_saturating" else 0.0
            gradient = found if lossy and a < -88 else known
            state = {"formulation": formulation, "gradient_of": loss, "logit": float(a)}
            rows.append({**state, "gradient": gradient, "exact": known})
    return rows


def optimum_rows(run: Row, profile: Profile) -> list[Row]:
    """V = −log 4 + d²/8 near enough, a gradient of d/2; reversed V is less and G is led away."""
    rng, rows = rng_of(run), []
    for d, loss in product((-1.0, 0.0, 1.0), ("saturating", "non_saturating")):
        jsd = d * d / 16
        value = -np.log(4) + (-1 if profile.reverse else 1) * 2 * jsd
        rows.append(
            {
                "displacement": d,
                "gradient_of": loss,
                "value": value + rng.normal(0, 1e-3),
                "value_error": 1e-3,
                "exact_value": -np.log(4) + 2 * jsd,
                "jsd": jsd,
                "d_error": 0.3 if profile.reverse else 0.005,
                "d_mean": 0.5,
                "gradient": (-0.5 if profile.reverse else 0.5) * d + rng.normal(0, 1e-3),
                "gradient_error": 1e-3,
                "exact_gradient": 0.5 * d,
            }
        )
    return rows


def dirac_rows(run: Row, profile: Profile) -> list[Row]:
    """Spirals of 40 steps a turn: alternating updates contract with r1 only; reversed they grow."""
    rows, turn = [], np.arange(201) * np.pi / 20
    for updates, rate in (("simultaneous", 0.0), ("alternating", -0.05 * (run["penalty"] == "r1"))):
        size = np.exp((0.01 if profile.reverse else rate) * np.arange(201))
        path = {"theta": size * np.cos(turn), "psi": -size * np.sin(turn)}
        values = zip(path["theta"].tolist(), path["psi"].tolist(), strict=True)
        rows += [
            {"updates": updates, "step": step, "theta": theta, "psi": psi}
            for step, (theta, psi) in enumerate(values)
        ]
    return rows


def verdicts(rows: Sequence[Row], radii: Row) -> Row:
    """The facts of a Dirac-GAN on both rules' paths; without radii nothing is predicted."""
    facts = {}
    for updates in UPDATES:
        path = [[row["theta"], row["psi"]] for row in rows if row["updates"] == updates]
        radius = radii.get(f"radius_{updates}")
        pair = radius * np.exp([0.1j, -0.1j]) if radius else ()
        found = asdict(verdict(np.array(path, dtype=float), pair))
        for name, value in found.items():
            known = isinstance(value, str) or np.isfinite(value)
            facts[f"{name}_{updates}"] = value if known else None
    return facts


def spectrum_rows(run: Row, profile: Profile) -> list[Row]:
    """A pair that turns, r1 damps it; one direction grows, reversed it shrinks."""
    rows, pair = [], -3 + 0.1j if run["penalty"] == "r1" else -0.2 + 1j
    for record in range(profile.records + 1):
        growth = (-1 if profile.reverse else 1) * 0.4 / (1 + record)
        stable = min(0.4 / 1.04, 0.8) if profile.reverse else None
        shared = {"field_norm": 1.0, "stable_learning_rate": stable}
        radius = 0.99 if profile.reverse else 1 + 0.1 * growth
        shared |= {"radius_simultaneous": radius, "radius_alternating": radius}
        rows += [
            {"step": 100 * record, "real": value.real, "imaginary": value.imag, **shared}
            for value in (pair, pair.conjugate(), complex(growth), -1 + 0j)
        ]
    return rows


EXPERIMENTS: dict[str, Callable[[Row, Profile], list[Row]]] = {
    "numerics": numerics_rows,
    "dirac": dirac_rows,
    "spectrum": spectrum_rows,
    "per_sample": per_sample_rows,
    "optimum": optimum_rows,
    "overtrained": overtrained_rows,
    "counterfactual": counterfactual_rows,
    "head_start": head_start_rows,
    "batches": batches_rows,
}

EXPERIMENT_FACTS: dict[str, Row] = {
    "numerics": {"unsupported": ""},
    "dirac": {
        "eigenvalues_real": [0.0, 0.0],
        "eigenvalues_imaginary": [0.5, -0.5],
        "radius_simultaneous": 1.0,
        "radius_alternating": None,
        "grid": [-1.0, 1.0],
        "field_theta": [-1.0, -1.0, 1.0, 1.0],
        "field_psi": [1.0, -1.0, 1.0, -1.0],
    },
    "optimum": {"discriminator_steps": 600, "samples": 1000},
    "per_sample": {"trained_steps": 500, "samples": 64, "generator_parameters": 1000},
    "overtrained": {"minibatches": 100, "tail_count": 20},
    "counterfactual": {"batch_size": 64},
    "spectrum": {"samples": 64, "generator_parameters": 2, "discriminator_parameters": 2},
}


def experiment_runs(profile: Profile) -> Iterator[tuple[str, Row]]:
    """Which runs of which kind a profile has."""
    for precision in ("float64", "float32"):
        yield "numerics", make_run(precision=precision)
    for loss, penalty in product(profile.losses, ("none", "r1")):
        yield "dirac", make_run(loss=loss, penalty=penalty)
        plain = {"optimiser": "sgd", "momentum": 0.0}
        plain |= dict.fromkeys(("generator_learning_rate", "discriminator_learning_rate"), 0.1)
        yield "spectrum", make_run(loss=loss, penalty=penalty, **plain)
    for seed in range(profile.seeds):
        yield "per_sample", make_run(seed=seed)
        yield "optimum", make_run(data="gaussian1d", seed=seed)
        for data in ("ring", "digits"):
            yield "overtrained", make_run(data=data, seed=seed)
        for loss in profile.losses:
            run = {"loss": loss, "seed": seed}
            yield "counterfactual", make_run(**run)
            for optimiser, head_start in product(("adam", "sgd"), (0, 1000)):
                yield "head_start", make_run(**run, optimiser=optimiser, head_start=head_start)
            for batch_size in (16, 64, 256):
                yield "batches", make_run(**run, batch_size=batch_size)


def write_experiment(folder: Path, kind: str, run: Row, rows: Sequence[Row], **meta: object) -> Row:
    """One experiment's run file; returns its cell."""
    key = f"{key_of(run, kind)}-{run['optimiser']}-{run.get('head_start', 0)}"
    types = {name: pa.string() for name in TEXT_COLUMNS} | {n: pa.int64() for n in COUNT_COLUMNS}
    types |= {"samples": pa.list_(pa.float32()), "logits_on_grid": pa.list_(pa.float32())}
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {n: pa.array([r.get(n) for r in rows], types.get(n, pa.float64())) for n in names}
    identity = {"schema": 1, "kind": kind, "key": key, "run": run, "torch": "2.13.0"}
    ended = {"status": "finished", "message": "", "stopped_step": 0, "machine": MACHINE["cpu"]}
    found = EXPERIMENT_FACTS.get(kind) or facts(run)
    told = verdicts(rows, found) if kind == "dirac" else {}
    header = {**identity, **ended, "facts": {**found, **told}, **meta}
    path = folder / "runs" / f"{key}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(columns).replace_schema_metadata({"saddle": json.dumps(header)})
    pq.write_table(table, path, write_page_checksum=True)
    status = {name: header[name] for name in ("status", "message")}
    return cell(run, kind, [1.0], **{**status, "key": key}, reused=False)


def experiment_cells(folder: Path, profile: Profile) -> Iterator[Row]:
    """Every experiment's cell; each leaves its file."""
    for kind, run in experiment_runs(profile):
        yield write_experiment(folder, kind, run, EXPERIMENTS[kind](run, profile))
