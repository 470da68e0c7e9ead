"""Results folders at addresses: in memory, and on an S3 server of this machine."""

import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest
from fsspec import filesystem, get_filesystem_class
from fsspec.implementations.memory import MemoryFileSystem
from moto.server import ThreadedMotoServer
from typer.testing import CliRunner
from upath import UPath

from analysis.__main__ import app, main
from analysis.errors import UsageError as Refusal
from analysis.place import place as analysis_place
from analysis.place import telling as analysis_telling
from analysis.records import load
from analysis.report import replace as replace_file
from gan import atomic, checkpoint, store
from gan.__main__ import app as gan
from gan.errors import UsageError
from gan.folder import Place, mkdir, place, telling
from gan.run import Run
from gan.train import train

ROOT = Path(__file__).parents[1]
RUN = Run(data="ring", batch_size=8, steps=4, records=2, evaluation_samples=40)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """An S3 server of this module's own: its address."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """What an S3 client reads from the environment; no client of another test's server."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    get_filesystem_class("s3").clear_instance_cache()
    yield monkeypatch
    get_filesystem_class("s3").clear_instance_cache()


@pytest.fixture
def s3(server: str, credentials: pytest.MonkeyPatch) -> str:
    """An empty bucket's address."""
    credentials.setenv("AWS_ENDPOINT_URL", server)
    client = filesystem("s3")
    if client.exists("results"):
        client.rm("results", recursive=True)
    client.mkdir("results")
    return "s3://results/local"


@pytest.fixture
def memory() -> Iterator[str]:
    """An empty memory's address."""
    MemoryFileSystem.store.clear()
    yield "memory://results/local"
    MemoryFileSystem.store.clear()


@pytest.fixture(params=["memory", "s3"])
def address(request: pytest.FixtureRequest) -> str:
    """Each of them."""
    chosen: str = request.getfixturevalue(request.param)
    return chosen


def names(folder: Place) -> list[str]:
    """Every file under a folder, by its path there."""
    root = str(folder)
    return sorted(str(path).removeprefix(f"{root}/") for path in folder.rglob("*.*"))


def test_a_run_is_stored_and_read_back(address: str) -> None:
    """One object per run and nothing else, read to the same rows; what is missing is no run."""
    folder = place(address)
    store.probe(folder)
    stored = train(RUN).stored()
    file = store.write(folder, stored)
    assert names(folder) == [f"runs/{store.key(RUN, 'training')}.parquet"]
    back = store.read(file)
    assert back is not None
    assert [row["w1"] for row in back.rows] == [row["w1"] for row in stored.rows]
    assert store.read(store.path(folder, replace(RUN, seed=1), "training")) is None


def test_a_damaged_run_is_named_and_made_again(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    """As on this machine: a warning that names it, and None."""
    file = store.write(place(address), train(RUN).stored())
    file.write_bytes(file.read_bytes()[:-100])
    assert store.read(file) is None
    (line,) = caplog.messages
    assert line.startswith(f"{file} is not whole (")


def test_a_run_goes_on_from_its_checkpoint(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same trace as without interruption; storing the run removes the checkpoint."""
    folder = place(address)
    file = store.checkpoint(folder, RUN, "training")
    monkeypatch.setattr(checkpoint, "SECONDS", 0.0)

    class InterruptionError(Exception):
        """In place of a kill."""

    def interrupt(row: object) -> None:
        if len(rows) == 1:
            raise InterruptionError
        rows.append(row)

    rows: list[object] = []
    with pytest.raises(InterruptionError):
        train(RUN, on_record=interrupt, checkpoint=file)
    assert names(folder) == [f"checkpoints/{file.name}"]
    resumed: list[int] = []
    result = train(RUN, checkpoint=file, on_resume=resumed.append)
    assert resumed == [2]
    assert result.trace.tolist() == train(RUN).trace.tolist()
    store.write(folder, result.stored())
    assert names(folder) == [f"runs/{store.key(RUN, 'training')}.parquet"]


def test_a_damaged_checkpoint_is_named_and_not_used(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A warning, and the run starts anew."""
    file = store.checkpoint(place(address), RUN, "training")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"not a checkpoint")
    assert train(RUN, checkpoint=file).status == "finished"
    assert caplog.messages == [
        f"{file} is damaged (its checksum does not match): its run starts anew"
    ]


def test_analysis_reads_what_was_stored_there(address: str) -> None:
    """A folder without benchmark.json brings its runs; one damaged file is a problem, in a line."""
    folder = place(address)
    store.write(folder, train(RUN).stored())
    other = store.write(folder, train(replace(RUN, seed=1)).stored())
    whole = load([analysis_place(address)])
    assert sorted(whole.runs["seed"]) == [0, 1]
    assert len(whole.training) == 6
    other.write_bytes(b"")
    (problem,) = load([analysis_place(address)]).problems
    assert problem.startswith(f"runs/{other.name} is left out: damaged or cut off")


def test_report_of_an_address_is_written_here(
    s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command takes the address as it is, and writes where --output says."""
    monkeypatch.setattr("analysis.report.FIGURES", {})
    store.write(place(s3), train(RUN).stored())
    done = CliRunner().invoke(app, ["report", s3, "--output", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert b"ring" in (tmp_path / "report.html").read_bytes()


def test_a_report_can_be_written_there(memory: str) -> None:
    """Files are put whole, and those that an earlier report left are removed."""
    page = analysis_place(memory) / "report.html"
    replace_file(page, b"one")
    replace_file(page, b"two")
    assert page.read_bytes() == b"two"
    replace_file(page, None)
    replace_file(page, None)
    assert not page.exists()


def test_train_command_writes_there(s3: str) -> None:
    """Records and picture."""
    short = ["--data", "ring", "--steps", "2", "--records", "1", "--batch-size", "8"]
    done = CliRunner().invoke(gan, ["train", *short, "--results", s3])
    assert done.exit_code == 0, done.output
    suffixes = [Path(name).suffix for name in names(place(s3))]
    assert sorted(suffixes) == [".parquet", ".png"]


@pytest.mark.slow
def test_workers_of_a_session_write_there(s3: str) -> None:
    """Each run is an object beside benchmark.json; a second session has nothing to compute."""
    options = ["--profile", "smoke", "--kinds", "convergence", "--data", "ring", "--seeds", "0,1"]
    command = [sys.executable, "-m", "pytest", "bench/", "-p", "no:cacheprovider", *options]
    for reused in (False, True):
        done = subprocess.run(
            [*command, "--workers", "2", "--results", s3],
            cwd=ROOT,
            env={k: v for k, v in os.environ.items() if k != "PYTEST_XDIST_WORKER"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        content = json.loads((place(s3) / "benchmark.json").read_text())
        infos = [entry["extra_info"] for entry in content["benchmarks"]]
        assert [info["reused"] for info in infos] == [reused] * len(infos)
        written = [f"runs/{info['key']}.parquet" for info in infos]
        assert names(place(s3)) == sorted(["benchmark.json", *written])
        filesystem("s3").invalidate_cache()
    assert len(load([analysis_place(s3)]).runs) == len(infos) > 1


def test_the_same_address_twice_is_refused(memory: str) -> None:
    """Results count once."""
    store.write(place(memory), train(RUN).stored())
    with pytest.raises(Refusal, match="the same results as memory://results/local"):
        load([analysis_place(memory), analysis_place(memory)])


def test_an_address_without_results_is_one_line(address: str) -> None:
    """Nothing there is no crash."""
    with pytest.raises(Refusal, match="no such file or folder"):
        load([analysis_place(f"{address}/nothing")])


def test_a_server_that_does_not_answer_is_one_line_and_soon(
    credentials: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody listens at the endpoint: both programs say so instead of trying for minutes."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        credentials.setenv("AWS_ENDPOINT_URL", endpoint)
        start = time.monotonic()
        with pytest.raises(UsageError) as error:
            store.probe(place("s3://results/x"))
        assert str(error.value).startswith("can't write to s3://results/x: Could not connect")
        credentials.setattr("sys.argv", ["analysis", "report", "s3://results/x"])
        with pytest.raises(SystemExit) as ended:
            main()
        # Not a measurement: s3fs and botocore by themselves would try for some minutes.
        assert time.monotonic() - start < 60
    assert ended.value.code == 2
    printed = capsys.readouterr().err
    assert printed.startswith("error: s3://results/x: cannot be read: Could not connect")
    assert printed.count("\n") == 1


class Unsteady(BaseHTTPRequestHandler):
    """As much of S3 as a put takes; refuses the first ones with the statuses that it was given."""

    # The client waits for leave to send its content, which HTTP 1.0 does not know.
    protocol_version = "HTTP/1.1"
    refusals: ClassVar[list[int]] = []
    stored: ClassVar[list[bytes]] = []

    def do_PUT(self) -> None:
        """Refuse, or take it."""
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.refusals:
            self.answer(self.refusals.pop(0))
        else:
            self.stored.append(content)
            self.answer(200)

    def answer(self, status: int) -> None:
        """A status and nothing else."""
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def unsteady(credentials: pytest.MonkeyPatch) -> Iterator[Place]:
    """A file at an address whose server is overloaded for a moment."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Unsteady) as running:
        credentials.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{running.server_port}")
        Thread(target=running.serve_forever, daemon=True).start()
        Unsteady.stored.clear()
        yield place("s3://results/file")
        running.shutdown()


@pytest.mark.parametrize("refusals", [[500], [503, 500]])
def test_a_put_that_failed_is_tried_again(unsteady: Place, refusals: list[int]) -> None:
    """One bad moment of a server is no reason to end a session of hours."""
    Unsteady.refusals[:] = refusals
    atomic.write(unsteady, b"whole")
    assert len(Unsteady.stored) == 1
    assert b"whole" in Unsteady.stored[0]


def test_a_put_that_keeps_failing_is_given_up(unsteady: Place) -> None:
    """After the third time, in one line."""
    Unsteady.refusals[:] = [500] * 9
    with pytest.raises(UsageError) as error, telling("can't write", unsteady):
        atomic.write(unsteady, b"whole")
    assert str(error.value).startswith("can't write s3://results/file: ")
    assert "\n" not in str(error.value)
    assert (len(Unsteady.refusals), Unsteady.stored) == (6, [])


def test_a_bucket_that_does_not_exist_is_one_line(s3: str) -> None:
    """S3's own words, behind the address."""
    del s3
    with pytest.raises(UsageError, match=r"^can't write to s3://no-such-bucket/x: "):
        store.probe(place("s3://no-such-bucket/x"))
    assert not filesystem("s3").exists("no-such-bucket")


def test_a_protocol_of_neither_files_nor_buckets_has_folders(memory: str) -> None:
    """They are made where there are some."""
    deep = place(f"{memory}/a/b")
    mkdir(deep)
    assert deep.is_dir()


def test_a_bug_is_not_taken_for_an_unreadable_file() -> None:
    """On this machine only an OSError says that a file can't be read."""
    for tell in (telling("can't read", Path("x")), analysis_telling(Path("x"), "is not read")):
        with pytest.raises(ZeroDivisionError), tell:
            raise ZeroDivisionError


@pytest.mark.parametrize("make", [place, analysis_place])
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("gs://bucket/x", "gs://bucket/x: Please install gcsfs to access Google Storage"),
        ("nosuch://x", "nosuch://x: Unsupported filesystem: 'nosuch'"),
        ("s3:/bucket", "'s3:/bucket': an address has two slashes, as in s3://bucket/folder"),
    ],
)
def test_an_address_that_cannot_be_is_one_line(make: object, text: str, line: str) -> None:
    """A package that is missing is named, a protocol that nobody knows and a lost slash too."""
    with pytest.raises((UsageError, Refusal)) as error:
        make(text)  # type: ignore[operator]  # either place
    assert str(error.value) == line


def test_names_of_this_machine_are_paths() -> None:
    """Also spelled as an address; what is a place already stays the same."""
    for make in (place, analysis_place):
        assert make("results/local") == Path("results/local")
        assert make("file:///results/x") == Path("/results/x")
    assert place(Path("a")) == Path("a")
    there = UPath("memory://x/y")
    assert place(there) is there
