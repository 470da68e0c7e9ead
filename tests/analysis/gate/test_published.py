"""What docs/gate-validation.md says is what its data say."""

from pathlib import Path

import pandas as pd

from analysis import history
from analysis.gate.lines import lines
from analysis.gate.pairs import CANARY
from analysis.gate.power import replayed, table
from analysis.gate.power_figure import caption
from analysis.gate.rates import markdown

ROOT = Path(__file__).parents[3]
FOLDERS = sorted((ROOT / "results" / "reference").glob("*-gate"))


def test_the_pages_tables_are_those_of_the_data() -> None:
    """Of every folder of a machine."""
    page = (ROOT / "docs" / "gate-validation.md").read_text()
    assert FOLDERS
    for folder in FOLDERS:
        assert markdown(lines(folder / "validation.jsonl")) in page


def test_todays_rules_say_the_same_of_all_recorded_pairs() -> None:
    """Whatever became of the gate since: what the page counts is what it would call."""
    for folder in FOLDERS:
        for line in lines(folder / "validation.jsonl"):
            told = {name: cell["verdict"] for name, cell in line["cells"].items() if name != CANARY}
            assert replayed(line, line["minutes"]) == told


def test_the_pages_figure_is_that_of_the_data() -> None:
    """Its rows and its caption."""
    page = (ROOT / "docs" / "gate-validation.md").read_text()
    for folder in FOLDERS:
        drawn = pd.read_csv(folder / "power.csv")
        rows = table(lines(folder / "validation.jsonl"), drawn["minutes"].unique().tolist())
        pd.testing.assert_frame_equal(drawn, rows, check_dtype=False, rtol=1e-5)
        assert (folder / "power.txt").read_text().strip() == caption(rows)
        assert f"results/reference/{folder.name}/power.png)\n\n{caption(rows)}\n" in page


def test_unchanged_runs_are_in_the_history() -> None:
    """Each with all of its cells."""
    for folder in FOLDERS:
        unchanged = [x for x in lines(folder / "validation.jsonl") if x["slowdown"] == 0]
        rows = history.read(folder / "history.jsonl").rows
        assert len(rows) == sum(len(line["cells"]) - 1 for line in unchanged)
