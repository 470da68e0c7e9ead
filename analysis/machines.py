"""What the page says of the machines that results come from."""

import re
from typing import Any

import pandas as pd

from analysis.records import Records
from analysis.wording import listing, number


def machine(row: "pd.Series[Any]") -> dict[str, str]:
    """A machine's facts under the words of the page."""
    facts = {
        "Results": row["source"],
        "Processor": f"{row['cpu']}, {row['cores']} cores, {row['affinity']} usable",
        "Threads": f"{row['threads']} per operation",
        "Memory": f"{number(row['memory_bytes'] / 2**30)} GiB",
        "GPU": row["gpu"] or "none",
        "Software": software(row),
        "Load average": f"{_or_dash(row['load_average_before'])} before, "
        f"{_or_dash(row['load_average_after'])} after",
        "Stolen CPU time": f"{_or_dash(row['steal_seconds'])} s",
        "Profile": f"{row['profile']}, {row['status']}",
        "Date": re.sub(r"\.\d+", "", row["datetime"]) or "unknown",
        "Commit": row["commit"] or "unknown",
    }
    return {name: str(value) for name, value in facts.items()}


def software(row: "pd.Series[Any]") -> str:
    """Versions, those of CUDA where there are any."""
    names = {"torch": "torch", "cuda": "CUDA", "cudnn": "cuDNN", "python": "Python"}
    told = [f"{words} {row[name]}" for name, words in names.items() if not pd.isna(row[name])]
    return ", ".join([*told, str(row["os"])])


def _or_dash(value: float | None) -> str:
    return "–" if value is None else number(value)


def runs_only(records: Records) -> dict[str, str]:
    """What run files say of the machine where no benchmark.json does."""
    if len(records.machines) or records.runs.empty:
        return {}
    names = {"Processor or GPU": "machine", "torch": "torch"}
    return {words: listing(sorted(records.runs[name].unique())) for words, name in names.items()}
