"""A synthetic results folder, written from closed forms in the format of results/README.md."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from analysis.records import IDENTITY, Records, columns, load, stack
from analysis.schema import AXES
from analysis.tables import TABLES, UPDATES
from gan.verdict import verdict

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
    return re.sub(r"[^A-Za-z0-9.-]", "_", "-".join([kind, *(str(run[name]) for name in parts)]))


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


def cells_of(folder: Path, profile: Profile) -> Iterator[Row]:
    """Every cell of the profile; those of runs leave their file, too."""
    game = (profile.losses, profile.penalties, profile.models)
    for loss, penalty, model, precision, batch_size in product(
        *game, profile.precisions, profile.batch_sizes
    ):
        axes = {"loss": loss, "penalty": penalty, "model": model, "precision": precision}
        yield throughput_cell(make_run(**axes, data="digits", batch_size=batch_size), profile)
    for data in profile.data:
        run = make_run(data=data)
        write_run(folder, run, "gradients", gradient_rows(run, profile))
        yield cell(run, "gradients", [1.0])
    for (loss, penalty, model), data, seed in product(
        product(*game), profile.data, range(profile.seeds)
    ):
        run = make_run(loss=loss, penalty=penalty, model=model, data=data, seed=seed)
        ends = profile.diverged and (loss, data, seed) == (profile.losses[0], "ring", 1)
        status = {"status": "diverged", "message": "loss is nan at step 301"} if ends else {}
        write_run(
            folder, run, "training", training_rows(run, profile, 0.5 if ends else 1), **status
        )
        yield cell(run, "convergence", [3.0], reused=False, **status)
    yield from experiment_cells(folder, profile) if profile.experiments else ()


def write_session(folder: Path, profile: Profile | None = None, machine: Row | None = None) -> Path:
    """A whole results folder; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "machine_info": {"node": "example", "saddle": {**MACHINE, **(machine or {})}},
        "commit_info": {"id": "0123456789abcdef", "dirty": False},
        "benchmarks": list(cells_of(folder, profile or Profile())),
        "datetime": "2026-01-02T03:04:05+00:00",
        "version": "5.3.1",
    }
    text = json.dumps(document, ensure_ascii=True, indent=4)
    (folder / "benchmark.json").write_text(text, encoding="utf-8")
    return folder


@dataclass(frozen=True)
class Synthetic:
    """The writers, for tests that need a folder of their own."""

    folder: Path

    def session(self, name: str = "results", *, machine: Row | None = None, **profile: Any) -> Path:
        """A results folder of this name; keywords are Profile's."""
        return write_session(self.folder / name, Profile(**profile), machine)

    def edit(self, change: Callable[[Row], None], name: str = "edited", **profile: Any) -> Path:
        """The benchmark.json of a small session after a change of its document."""
        small = {"data": ("ring",), "seeds": 1, "batch_sizes": (16,), "records": 2, **profile}
        file = self.session(name, **small) / "benchmark.json"
        document = json.loads(file.read_text())
        change(document)
        file.write_text(json.dumps(document))
        return file

    def run(self, name: str = "runs_only", kind: str = "training", **meta: object) -> Path:
        """One run's file alone in its folder; keywords replace metadata entries."""
        run, profile = make_run(data="gaussian1d"), Profile(records=2)
        rows = (
            gradient_rows(run, profile) if kind == "gradients" else training_rows(run, profile, 1)
        )
        return write_run(self.folder / name, run, kind, rows, **meta)


@pytest.fixture
def synthetic(tmp_path: Path) -> Synthetic:
    """Writers into this test's own folder."""
    return Synthetic(tmp_path)


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One results folder that tests read and none changes."""
    return write_session(tmp_path_factory.mktemp("session") / "results", Profile(experiments=True))


@pytest.fixture(scope="session")
def records(results: Path) -> Records:
    """The tables of that folder."""
    return load([results])


@pytest.fixture(scope="session")
def few_records(tmp_path_factory: pytest.TempPathFactory) -> Records:
    """One seed of one loss on every kind of data."""
    few = Profile(losses=("mine",), seeds=1, records=4, batch_sizes=(16, 64), experiments=True)
    return load([write_session(tmp_path_factory.mktemp("few") / "results", few)])


@pytest.fixture(scope="session")
def reversed_records(tmp_path_factory: pytest.TempPathFactory) -> Records:
    """The tables of a session in which every trend runs the other way."""
    folder = tmp_path_factory.mktemp("reversed") / "results"
    return load([write_session(folder, Profile(reverse=True, experiments=True))])


# The experiments, again from closed forms. |dL/da| of each loss at a logit a:
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
        found = asdict(verdict(np.array(path, dtype=float), radius or np.nan))
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


# The claims ledger's: records of one kind, made run by run without files.


def records_of(kind: str, runs: Sequence[tuple[Row, str, Sequence[Row]]]) -> Records:
    """Records that hold runs of one kind alone: each its settings, its status and its rows."""
    empty = {name: stack([], columns(name)) for name in TABLES}
    ends, tables = [], []
    for number, (fields, status, rows) in enumerate(runs):
        run = make_run(**fields)
        identity = {"key": f"run{number}", "machine": MACHINE["cpu"], "status": status}
        named = {name: value for name, value in run.items() if name in AXES}
        others = {f"run.{name}": value for name, value in run.items() if name not in AXES}
        found = verdicts(rows, {}) if kind == "dirac" else {}
        ends.append({**identity, **named, **others, **found, "kind": kind})
        tables.append(pd.DataFrame([{**identity, **named, **row} for row in rows]))
    filled = [table for table in tables if len(table)]
    table = stack(filled, columns(kind)).reindex(columns=columns(kind))
    none = pd.DataFrame()
    return Records(
        throughput=none,
        cells=none,
        **{**empty, kind: table},
        runs=pd.DataFrame(ends) if ends else stack([], [*IDENTITY, "kind"]),
        machines=none,
        problems=(),
    )


@pytest.fixture(scope="session")
def made() -> Callable[..., Records]:
    """`records_of`, for tests that say themselves what was measured."""
    return records_of


EXPERIMENTAL = Profile(
    losses=("saturating", "non_saturating", "wasserstein"),
    data=("ring",),
    batch_sizes=(),
    records=4,
    diverged=False,
    experiments=True,
)


@pytest.fixture(scope="session")
def experimental(tmp_path_factory: pytest.TempPathFactory) -> Records:
    """The tables of a folder that has every experiment, two seeds of each."""
    return load([write_session(tmp_path_factory.mktemp("experimental") / "results", EXPERIMENTAL)])


@pytest.fixture(scope="session")
def reversed_experimental(tmp_path_factory: pytest.TempPathFactory) -> Records:
    """The same with every trend turned around."""
    folder = tmp_path_factory.mktemp("reversed_experimental") / "results"
    return load([write_session(folder, replace(EXPERIMENTAL, reverse=True))])
