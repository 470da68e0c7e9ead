"""What a step costs, cell by cell: time, operations, memory, and how close it is to its bounds."""

import pandas as pd

from analysis.figures import throughput
from analysis.records import Records
from analysis.roofline import CELL, roofline
from analysis.wording import number

# Column of the figure's data -> heading and the factor to its unit.
QUANTITIES = {
    "seconds_per_step": ("ms per step", 1e3),
    "images_per_second": ("samples/s", 1.0),
    "flops_per_step": ("GFLOP per step", 1e-9),
    "achieved_flops_per_second": ("GFLOP/s", 1e-9),
    "peak_memory_bytes": ("peak MB", 1e-6),
    "generator_parameters": ("parameters of G", 1.0),
    "discriminator_parameters": ("of D", 1.0),
    "first_call_seconds": ("first call, ms", 1e3),
}
# The same of the roofline's, where the session measured its ceilings.
ATTAINED = {
    "fraction": ("% of the attainable", 1e2),
    "serial_fraction": ("% without overlap", 1e2),
}
GAME = ["device", "precision", "model", "data", "penalty", "loss", "batch_size"]
# Told where there is more than one.
SOME = ["machine", "layout", "mode", "ensemble"]


def costs(records: Records) -> pd.DataFrame:
    """A row per throughput cell, in the words of the page.

    Args:
        records: the results.

    Returns:
        Columns of text; no rows where nothing was timed.
    """
    rows = throughput.prepare(records)
    if rows.empty:
        return rows
    bounded, quantities = roofline(records), QUANTITIES
    if len(bounded):
        rows = rows.merge(bounded[[*CELL, *ATTAINED, "limit"]], on=CELL, how="left")
        quantities = QUANTITIES | ATTAINED
    rows = rows.sort_values([*SOME, *GAME])
    names = [*(name for name in SOME if len(rows[name].unique()) > 1), *GAME]
    table = {name.replace("_", " "): rows[name].astype(str) for name in names}
    for name, (heading, factor) in quantities.items():
        values = pd.to_numeric(rows[name]) * factor
        table[heading] = values.map(number)
    if len(bounded):
        table["limit"] = rows["limit"].fillna("–").astype(str)
    return pd.DataFrame(table)
