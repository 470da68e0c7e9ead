"""The page: self-contained, escaped, the same every time, and written whole or not at all."""

import base64
import io
import json
import shutil
from dataclasses import replace as changed
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.claims import CLAIMS
from analysis.claims.ledger import as_json, ledger, tally
from analysis.claims.wording import VERDICTS, line
from analysis.errors import UsageError
from analysis.figures import FIGURES
from analysis.page import download
from analysis.records import Records, load
from analysis.report import Report, replace, report
from analysis.summary import summary
from analysis.wording import number


class Page(HTMLParser):
    """What a page links to, shows and says."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.said: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag; void elements are not opened."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in {"meta", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Tags close in the order in which they were opened."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note the text outside style sheets."""
        if self.open and self.open[-1] != "style":
            self.said.append(data)

    @property
    def text(self) -> str:
        """All that the page says."""
        return " ".join(" ".join(self.said).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        """The attributes of every element of a kind."""
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the report of the shared session is written."""
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def done(results: Path, output: Path) -> Report:
    """That report."""
    return report([results], output)


@pytest.fixture(scope="module")
def page(done: Report) -> Page:
    """Its page, parsed."""
    return Page(done.page.read_text(encoding="utf-8"))


def test_every_figure_is_written_three_times(done: Report, output: Path) -> None:
    """As SVG, PNG and CSV; beside the page."""
    files = {file.name for file in (output / "figures").iterdir()}
    assert files == {f"{name}.{suffix}" for name in FIGURES for suffix in ("svg", "png", "csv")}
    assert done.page == output / "report.html"
    assert done.drawn == tuple(FIGURES)
    assert (done.not_drawn, done.problems) == ((), ())


def test_the_page_needs_nothing_but_itself(page: Page) -> None:
    """Every address is a data: URI or a place in the page; there are no scripts."""
    addresses = [
        attributes[name]
        for _, attributes in page.tags
        for name in ("src", "href", "action", "data", "poster", "srcset")
        if name in attributes
    ]
    assert len(addresses) > 2 * len(FIGURES)
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.tags}


def test_the_page_is_well_formed(page: Page) -> None:
    """Every element is closed."""
    assert page.open == []


def test_the_page_forbids_itself_to_load_anything(page: Page) -> None:
    """What escaping might miss, the browser refuses."""
    policies = [m["content"] for m in page.all("meta") if "http-equiv" in m]
    assert policies == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


def test_every_picture_says_in_words_what_it_shows(page: Page) -> None:
    """Its title and its caption."""
    pictures = page.all("img")
    assert len(pictures) == len(FIGURES)
    for picture, figure in zip(pictures, FIGURES.values(), strict=True):
        assert picture["alt"].startswith(f"{figure.title}. ")
        caption = picture["alt"].removeprefix(f"{figure.title}. ")
        assert " ".join(caption.split()) in page.text


def test_pictures_in_the_page_are_those_of_the_files(page: Page, output: Path) -> None:
    """Byte for byte."""
    for picture, name in zip(page.all("img"), FIGURES, strict=True):
        kind, _, data = picture["src"].partition(";base64,")
        assert kind == "data:image/svg+xml"
        assert base64.b64decode(data) == (output / "figures" / f"{name}.svg").read_bytes()


def test_data_can_be_taken_from_the_page(page: Page, output: Path, results: Path) -> None:
    """The CSV of every figure, and the benchmark.json as it was read."""
    links = {a["download"]: a["href"] for a in page.all("a") if "download" in a}
    assert set(links) == {*(f"{name}.csv" for name in FIGURES), "benchmark.json"}
    for name, address in links.items():
        file = results / name if name == "benchmark.json" else output / "figures" / name
        assert base64.b64decode(address.partition(";base64,")[2]) == file.read_bytes()


def test_large_data_are_held_compressed_and_are_the_same() -> None:
    """pandas reads them by their name; the same data give the same address."""
    rows = pd.DataFrame({"step": range(200_000)})
    data = rows.to_csv(index=False).encode()
    name, address = download("steps.csv", data, "text/csv")
    assert (name, address) == download("steps.csv", data, "text/csv")
    assert name == "steps.csv.gz"
    kind, _, held = address.partition(";base64,")
    assert kind == "data:application/gzip"
    taken = pd.read_csv(io.BytesIO(base64.b64decode(held)), compression="gzip")
    pd.testing.assert_frame_equal(taken, rows)


def test_very_large_data_stay_beside_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of hundreds of megabytes opens nowhere; what has no file of its own is held."""
    monkeypatch.setattr("analysis.page.LARGEST_HELD", 600_000)
    data = b"x" * 600_001
    assert download("a.csv", data, "text/csv", "figures") == ("a.csv", "figures/a.csv")
    assert download("a.csv", data, "text/csv")[0] == "a.csv.gz"
    assert download("a.csv", data[:-1], "text/csv", "figures")[0] == "a.csv.gz"


def test_the_page_begins_with_what_it_is(page: Page) -> None:
    """Counts, kinds, statuses, losses, data, machine and date, from the records."""
    assert "What Saddle measured on 2026-01-02 on Example CPU:" in page.text
    assert (
        "76 cells (16 of head_start, 12 of convergence, 12 of batches, 5 of throughput, 4 of "
        "dirac, 4 of spectrum, 4 of overtrained, 4 of counterfactual, 4 of overhead, 3 of "
        "gradients, 2 of numerics, 2 of per_sample, 2 of optimum and 2 of peers; 75 finished, 1 "
        "diverged) of the losses non_saturating and saturating on digits, gaussian1d and ring; 65 "
        "stored runs." in page.text
    )


def test_the_page_states_the_machine(page: Page) -> None:
    """In the words of a reader."""
    for words in (
        "Example CPU, 4 cores, 2 usable",
        "2 per operation",
        "8 GiB",
        "torch 2.13.0, Python 3.11.4, Linux 6.1",
        "0.5 before, 1.25 after",
        "quick, finished",
        "2026-01-02T03:04:05+00:00",
        "0123456789abcdef",
    ):
        assert words in page.text


def test_the_page_says_how_to_make_it_again(page: Page) -> None:
    """The session's own command line, and the report's."""
    assert (
        "python -m pytest bench/ --profile quick --results 'my results' "
        "python -m analysis report results/results" in page.text
    )


def test_a_session_that_did_not_say_its_command_line_is_told_by_its_profile(synthetic: Any) -> None:
    """Results from before the field was added."""

    def change(document: dict[str, Any]) -> None:
        del document["machine_info"]["saddle"]["arguments"]

    file = synthetic.edit(change, data=())
    text = Page(report([file]).page.read_text(encoding="utf-8")).text
    assert (
        "python -m pytest bench/ --profile quick python -m analysis report results/edited" in text
    )


def test_a_report_is_the_same_every_time(results: Path, output: Path, done: Report) -> None:
    """Byte for byte, wherever it is written."""
    again = report([results], output / "again")
    assert again.page.read_bytes() == done.page.read_bytes()
    for file in (output / "figures").iterdir():
        assert (output / "again" / "figures" / file.name).read_bytes() == file.read_bytes()


def test_a_report_is_the_same_from_several_processes(
    synthetic: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte for byte: reading, resampling, claims and every figure."""
    folder = synthetic.session(data=("ring",), seeds=9, records=3, diverged=False)
    names = ("metric_steps", "final_metric", "metric_seconds", "throughput", "spectrum")
    monkeypatch.setattr("analysis.report.FIGURES", {name: FIGURES[name] for name in names})
    here, there = synthetic.folder / "one", synthetic.folder / "two"
    one = report([folder], here)
    for place in ("records", "report", "figures.metric_curve"):
        monkeypatch.setattr(f"analysis.{place}.cores", lambda: 2)
    monkeypatch.setattr("analysis.records.MANY", 1)
    monkeypatch.setattr("analysis.report.MANY", 1)
    monkeypatch.setattr("analysis.figures.metric_curve.MANY_ROWS", 1)
    two = report([folder], there)
    files = [file for file in here.rglob("*") if file.is_file()]
    assert one.drawn == names[:-1]
    assert len(files) == 3 + 3 * len(one.drawn)
    for file in files:
        assert (there / file.relative_to(here)).read_bytes() == file.read_bytes()
    assert (two.drawn, two.not_drawn, two.problems) == (one.drawn, one.not_drawn, one.problems)


@pytest.mark.parametrize("processes", [1, 2])
def test_what_goes_wrong_in_a_figure_is_told_from_any_process(
    synthetic: Any, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    """As it was raised; no page is written."""

    def prepare(records: Records) -> pd.DataFrame:
        raise UsageError(f"{len(records.cells)} cells are too many")

    broken = changed(FIGURES["throughput"], prepare=prepare)
    monkeypatch.setattr("analysis.report.FIGURES", {"throughput": broken})
    monkeypatch.setattr("analysis.report.cores", lambda: processes)
    monkeypatch.setattr("analysis.report.MANY", 1)
    folder = synthetic.session(data=(), losses=("hinge",), batch_sizes=(16,))
    with pytest.raises(UsageError, match=r"^1 cells are too many$"):
        report([folder])
    assert not (folder / "report.html").exists()


def test_names_from_results_are_text_and_never_mark_up(synthetic: Any) -> None:
    """In the statement, tables, captions, alternative texts, commands and problems."""
    attack = "<img src=http://evil.example onerror=alert(1)>\"'&"
    machine = {"cpu": attack, "os": attack, "profile": f"{attack}; rm -rf ~", "gpu": attack}
    folder = synthetic.session(
        losses=(f"loss{attack}",),
        penalties=(f"penalty{attack}",),
        models=(f"model{attack}",),
        data=("ring",),
        seeds=1,
        records=2,
        machine=machine,
    )
    (folder / "runs" / "damaged.parquet").write_bytes(b"<script>alert(1)</script>")
    done = report([folder])
    text = done.page.read_text(encoding="utf-8")
    page = Page(text)
    assert attack in page.text
    assert len(page.all("img")) == len(done.drawn)
    assert not page.all("script")
    assert "onerror" not in {name for _, attributes in page.tags for name in attributes}
    assert all(picture["src"].startswith("data:") for picture in page.all("img"))
    assert "evil.example" not in "".join(a.get("href", "") for a in page.all("a"))


def test_a_report_lies_beside_its_results_unless_told_otherwise(synthetic: Any) -> None:
    """A folder's in the folder, a file's beside the file."""
    folder = synthetic.session(data=(), batch_sizes=(16,))
    assert report([folder]).page == folder / "report.html"
    (folder / "report.html").unlink()
    assert report([folder / "benchmark.json"]).page == folder / "report.html"


def test_figures_that_lack_their_data_say_so_and_leave_no_old_files(synthetic: Any) -> None:
    """A picture of an earlier report would pass for one of this."""
    folder = synthetic.session(data=(), batch_sizes=(16,))
    stale = folder / "figures" / "metric_steps.svg"
    stale.parent.mkdir()
    stale.write_text("old", encoding="utf-8")
    kept = folder / "figures" / "notes.txt"
    kept.write_text("mine", encoding="utf-8")
    done = report([folder])
    assert done.drawn == ("generator_cost", "throughput", "roofline")
    line = "metric_steps: not drawn: it needs convergence cells, with their runs"
    assert line in done.not_drawn
    assert line in Page(done.page.read_text(encoding="utf-8")).text
    assert not stale.exists()
    assert kept.exists()


def test_a_session_that_was_interrupted_is_reported_with_a_warning(synthetic: Any) -> None:
    """What finished is shown."""
    folder = synthetic.session(data=(), batch_sizes=(16,), machine={"status": "interrupted"})
    text = Page(report([folder]).page.read_text(encoding="utf-8")).text
    assert "Interrupted before its end: results. Shown is what was finished." in text


def test_a_session_that_was_killed_is_reported_from_its_runs(synthetic: Any) -> None:
    """Without a benchmark.json; a damaged run among them is a problem on the page."""
    path = synthetic.run(name="killed")
    (path.parent / "half.parquet").write_bytes(path.read_bytes()[:1000])
    done = report([path.parent.parent])
    text = Page(done.page.read_text(encoding="utf-8")).text
    assert "No benchmark.json was left: the session was killed." in text
    assert "Processor or GPU Example CPU torch 2.13.0" in text
    assert "1 file could not be read: see problems ." in text
    assert "runs/half.parquet is left out: damaged or cut off:" in text
    assert "python -m analysis report FOLDER" in text


def test_several_results_make_one_report(synthetic: Any) -> None:
    """Where it is to be written has to be said."""
    one = synthetic.session("one", data=(), batch_sizes=(16,))
    two = synthetic.session("two", data=(), batch_sizes=(16,), machine={"cpu": "Other CPU"})
    with pytest.raises(UsageError, match=r"^several results make one report: say where with --out"):
        report([one, two])
    done = report([one, two], synthetic.folder / "both")
    page = Page(done.page.read_text(encoding="utf-8"))
    assert "Machines" in page.text
    names = {a["download"] for a in page.all("a") if "download" in a}
    assert {"benchmark1.json", "benchmark2.json"} <= names


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/none"])
def test_a_folder_that_cannot_be_written_is_told_before_any_work(
    synthetic: Any, place: str
) -> None:
    """In one line that names it."""
    folder = synthetic.session(data=(), batch_sizes=(16,))
    (synthetic.folder / "file").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match=r"figures: cannot be written: \w+"):
        report([folder], synthetic.folder / place)


def test_a_file_that_cannot_be_replaced_stays_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """The old page is better than half a new one."""
    target = tmp_path / "report.html"
    target.mkdir()
    with pytest.raises(UsageError, match=r"report\.html: cannot be written: Is a directory"):
        replace(target, b"new")
    assert list(tmp_path.iterdir()) == [target]


def test_a_figure_of_very_many_shapes_is_shown_in_pixels(
    synthetic: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page stays light; the SVG lies beside it."""
    monkeypatch.setattr("analysis.page.LARGEST_SVG", 10)
    done = report([synthetic.session(data=(), batch_sizes=(16,))])
    pictures = Page(done.page.read_text(encoding="utf-8")).all("img")
    assert all(picture["src"].startswith("data:image/png;base64,") for picture in pictures)


def test_the_summary_has_a_table_for_each_data_set(results: Path) -> None:
    """A row per game, its metrics alone, and its fastest cell."""
    tables = summary(load([results]))
    assert list(tables) == ["digits", "gaussian1d", "ring"]
    assert list(tables["ring"]) == [
        "Loss",
        "Penalty",
        "Model",
        "Seeds",
        "Runs",
        "Diverged",
        "modes",
        "high quality",
        "KL (nats)",
        "W₁",
    ]
    other, saturating = tables["ring"].to_dict("records")
    assert saturating["Runs"] == "1 finished, 1 diverged"
    assert [other[name] for name in ("Seeds", "Runs", "modes")] == ["2", "2 finished", "8"]
    fastest = dict(zip(tables["digits"]["Loss"], tables["digits"]["at"], strict=True))
    assert fastest == {
        "non_saturating": "batch 64, float32, cpu, compile",
        "saturating": "batch 64, float32, cpu",
    }


def test_the_summary_tells_settings_apart_that_share_a_game(synthetic: Any) -> None:
    """Two batch sizes of one game are two rows, not one mean."""
    folder = synthetic.session(data=("ring",), losses=("hinge",), batch_sizes=(), records=2)
    document = json.loads((folder / "benchmark.json").read_text(encoding="utf-8"))
    for cell in document["benchmarks"]:
        cell["extra_info"]["run"]["batch_size"] += cell["extra_info"]["run"]["seed"]
    (folder / "benchmark.json").write_text(json.dumps(document), encoding="utf-8")
    assert summary(load([folder]))["ring"]["Also"].tolist() == ["batch 64", "batch 65"]


def test_the_fastest_cell_is_one_cell(synthetic: Any) -> None:
    """Compiled, not the median of it and the eager one; what is not as usual is told."""

    def change(document: dict[str, Any]) -> None:
        usual, fast = document["benchmarks"][:2]
        for one, mode in ((usual, "eager"), (fast, "compile")):
            one["extra_info"]["run"].update(mode=mode, batch_size=64)
            one["extra_info"]["key"] += mode
        fast["stats"]["data"] = [seconds / 4 for seconds in usual["stats"]["data"]]

    folder = synthetic.edit(change, losses=("hinge",), data=("ring",), batch_sizes=(16, 64))
    records = load([folder])
    (row,) = summary(records)["digits"].to_dict("records")
    timed = records.throughput.groupby("mode")["images_per_second"].median()
    assert timed["compile"] == pytest.approx(4 * timed["eager"])
    assert row["Most samples/s"] == number(timed["compile"])
    assert row["at"] == "batch 64, float32, cpu, compile"


def test_means_of_eight_seeds_have_bounds_in_the_summary(synthetic: Any) -> None:
    """From 8 on, as everywhere."""
    folder = synthetic.session(
        data=("ring",), losses=("hinge",), seeds=8, records=2, batch_sizes=(), diverged=False
    )
    (row,) = summary(load([folder]))["ring"].to_dict("records")
    assert row["W₁"].count("[") == 1


def test_a_cell_that_never_ran_is_in_the_summary_by_its_status(synthetic: Any) -> None:
    """Out of memory in training, with neither metrics nor a file."""
    folder = synthetic.session(data=("ring",), losses=("hinge",), seeds=1, batch_sizes=())
    shutil.rmtree(folder / "runs")
    file = folder / "benchmark.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    for cell in document["benchmarks"]:
        cell["extra_info"].update(status="out_of_memory", message="too large")
    file.write_text(json.dumps(document), encoding="utf-8")
    assert summary(load([file]))["ring"]["Runs"].tolist() == ["1 out of memory"]


def test_the_ledger_stands_before_everything_else(page: Page, records: Records) -> None:
    """Directly after the statement: every claim, its verdict in words, and what was measured."""
    assert next(attributes["id"] for attributes in page.all("section")) == "claims"
    rows = [row["id"] for row in page.all("tr") if row.get("id", "").startswith("claim-")]
    assert rows == [f"claim-{name}" for name in CLAIMS]
    entries = ledger(records)
    assert tally(entries) in page.text
    for entry in entries:
        claim = entry.claim
        for words in (claim.statement, entry.verdict, claim.criterion, claim.source):
            assert " ".join(words.split()) in page.text
        assert all(" ".join(line(found).split()) in page.text for found in entry.findings)


def test_many_conditions_are_folded_away(page: Page, records: Records) -> None:
    """More than two of one claim."""
    many = [entry for entry in ledger(records) if len(entry.findings) > 2]
    assert many
    assert page.text.count(" conditions ") >= len(many)
    styles = {cell["class"] for cell in page.all("td") if "verdict" in cell.get("class", "")}
    assert styles <= {f"verdict {style.name}" for style in VERDICTS.values()}
    assert "verdict unmeasured" in styles


def test_the_ledger_lies_beside_the_page(done: Report, records: Records) -> None:
    """As JSON, with the numbers."""
    written = (done.page.parent / "claims.json").read_bytes()
    assert written == as_json(ledger(records))
