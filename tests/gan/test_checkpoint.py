"""Checkpoints: a run that goes on from one ends with the bits of a run that was never stopped."""

import hashlib
import io
import json
import pickle
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gan import atomic, checkpoint, session, store
from gan.checkpoint import Checkpoint
from gan.errors import UsageError
from gan.evaluation import Row
from gan.run import Run
from gan.sealed import seal, unseal
from gan.session import train_and_store
from gan.train import Result, train
from gan.trainer import Trainer

SMALL = Run(data="ring", batch_size=8, steps=6, records=2, evaluation_samples=40)
DIGITS = replace(SMALL, data="digits", batch_size=500, records=1)
RUNS = {
    "adam": SMALL,
    "sgd": replace(SMALL, optimiser="sgd"),
    "head start": replace(SMALL, head_start=4),
    "several updates of D": replace(SMALL, discriminator_steps=2),
    "one uniform number per sample": replace(SMALL, penalty="wgan_gp"),
    "one uniform number per element": replace(SMALL, penalty="dragan"),
    "clipped weights": replace(SMALL, loss="wasserstein"),
    "images in epochs": DIGITS,
    "stacked images": replace(DIGITS, data="stacked_digits", batch_size=8, steps=3),
    "dropout": replace(DIGITS, model="goodfellow2014", batch_size=8, steps=3),
    "batch normalisation": replace(DIGITS, model="dcgan", batch_size=8, steps=3),
    "spectral norm": replace(SMALL, model="mlp_spectral", loss="hinge"),
    "double": replace(SMALL, precision="float64"),
    "half": replace(SMALL, precision="bfloat16"),
    "one dimension": replace(SMALL, data="gaussian1d"),
    "diverging": replace(SMALL, optimiser="sgd", generator_learning_rate=1e30, steps=12),
    "diverging head start": replace(
        SMALL, head_start=8, optimiser="sgd", discriminator_learning_rate=1e30
    ),
}


@pytest.fixture
def every_moment(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Checkpoints after every update and every record, kept here in turn and on no disk."""
    written: list[bytes] = []
    monkeypatch.setattr(checkpoint, "SECONDS", 0.0)
    monkeypatch.setattr(atomic, "write", lambda _file, content: written.append(content))
    return written


def told(result: Result) -> str:
    """All that a result says but its clock, as text: nan differs from itself."""
    rows = [{**row, "seconds": 0} for row in result.rows]
    ends = (result.status, result.message, result.stopped_step, result.facts)
    return str((rows, ends, result.trace.tolist(), result.lead.tolist()))


def learned(content: bytes) -> list[bytes]:
    """Every tensor of a checkpoint: weights, moments, average, streams, data order, traces."""
    progress = unseal(content)["progress"]
    trainer = progress["trainer"]
    draws = [trainer[name] for name in ("draws", "lead_draws")]
    runs = [run for each in draws for run in each["runs"]]
    streams = [part for run in runs for part in (*run["streams"], run["data"]["order"])]
    streams += [run["data"]["rng"] for run in runs]
    streams += [torch.tensor(each["position"]) for each in draws]
    [kept] = progress["runs"]
    tensors = [*trainer["tensors"], *streams, kept["trace"], kept["lead"]]
    return [tensor.numpy().tobytes() for tensor in tensors]


@pytest.mark.parametrize("name", RUNS)
def test_going_on_at_any_moment_ends_with_the_same_bits(
    name: str, every_moment: list[bytes], tmp_path: Path
) -> None:
    """From checkpoints all over a run: its rows, traces, facts, and in the end its tensors."""
    run, file = RUNS[name], tmp_path / "run.pt"
    whole = train(run)
    assert told(train(run, checkpoint=file)) == told(whole)
    moments = list(every_moment)
    assert len(moments) >= 2
    for moment in moments[:: max(1, len(moments) // 3)]:
        file.write_bytes(moment)
        every_moment.clear()
        assert told(train(run, checkpoint=file)) == told(whole)
        if every_moment:
            assert learned(every_moment[-1]) == learned(moments[-1])


def test_the_clock_goes_on_from_where_it_was(every_moment: list[bytes], tmp_path: Path) -> None:
    """Rows of before have their seconds, later ones more; what lay between does not count."""
    file = tmp_path / "run.pt"
    first = train(SMALL, checkpoint=file)
    moment = every_moment[len(every_moment) // 2]
    [kept] = unseal(moment)["progress"]["runs"]
    file.write_bytes(moment)
    second = train(SMALL, checkpoint=file)
    rows = json.loads(kept["rows"])
    assert 0 < len(rows) < len(first.rows)
    assert str(second.rows[: len(rows)]) == str(first.rows[: len(rows)])
    assert second.rows[-1]["seconds"] > kept["seconds"] > 0


def test_rows_made_before_are_not_told_again(every_moment: list[bytes], tmp_path: Path) -> None:
    """on_resume hears the step, on_record only of new rows."""
    file = tmp_path / "run.pt"
    train(SMALL, checkpoint=file)
    file.write_bytes(every_moment[5])  # after a record at 0, 3 steps, a record, and a step
    steps: list[object] = []
    resumed: list[int] = []
    train(SMALL, None, lambda row: steps.append(row["step"]), file, resumed.append)
    assert (resumed, steps) == ([4], [6])


def test_nobody_is_told_of_a_start(tmp_path: Path) -> None:
    """Without a checkpoint, on_resume is not called."""
    resumed: list[int] = []
    train(SMALL, checkpoint=tmp_path / "none.pt", on_resume=resumed.append)
    assert resumed == []


def test_checkpoints_are_written_when_they_are_due(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Not before SECONDS have passed since the start, nor again before they have once more."""
    clock = iter([100.0, 100.0, 159.9, 160.0, 170.0, 229.9, 230.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    keeper = Checkpoint(tmp_path / "run.pt", "key")
    assert [keeper.due() for _ in range(3)] == [False, False, True]
    keeper.keep({})
    assert [keeper.due() for _ in range(2)] == [False, True]


def test_a_short_run_writes_no_checkpoint(tmp_path: Path) -> None:
    """Most runs are over before one is due."""
    train(SMALL, checkpoint=tmp_path / "checkpoints" / "run.pt")
    assert list(tmp_path.iterdir()) == []


def test_without_a_file_nothing_is_kept() -> None:
    """None: never due, nothing there, nothing to write."""
    keeper = Checkpoint(None, "key")
    keeper.keep({})
    assert not keeper.due()
    assert keeper.kept() is None


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    """In a folder that is made, in one file, without leave to run code."""
    keeper = Checkpoint(tmp_path / "deep" / "run.pt", "key")
    keeper.keep({"weights": torch.arange(3.0), "rows": "[1]", "parts": [{"seconds": 0.5}]})
    back = keeper.kept()
    assert back is not None
    assert torch.equal(back["weights"], torch.arange(3.0))
    assert (back["rows"], back["parts"]) == ("[1]", [{"seconds": 0.5}])
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["run.pt"]


def behind_a_checksum(saved: bytes) -> bytes:
    """Something that was not damaged, and yet is not what seal() was given."""
    return hashlib.sha256(saved).digest() + saved


def saved_list() -> bytes:
    """What torch saves of a list."""
    buffer = io.BytesIO()
    torch.save([1], buffer)
    return buffer.getvalue()


SEALED = seal({"key": "key", "progress": {}})


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "its checksum does not match"),
        (SEALED[:40], "its checksum does not match"),
        (SEALED[:-1], "its checksum does not match"),
        (SEALED[:99] + bytes([SEALED[99] ^ 4]) + SEALED[100:], "its checksum does not match"),
        (behind_a_checksum(b""), "not of this suite"),
        (behind_a_checksum(pickle.dumps(Path("x"), protocol=2)), "not of this suite"),
        (behind_a_checksum(saved_list()), "not of this suite"),
    ],
    ids=["empty", "cut short", "cut at the end", "a bit", "nothing", "an object", "a list"],
)
def test_a_damaged_checkpoint_is_named_and_not_used(
    content: bytes, why: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One warning, and the run starts anew."""
    file = tmp_path / "run.pt"
    file.write_bytes(content)
    assert Checkpoint(file, "key").kept() is None
    assert caplog.messages == [f"{file} is damaged ({why}): its run starts anew"]


def test_another_runs_checkpoint_is_refused(every_moment: list[bytes], tmp_path: Path) -> None:
    """Whoever named the file meant something else: nothing is trained, nothing lost."""
    file = tmp_path / "run.pt"
    train(SMALL, checkpoint=file)
    file.write_bytes(every_moment[-1])
    with pytest.raises(UsageError) as error:
        train(replace(SMALL, seed=1), checkpoint=file)
    assert str(error.value) == (
        f"{file} is the checkpoint of another run or of other code: "
        "it was left as it is; move it away"
    )
    assert file.read_bytes() == every_moment[-1]


def test_a_checkpoint_that_cannot_be_written_is_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The run itself can go on; it is tried again when the next is due."""
    (tmp_path / "file").write_text("")
    keeper = Checkpoint(tmp_path / "file" / "run.pt", "key")
    keeper.keep({})
    assert not keeper.due()
    line = f"can't write the checkpoint {tmp_path}/file/run.pt: File exists"
    assert caplog.messages == [f"{line}; the run goes on without it"]


def test_a_checkpoint_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """To begin anew would throw away what may be fine."""
    with pytest.raises(UsageError, match=r"^can't read .*: Is a directory$"):
        Checkpoint(tmp_path, "key").kept()


def test_other_data_under_the_same_run_are_refused(
    every_moment: list[bytes], tmp_path: Path
) -> None:
    """An order of other images does not fit: the data set was replaced in between."""
    file = tmp_path / "run.pt"
    train(DIGITS, checkpoint=file)
    content = unseal(every_moment[-1])
    data = content["progress"]["trainer"]["draws"]["runs"][0]["data"]
    data["order"] = data["order"][:-1]
    file.write_bytes(seal(content))
    with pytest.raises(UsageError, match="this data order is of"):
        train(DIGITS, checkpoint=file)


def test_a_trainer_takes_over_from_another() -> None:
    """state_dict and load_state_dict: the same next step, bit for bit, head start included."""
    run = replace(SMALL, penalty="dragan")
    one, other = Trainer(run), Trainer(run)
    one.lead(2)
    one.step()
    other.load_state_dict(one.state_dict())
    assert torch.equal(one.lead(1), other.lead(1))
    assert torch.equal(one.step(), other.step())


def test_the_train_command_goes_on_and_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Interrupted after its second record, the same command makes the rest, and tidies up."""

    def interrupt(row: Row) -> str:
        if row["step"] == 3:
            raise KeyboardInterrupt
        return ""

    monkeypatch.setattr(checkpoint, "SECONDS", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(session, "summary", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train_and_store(SMALL, tmp_path, None)
    (kept,) = (tmp_path / "checkpoints").iterdir()
    assert kept == store.checkpoint(tmp_path, SMALL, "training")
    capsys.readouterr()
    train_and_store(SMALL, tmp_path, None)
    printed = capsys.readouterr()
    assert "going on from step 3, where this run was interrupted" in printed.err
    assert "finished after 6 steps" in printed.out
    stored = store.read(store.path(tmp_path, SMALL, "training"))
    assert stored is not None
    assert [row["step"] for row in stored.rows] == [0, 3, 6]
    assert list((tmp_path / "checkpoints").iterdir()) == []


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_streams_of_a_gpu_go_on(every_moment: list[bytes], tmp_path: Path) -> None:
    """The same noise, and so the same losses as far as the GPU itself repeats them."""
    run, file = replace(SMALL, device="cuda", head_start=2), tmp_path / "run.pt"
    whole = train(run, checkpoint=file)
    file.write_bytes(every_moment[len(every_moment) // 2])
    torch.testing.assert_close(train(run, checkpoint=file).trace, whole.trace)
