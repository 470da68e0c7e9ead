"""Runs made from closed forms, in the format of results/README.md, and their cells."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

Array = NDArray[np.float64]
Row = dict[str, Any]

MACHINE: Row = {
    "schema": 1,
    "cpu": "Example CPU",
    "cores": 4,
    "threads": 2,
    "affinity": 2,
    "memory_bytes": 8 * 2**30,
    "gpu": None,
    "torch": "2.13.0",
    "cuda": None,
    "cudnn": None,
    "python": "3.11.4",
    "os": "Linux 6.1",
    "profile": "quick",
    "arguments": ["bench/", "--profile", "quick", "--results", "my results"],
    "load_average_before": 0.5,
    "load_average_after": 1.25,
    "steal_seconds": 0.0,
    "ceilings": {
        "cpu": {
            "gemm": [
                {"dtype": name, "m": 512, "k": 512, "n": 512, "flops_per_second": rate}
                for name, rate in (("float32", 1e11), ("float64", 5e10), ("bfloat16", 2e11))
            ],
            "copy": [
                {"bytes": 2**18, "bytes_per_second": 8e10},
                {"bytes": 2**28, "bytes_per_second": 1e10},
            ],
            "update": [
                {"bytes": 2**18, "bytes_per_second": 1e11},
                {"bytes": 2**28, "bytes_per_second": 2e10},
            ],
            "seconds_per_operator": 1e-6,
        }
    },
    "status": "finished",
}
SHAPES = {"gaussian1d": [1], "ring": [2], "digits": [1, 8, 8]}
SPEED = {"saturating": 0.4, "non_saturating": 1.0, "wasserstein": 0.7}
ANGLES = 2 * np.pi * np.arange(8) / 8
CENTRES = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)
GRID = np.linspace(-8.0, 16.0, 121)


@dataclass(frozen=True)
class Profile:
    """Which cells the synthetic session has; `reverse` turns every trend of it around."""

    losses: Sequence[str] = ("saturating", "non_saturating")
    data: Sequence[str] = ("gaussian1d", "ring", "digits")
    penalties: Sequence[str] = ("none",)
    models: Sequence[str] = ("mlp",)
    precisions: Sequence[str] = ("float32",)
    batch_sizes: Sequence[int] = (16, 64)
    seeds: int = 2
    records: int = 6
    rounds: int = 6
    reverse: bool = False
    diverged: bool = True
    experiments: bool = False


def rng_of(run: Row) -> np.random.Generator:
    """A stream of its own for each run."""
    return np.random.default_rng([ord(letter) for letter in json.dumps(run, sort_keys=True)])


def make_run(**fields: object) -> Row:
    """Every field of a run, the usual values where none is given."""
    usual: Row = {
        "loss": "non_saturating",
        "penalty": "none",
        "penalty_weight": 0.0,
        "model": "mlp",
        "data": "ring",
        "optimiser": "adam",
        "batch_size": 64,
        "latent_dim": None,
        "precision": "float32",
        "device": "cpu",
        "seed": 0,
        "steps": 1000,
    }
    return {**usual, **fields}


def key_of(run: Row, kind: str) -> str:
    """A name for a run's file."""
    parts = ("loss", "penalty", "model", "data", "precision", "batch_size", "seed")
    later = [name for name in ("layout", "mode", "ensemble") if name in run]
    words = [kind, *(str(run[name]) for name in (*parts, *later))]
    return re.sub(r"[^A-Za-z0-9.-]", "_", "-".join(words))


def cell(run: Row, kind: str, data: Sequence[float], **extra: object) -> Row:
    """One entry of `benchmarks`, as pytest-benchmark 5 writes it."""
    info = {"schema": 1, "kind": kind, "status": "finished", "message": "", "run": run}
    names = ("device", "precision", "batch_size", "loss", "penalty", "model", "data", "seed")
    return {
        "group": kind,
        "name": f"test_{kind}[{run['loss']}]",
        "fullname": f"bench/test_{kind}.py::test_{kind}[{run['loss']}]",
        "params": {name: run[name] for name in names},
        "param": run["loss"],
        "extra_info": {**info, "key": key_of(run, kind), **extra},
        "options": {"disable_gc": False, "timer": "perf_counter", "min_rounds": 5},
        "stats": {"min": min(data, default=0), "rounds": len(data), "data": list(data)},
    }


def throughput_cell(run: Row, profile: Profile) -> Row:
    """Steps of 1 ms and 20 µs per image; reversed, a step's time grows faster than its images."""
    rng, batch = rng_of(run), run["batch_size"]
    seconds = 1e-3 + (1e-5 * batch**2 if profile.reverse else 2e-5 * batch)
    seconds *= 1.3 if run["loss"] == "wasserstein" else 1.0
    return cell(
        run,
        "throughput",
        (50 * seconds * rng.lognormal(0, 0.05, profile.rounds)).tolist(),
        steps_per_block=50,
        first_call_seconds=0.1,
        flops_per_step=1e6 * batch,
        peak_memory_bytes=2**20,
        generator_parameters=1000,
        discriminator_parameters=900,
        least_bytes_per_step=100_000 + 400 * batch,
        working_set_bytes=50_000 + 400 * batch,
        product_dtypes=run["precision"],
        operators_per_step=250,
    )


def gradient_rows(run: Row, profile: Profile) -> list[Row]:
    """Norms K·D and K·(1 − D), 1 % of noise; reversed, the two losses change places."""
    rng, rows = rng_of(run), []
    for network, scale in (("untrained", 0.5), ("trained", 20.0)):
        for shift in np.linspace(-20, 12, 17):
            d, rest = 1 / (1 + np.exp(-shift)), 1 / (1 + np.exp(shift))
            norms = scale * np.array([d, rest]) * rng.lognormal(0, 0.01, 2)
            saturating, non_saturating = norms[::-1] if profile.reverse else norms
            rows.append(
                {
                    "network": network,
                    "shift": float(shift),
                    "d_fake": float(d),
                    "one_minus_d_fake": float(rest),
                    "saturating_gradient_norm": float(saturating),
                    "non_saturating_gradient_norm": float(non_saturating),
                    "cosine": 0.99,
                }
            )
    return rows


def samples(run: Row, t: float, rng: np.random.Generator) -> Array:
    """Samples at a fraction t of training: a moving Gaussian, modes one by one, clearing dots."""
    if run["data"] == "gaussian1d":
        return rng.normal(4 * t, 0.3 + 0.7 * t, (400, 1))
    if run["data"] == "ring":
        found = rng.integers(0, 1 + round(7 * t * SPEED.get(run["loss"], 0.5)), 128)
        spread = 0.02 + 0.3 * (1 - t)
        return np.asarray(CENTRES[found] * t + rng.normal(0, spread, (128, 2)))
    return np.asarray(t * real_digits(rng, 16) + (1 - t) * rng.uniform(-1, 1, (16, 64)))


def real_digits(rng: np.random.Generator, n: int) -> Array:
    """Rings of different radii on 8×8 pixels, from −1 to 1."""
    y, x = np.mgrid[-3.5:4.5, -3.5:4.5]
    radii = rng.uniform(1.5, 3, (n, 1, 1))
    return np.asarray(2 * np.exp(-((np.hypot(x, y) - radii) ** 2)) - 1).reshape(n, 64)


def facts(run: Row) -> Row:
    """The facts of a training run."""
    rng = np.random.default_rng(0)
    known: Row = {
        "sample_shape": SHAPES[run["data"]],
        "generator_parameters": 1000,
        "discriminator_parameters": 900,
    }
    if run["data"] == "digits":
        return {
            **known,
            "real_samples": real_digits(rng, 16).ravel().tolist(),
            "classifier_accuracy": 0.97,
        }
    real = samples({**run, "loss": "non_saturating"}, 1.0, rng)
    known["real_samples"] = real.ravel().tolist()
    if run["data"] == "ring":
        return {**known, "mode_centres": CENTRES.tolist(), "mode_sigma": 0.02}
    density = np.exp(-((GRID - 4) ** 2) / 2) / np.sqrt(2 * np.pi)
    line = {"grid": GRID.tolist(), "density_on_grid": density.tolist()}
    return {**known, "mode_centres": [[4.0]], "mode_sigma": 1.0, **line}


def metrics(run: Row, quality: float, rng: np.random.Generator) -> Row:
    """What the data allow, from quality 0 to 1."""
    if run["data"] == "digits":
        return {"fid": 300 * (1 - quality) + 5 * rng.random(), "kid": 0.2 * (1 - quality) + 0.001}
    modes = {"ring": round(8 * quality), "gaussian1d": round(quality)}[run["data"]]
    kl = 2 * (1 - quality) + 0.01 * rng.random()
    return {"modes": modes, "high_quality": quality, "kl": kl, "w1": 4 * (1 - quality) + 0.05}


def training_rows(run: Row, profile: Profile, stop: float) -> list[Row]:
    """Curves that rise with the loss's speed; D(G(z)) climbs from 10⁻³ to ½."""
    rng, rows = rng_of(run), []
    for number in range(round(profile.records * stop) + 1):
        t = number / profile.records
        quality = 1 - np.exp(-3 * t * SPEED.get(run["loss"], 0.5)) * rng.uniform(0.9, 1)
        quality = 1 - quality if profile.reverse else quality
        d = 10.0 ** (-3 + 2.7 * t)
        norms = (2 * (1 - d), 2 * d) if profile.reverse else (2 * d, 2 * (1 - d))
        row = {
            "step": number * 100,
            "seconds": number * 0.5 * rng.uniform(1, 1.02) if number else 0.0,
            "generator_loss": None if number == 0 else float(-np.log(d)),
            "discriminator_loss": None if number == 0 else 0.5,
            "generator_gradient_norm": None if number == 0 else norms[1],
            "discriminator_gradient_norm": None if number == 0 else 1.0,
            "saturating_gradient_norm": norms[0],
            "non_saturating_gradient_norm": norms[1],
            "d_real": 1 - d,
            "accuracy": 1 - d / 2,
            **{f"d_fake_q{q}": d * f for q, f in ZIP_QUANTILES},
            **metrics(run, quality, rng),
        }
        if number % 2 == 0:
            row["samples"] = samples(run, 1 - t if profile.reverse else t, rng).ravel().tolist()
        if number % 2 == 0 and run["data"] == "gaussian1d":
            row["logits_on_grid"] = (0.3 * (GRID - 4) * (1 - t)).tolist()
        rows.append(row)
    return rows


ZIP_QUANTILES = list(zip(("05", "25", "50", "75", "95"), (0.2, 0.6, 1.0, 1.4, 1.8), strict=True))


def write_run(folder: Path, run: Row, kind: str, rows: Sequence[Row], **meta: object) -> Path:
    """One run's file, as gan/store.py writes it: a column that no row has is not there."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: [row.get(name) for row in rows] for name in names}
    types = {"step": pa.int64(), "network": pa.string(), "samples": pa.list_(pa.float32())}
    types["logits_on_grid"] = pa.list_(pa.float32())
    table = pa.table({n: pa.array(v, types.get(n, pa.float64())) for n, v in columns.items()})
    cell_kind = {"training": "convergence"}.get(kind, kind)
    header = {
        "schema": 1,
        "kind": kind,
        "key": key_of(run, cell_kind),
        "run": run,
        "status": "finished",
        "message": "",
        "stopped_step": int(rows[-1].get("step", 0)) if rows else 0,
        "torch": "2.13.0",
        "machine": MACHINE["cpu"],
        "facts": facts(run) if kind == "training" else GRADIENT_FACTS,
        **meta,
    }
    path = folder / "runs" / f"{header['key']}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    table = table.replace_schema_metadata({"saddle": json.dumps(header)})
    pq.write_table(table, path, write_page_checksum=True)
    return path


GRADIENT_FACTS = {"trained_steps": 500, "batch_size": 64, "dtype": "float64"}
