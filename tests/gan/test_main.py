"""The command line: train one run, list what there is, and every mistake in one line."""

import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gan import store
from gan.__main__ import app, run_app
from gan.data import DATASETS
from gan.games import GAMES
from gan.losses import LOSSES
from gan.metrics import METRICS
from gan.models import MODELS
from gan.penalties import PENALTIES
from gan.run import Run

SHORT = ["--steps", "4", "--records", "2", "--batch-size", "16"]


def test_list_names_everything_with_one_line_each() -> None:
    """Under each title every name has a line of its own, and words on it."""
    described: dict[str, dict[str, list[str]]] = {}
    for line in CliRunner().invoke(app, ["list"]).output.splitlines():
        if not line.startswith("  "):
            described[title := line] = {}
        else:
            described[title][line.split()[0]] = line.split()[1:]
    tables: dict[str, Collection[str]] = {
        "losses": LOSSES,
        "penalties": PENALTIES,
        "games": GAMES,
        "models": MODELS,
        "data sets": DATASETS,
    }
    assert {title: set(table) for title, table in tables.items()} == {
        title: set(names) for title, names in described.items() if title != "metrics"
    }
    assert set(METRICS) < set(described["metrics"])
    assert all(len(words) > 2 for table in described.values() for words in table.values())


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], ("non_saturating", "none", 0, 0, "mlp")),
        (["--loss", "hinge", "--penalty", "r1"], ("hinge", "r1", 5, 0, "mlp")),
        (["--game", "r3gan"], ("relativistic_pairing", "r1_r2", 5, 0, "mlp")),
        (
            ["--game", "r3gan", "--penalty-weight", "0.5"],
            ("relativistic_pairing", "r1_r2", 0.5, 0, "mlp"),
        ),
        (["--game", "wgan"], ("wasserstein", "none", 0, 0.01, "mlp")),
        (["--game", "wgan", "--weight-clip", "0.1"], ("wasserstein", "none", 0, 0.1, "mlp")),
        (["--game", "sngan"], ("hinge", "none", 0, 0, "mlp_spectral")),
        (
            ["--game", "sngan", "--model", "dcgan_spectral"],
            ("hinge", "none", 0, 0, "dcgan_spectral"),
        ),
    ],
)
def test_a_game_fills_in_its_parts(
    options: list[str], expected: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run has the game's loss, penalty and constraint; numbers may be given beside it."""
    runs: list[Run] = []
    monkeypatch.setattr("gan.session.train_and_store", lambda run, *_: runs.append(run))
    done = CliRunner().invoke(app, ["train", *options])
    assert done.exit_code == 0, done.output
    (run,) = runs
    made = (run.loss, run.penalty, run.penalty_weight, run.weight_clip, run.model)
    assert made == expected


def run_of(options: list[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """The run that these options make; it is not trained."""
    runs: list[Run] = []
    monkeypatch.setattr("gan.session.train_and_store", lambda run, *_: runs.append(run))
    done = CliRunner().invoke(app, ["train", *options])
    assert done.exit_code == 0, done.output
    (run,) = runs
    return run


def test_without_options_every_field_is_the_runs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line's defaults are Run's; it trains twice the steps."""
    assert run_of([], monkeypatch) == Run(steps=2000)


def test_every_field_of_a_run_has_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any row of a results folder can be trained again by command: no field is out of reach."""
    wanted = Run(
        loss="hinge",
        penalty="r2",
        penalty_weight=0.25,
        weight_clip=0.5,
        model="pacgan",
        data="grid",
        optimiser="sgd",
        generator_learning_rate=1e-4,
        discriminator_learning_rate=3e-4,
        momentum=0.75,
        beta1=0.8,
        beta2=0.9,
        adam_epsilon=1e-3,
        batch_size=100,
        pack=3,
        discriminator_steps=2,
        head_start=7,
        latent_dim=5,
        average_decay=0.0,
        precision="float64",
        loss_scale=8.0,
        layout="channels_last",
        mode="compile",
        ensemble=2,
        seed=4,
        steps=11,
        records=3,
        evaluation_samples=300,
    )
    fields = wanted.as_dict()
    assert all(fields[name] != value for name, value in Run().as_dict().items() if name != "device")
    fields["learning_rate"] = fields.pop("generator_learning_rate")
    options = [
        word
        for name, value in fields.items()
        for word in (f"--{name.replace('_', '-')}", str(value))
    ]
    assert run_of(options, monkeypatch) == wanted


@pytest.mark.parametrize(
    ("options", "pack"),
    [
        ([], 1),
        (["--game", "pacgan2"], 2),
        (["--game", "pacgan2", "--pack", "4"], 4),
        (["--game", "r3gan"], 1),
        (["--game", "r3gan", "--pack", "2"], 2),
    ],
)
def test_a_pack_is_the_games_unless_given(
    options: list[str], pack: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PacGAN2's is 2; any game may be packed."""
    assert run_of(options, monkeypatch).pack == pack


@pytest.mark.parametrize("rate", [0.0, 1e-3])
def test_both_players_share_a_rate_unless_the_discriminator_has_its_own(
    rate: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0 is a rate like others."""
    own = run_of(["--discriminator-learning-rate", str(rate)], monkeypatch)
    assert (own.generator_learning_rate, own.discriminator_learning_rate) == (2e-4, rate)
    shared = run_of(["--learning-rate", str(rate)], monkeypatch)
    assert (shared.generator_learning_rate, shared.discriminator_learning_rate) == (rate, rate)


@pytest.mark.parametrize("data", ["digits", "ring", "gaussian1d"])
def test_train_writes_records_and_a_picture(data: str, tmp_path: Path) -> None:
    """A run file that reads back, a PNG, and both paths on the screen."""
    done = CliRunner().invoke(app, ["train", "--data", data, *SHORT, "--results", str(tmp_path)])
    assert done.exit_code == 0, done.output
    (file,) = (tmp_path / "runs").iterdir()
    stored = store.read(file)
    assert stored is not None
    assert [row["step"] for row in stored.rows] == [0, 2, 4]
    assert (tmp_path / f"{file.stem}.png").read_bytes().startswith(b"\x89PNG")
    assert str(file) in done.output
    assert "finished after 4 steps" in done.output


def test_an_ensemble_writes_each_of_its_runs(tmp_path: Path) -> None:
    """Each is told by its seed, and no checkpoint is left."""
    options = ["train", "--data", "ring", *SHORT, "--ensemble", "2", "--seed", "3"]
    done = CliRunner().invoke(app, [*options, "--results", str(tmp_path)])
    assert done.exit_code == 0, done.output
    for seed in (2, 3):
        assert f"seed {seed}: finished after 4 steps" in done.output
        run = Run(data="ring", steps=4, records=2, batch_size=16, ensemble=2, seed=seed)
        assert store.read(store.path(tmp_path, run, "training")) is not None
    assert len(list((tmp_path / "runs").iterdir())) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--loss", "hing"], "unknown loss 'hing': choose from saturating"),
        (["--game", "gann"], "unknown game 'gann': choose from mm_gan, ns_gan"),
        (["--game", "lsgan", "--loss", "hinge"], "game lsgan has a loss of its own: leave out"),
        (["--game", "lsgan", "--penalty", "r1"], "game lsgan has a penalty of its own: leave out"),
        (["--game", "sngan", "--model", "mlp"], "model mlp does not constrain its discriminator"),
        (["--data", "cifar"], "unknown data set 'cifar': choose from gaussian1d"),
        (["--batch-size", "0"], "batch_size must be at least 1, not 0"),
        (["--steps", "1" + 20 * "0"], "steps must be below 2**53, not 100000000000000000000"),
        (["--batch-size", "5000"], "batch size 5000 is larger than the"),
        (["--pack", "0"], "pack must be at least 1, not 0"),
        (["--pack", "100"], "batch size 16 of packs of 100 is larger than the"),
        (["--pack", "3"], "1,000 evaluation samples of digits do not come out in packs of 3"),
        (["--device", "cuda:99"], "device cuda:99 is absent"),
        (["--results", "/proc/saddle"], "can't write to /proc/saddle"),
    ],
)
def test_a_users_mistake_is_one_line(
    options: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """Exit status 2 and one line on stderr; nothing is trained or written."""
    results = [] if "--results" in options else ["--results", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["gan", "train", *SHORT, *options, *results])
    with pytest.raises(SystemExit) as ended:
        run_app()
    assert ended.value.code == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(f"error: {message}")
    assert printed.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_run_whose_samples_overflow_ends_in_words(tmp_path: Path) -> None:
    """Diverged, with the records and the picture of what was before."""
    overflow = ["--optimiser", "sgd", "--learning-rate", "3e38", "--steps", "1"]
    overflow += ["--discriminator-learning-rate", "1e-3", "--results", str(tmp_path)]
    done = CliRunner().invoke(app, ["train", "--data", "gaussian1d", *overflow])
    assert done.exit_code == 0, done.output
    assert "diverged after 1 steps: a sample of G is -inf after step 1" in done.output
    assert len(list(tmp_path.glob("*.png"))) == 1


@pytest.mark.parametrize("command", ["train", "list"])
def test_without_torch_it_says_what_to_install(command: str) -> None:
    """The base installation reads results only; training says in one line what it needs."""
    code = (
        "import sys; sys.modules['torch'] = None\n"
        f"sys.argv = ['gan', {command!r}]\n"
        "from gan.__main__ import run_app; run_app()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "error: torch is not installed: pip install 'saddle-bench[bench]'\n"


def test_module_runs_as_a_program() -> None:
    """`python -m gan` without a command shows what there is."""
    done = subprocess.run(
        [sys.executable, "-m", "gan", "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "train" in done.stdout
    assert "list" in done.stdout
