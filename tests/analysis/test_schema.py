"""The format's tables against the document that promises it."""

import re
from pathlib import Path

import pytest

from analysis import schema, tables
from analysis.errors import UsageError

README = (Path(__file__).parents[2] / "results" / "README.md").read_text(encoding="utf-8")

FIELDS = {
    name: table
    for name, table in vars(schema).items()
    if isinstance(table, dict) and name.isupper()
}
for kind, table in tables.TABLES.items():
    FIELDS[kind] = {**table.columns, **table.some_columns, **table.facts, **table.some_facts}


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_that_is_read_is_documented(name: str) -> None:
    """A reader asks for nothing that results/README.md does not promise."""
    missing = [field for field in FIELDS[name] if not documented(field)]
    assert missing == []


def documented(field: str) -> bool:
    """Whether the format's document names a field; pytest-benchmark's own are not its matter.

    What is there once for either rule of updates, ``predicted_simultaneous`` say, is named once.
    """
    for updates in ("simultaneous", "alternating"):
        if f"`<field>_{updates}`" in README and not re.search(rf"\b{field}\b", README):
            field = field.removesuffix(f"_{updates}")
    ours = field not in {"group", "params", "extra_info", "machine_info", "benchmarks"}
    return not ours or re.search(rf"\b{field}\b", README) is not None


@pytest.mark.parametrize("kind", tables.TABLES)
def test_every_kind_is_documented(kind: str) -> None:
    """A kind of run file has its paragraph."""
    assert f"**{kind}**" in README


def test_another_schema_number_is_refused() -> None:
    """A reader that does not know a number does not guess."""
    with pytest.raises(UsageError) as error:
        schema.check_schema({"schema": 2}, "run")
    assert str(error.value) == (
        "run.schema: this version reads 1, found 2; use the version of saddle-bench that wrote it"
    )


def test_the_documented_schema_number_is_the_one_that_is_read() -> None:
    """Both parts of the format have theirs."""
    assert README.count(f"## benchmark.json (schema {schema.SCHEMA})") == 1
    assert README.count(f"## runs/<key>.parquet (schema {max(schema.RUN_SCHEMAS)})") == 1
