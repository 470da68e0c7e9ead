"""Where the files of MNIST and Fashion-MNIST are looked for, and the download."""

import hashlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gan.errors import UsageError
from gan.sources import FILES, SOURCES, locate

CONTENTS = {f"{file}.gz": f"content of {file}".encode() * 100 for file in FILES}


class Server(ThreadingHTTPServer):
    """Serves CONTENTS; may cut what it sends short, send other bytes, or know nothing."""

    cut = False
    other = False
    empty = False
    requests = 0


class Handler(BaseHTTPRequestHandler):
    """One answer."""

    server: Server

    def do_GET(self) -> None:
        """Answer with the file of that name."""
        self.server.requests += 1
        content = CONTENTS.get(self.path.rpartition("/")[2])
        if content is None or self.server.empty:
            self.send_error(404)
            return
        if self.server.other:
            content = bytes(len(content))
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if self.server.cut else content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    """A real HTTP server on this machine."""
    with Server(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache of this test's own, no system folder, no GAN_DATA, no proxy, no network."""
    monkeypatch.setenv("GAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GAN_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name, source in SOURCES.items():
        own = replace(source, system=None, url="http://127.0.0.1:9/")
        monkeypatch.setitem(SOURCES, name, own)
    return tmp_path


def serve(monkeypatch: pytest.MonkeyPatch, port: int) -> str:
    """Let mnist be downloaded from that port."""
    url = f"http://127.0.0.1:{port}/mnist/"
    first, second, third, fourth = (
        hashlib.sha256(content).hexdigest() for content in CONTENTS.values()
    )
    checksums = (first, second, third, fourth)
    monkeypatch.setitem(SOURCES, "mnist", replace(SOURCES["mnist"], url=url, checksums=checksums))
    return url


def filled(folder: Path, suffix: str = ".gz") -> Path:
    """A folder with the four files, empty."""
    folder.mkdir(parents=True)
    for file in FILES:
        (folder / f"{file}{suffix}").touch()
    return folder


def files_in(folder: Path) -> list[Path]:
    """All files below a folder."""
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("name", "subfolder"),
    [
        ("mnist", "."),
        ("mnist", "mnist"),
        ("mnist", "MNIST/raw"),
        ("fashion_mnist", "."),
        ("fashion_mnist", "fashion_mnist"),
        ("fashion_mnist", "fashion-mnist"),
        ("fashion_mnist", "FashionMNIST/raw"),
    ],
)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_finds_files_in_the_named_folder(
    tmp_path: Path, name: str, subfolder: str, suffix: str
) -> None:
    """Directly or in the set's own subfolder, gzipped or not, in the order of FILES."""
    folder = filled(tmp_path / "data" / subfolder, suffix)
    assert locate(name, tmp_path / "data") == [folder / f"{file}{suffix}" for file in FILES]


def test_the_sets_own_subfolder_goes_first(tmp_path: Path) -> None:
    """Files that lie beside the set's subfolder may be another set's."""
    filled(tmp_path / "data")
    own = filled(tmp_path / "data" / "mnist")
    assert {path.parent for path in locate("mnist", tmp_path / "data")} == {own}


def test_an_argument_wins_over_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """data_dir, then GAN_DATA."""
    argument, environment = filled(tmp_path / "argument"), filled(tmp_path / "environment")
    monkeypatch.setenv("GAN_DATA", str(environment))
    assert locate("mnist", argument)[0].parent == argument
    assert locate("mnist", None)[0].parent == environment


def test_the_environment_wins_over_the_system(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """GAN_DATA, then the system's folder; an empty GAN_DATA is none."""
    environment, system = filled(tmp_path / "environment"), filled(tmp_path / "system")
    source = replace(SOURCES["fashion_mnist"], system=system)
    monkeypatch.setitem(SOURCES, "fashion_mnist", source)
    monkeypatch.setenv("GAN_DATA", str(environment))
    assert locate("fashion_mnist", None)[0].parent == environment
    monkeypatch.setenv("GAN_DATA", "")
    assert locate("fashion_mnist", None)[0].parent == system


def test_goes_on_when_the_environment_has_another_set_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """GAN_DATA may hold one set and leave the other to the system."""
    filled(tmp_path / "data" / "mnist")
    system = filled(tmp_path / "system")
    source = replace(SOURCES["fashion_mnist"], system=system)
    monkeypatch.setitem(SOURCES, "fashion_mnist", source)
    monkeypatch.setenv("GAN_DATA", str(tmp_path / "data"))
    assert locate("fashion_mnist", None)[0].parent == system


def test_does_not_go_on_when_the_argument_has_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A folder the user named must have the files, whatever lies elsewhere."""
    monkeypatch.setenv("GAN_DATA", str(filled(tmp_path / "environment")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError) as error:
        locate("mnist", tmp_path / "empty")
    assert str(error.value) == (
        f"no train-images-idx3-ubyte or train-images-idx3-ubyte.gz in {tmp_path / 'empty'}, "
        "nor in mnist/, MNIST/raw/ there"
    )


@pytest.mark.parametrize("missing", FILES)
@pytest.mark.parametrize("by_environment", [False, True])
def test_names_the_file_that_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, missing: str, *, by_environment: bool
) -> None:
    """Some but not all of the files is a mistake, never completed from elsewhere."""
    folder = filled(tmp_path / "data")
    (folder / f"{missing}.gz").unlink()
    if by_environment:
        monkeypatch.setenv("GAN_DATA", str(folder))
    with pytest.raises(UsageError) as error:
        locate("mnist", None if by_environment else folder)
    assert str(error.value) == (
        f"no {missing} or {missing}.gz in {folder}: all of {', '.join(FILES)} are needed"
    )


@pytest.mark.parametrize("by_environment", [False, True])
def test_says_that_the_named_folder_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, by_environment: bool
) -> None:
    """A mistyped folder is an error, not a reason to look elsewhere."""
    nowhere = tmp_path / "nowhere"
    if by_environment:
        monkeypatch.setenv("GAN_DATA", str(nowhere))
    with pytest.raises(UsageError) as error:
        locate("mnist", None if by_environment else nowhere)
    origin = "GAN_DATA" if by_environment else "the data folder"
    assert str(error.value) == f"{origin} is {nowhere}: no such folder"


def test_downloads_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: Server) -> None:
    """The four files come into the cache and are not asked for again."""
    serve(monkeypatch, server.server_port)
    first = locate("mnist", None)
    assert first == [tmp_path / "cache" / "mnist" / name for name in CONTENTS]
    assert [path.read_bytes() for path in first] == list(CONTENTS.values())
    assert locate("mnist", None) == first
    assert server.requests == 4


def test_downloads_again_what_was_damaged(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: Server
) -> None:
    """The checksum is of the file in the cache, not of the download alone."""
    serve(monkeypatch, server.server_port)
    damaged = locate("mnist", None)[0]
    damaged.write_bytes(b"damaged")
    assert locate("mnist", None)[0].read_bytes() == CONTENTS[damaged.name]
    assert server.requests == 5


def test_keeps_nothing_of_a_wrong_checksum(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: Server
) -> None:
    """Other bytes than expected are refused in one line and leave no file."""
    url = serve(monkeypatch, server.server_port)
    server.other = True
    with pytest.raises(UsageError) as error:
        locate("mnist", None)
    folder = tmp_path / "cache" / "mnist"
    file = "train-images-idx3-ubyte.gz"
    assert str(error.value) == (
        f"{url}{file} does not have the checksum {SOURCES['mnist'].checksums[0]}: nothing was "
        f"kept; put {file} at {folder / file} or set GAN_DATA to a folder that holds it"
    )
    assert files_in(tmp_path) == []


def test_keeps_nothing_of_an_interrupted_transfer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: Server
) -> None:
    """Half a file is refused in one line and leaves no file."""
    url = serve(monkeypatch, server.server_port)
    server.cut = True
    with pytest.raises(UsageError) as error:
        locate("mnist", None)
    message = str(error.value)
    assert message.startswith(f"{url}train-images-idx3-ubyte.gz failed to download (")
    assert "or set GAN_DATA to a folder that holds it" in message
    assert "\n" not in message
    assert files_in(tmp_path) == []


def test_says_that_the_server_has_no_such_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: Server
) -> None:
    """A 404 is not called being offline."""
    url = serve(monkeypatch, server.server_port)
    server.empty = True
    with pytest.raises(UsageError, match=rf"^{url}train-images.*\(404 Client Error: Not Found"):
        locate("mnist", None)
    assert files_in(tmp_path) == []


def test_says_that_it_is_offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A refused connection becomes one line that says where to put which file."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    url = serve(monkeypatch, port)
    with pytest.raises(UsageError) as error:
        locate("mnist", None)
    file = "train-images-idx3-ubyte.gz"
    assert str(error.value) == (
        f"offline ({url} cannot be reached): put {file} at {tmp_path / 'cache' / 'mnist' / file} "
        "or set GAN_DATA to a folder that holds it"
    )
    assert files_in(tmp_path) == []


def test_says_that_the_cache_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: Server
) -> None:
    """A file where the cache should be is told with the remedy."""
    serve(monkeypatch, server.server_port)
    (tmp_path / "cache").touch()
    with pytest.raises(UsageError) as error:
        locate("mnist", None)
    message = str(error.value)
    assert message.startswith(f"cannot write to the cache folder {tmp_path / 'cache' / 'mnist'} (")
    assert message.endswith("): set GAN_CACHE to a folder that can be written")
