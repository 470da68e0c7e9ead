"""What is recorded once: each difference has its line."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bench.gate import recorded
from bench.gate.__main__ import app
from bench.gate.recorded import differences, first_other_step, read
from gan.errors import UsageError

ONE: dict[str, Any] = {
    "schema": 1,
    "cells": {"ring": {"counters": {"flops_per_step": 10, "graphs": 1}, "trace": [[1.0], [2.0]]}},
}


def test_equal_records_differ_in_nothing() -> None:
    """Nor do traces that differ in rounding."""
    other = copy.deepcopy(ONE)
    other["cells"]["ring"]["trace"][1][0] = 2.0000001
    assert differences(ONE, other) == []


def test_each_difference_is_named() -> None:
    """Counters with both values, also those that came or went; the first step of a trace."""
    other = copy.deepcopy(ONE)
    other["cells"]["ring"] = {
        "counters": {"flops_per_step": 11, "kernels": 2},
        "trace": [[1.0], [2.1]],
    }
    other["cells"]["digits"] = {}
    assert differences(ONE, other) == [
        "ring: flops_per_step 10 → 11",
        "ring: graphs 1 → None",
        "ring: kernels None → 2",
        "ring: another trace from step 2 on",
        "digits: only now",
    ]
    assert differences(other, ONE)[-1] == "digits: only before"


def test_a_nan_or_a_missing_step_is_another_trace() -> None:
    """A nan is not close to anything."""
    assert first_other_step([[1.0]], [[float("nan")]]) == 1
    assert first_other_step([[1.0], [2.0]], [[1.0]]) == 2
    assert first_other_step([], []) == 0


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 1}', '{"schema": 2, "cells": {}}'])
def test_a_file_that_is_no_record_is_told(tmp_path: Path, text: str) -> None:
    """In one line."""
    file = tmp_path / "exact.json"
    file.write_text(text)
    with pytest.raises(UsageError, match="is no record of"):
        read(file)


def test_a_missing_file_says_how_to_write_it(tmp_path: Path) -> None:
    """With the command."""
    with pytest.raises(UsageError, match=r"`python -m bench\.gate record`"):
        read(tmp_path / "none.json")


def test_check_fails_on_what_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And passes what was recorded."""
    file = tmp_path / "exact.json"
    monkeypatch.setattr(recorded, "record", lambda: ONE)
    assert CliRunner().invoke(app, ["record", str(file)]).exit_code == 0
    same = CliRunner().invoke(app, ["check", str(file)])
    assert (same.exit_code, same.output) == (0, "1 cells, 0 differences\n")
    other = copy.deepcopy(ONE)
    other["cells"]["ring"]["counters"]["graphs"] = 2
    file.write_text(json.dumps(other))
    changed = CliRunner().invoke(app, ["check", str(file)])
    assert changed.exit_code == 1
    assert changed.output == "ring: graphs 2 → 1\n1 cells, 1 differences\n"
