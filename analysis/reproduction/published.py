"""ROWS: every published row that stands in the ledger, in the order of the report."""

from collections.abc import Mapping

from analysis.reproduction import huang2024, lin2018, mescheder2018, srivastava2017
from analysis.reproduction.row import Row

ROWS: Mapping[str, Row] = {
    **mescheder2018.ROWS,
    **lin2018.ROWS,
    **srivastava2017.ROWS,
    **huang2024.ROWS,
}
