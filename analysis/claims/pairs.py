"""Both losses' gradients of one sample at one logit, side by side: what Eq. 3 and 4 compare."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis.records import Records
from analysis.theory import PAIR, TOLERANCES

SMALLEST_NORMAL = float(np.finfo(np.float32).smallest_normal)

MARGIN = 1e6
"""A norm this far above the smallest normal number is representable. Its components span decades:
those below 10⁻⁶ of the norm may lose their digits then, and change the norm by less than the
tolerance; with less margin those that make up the norm would lose theirs."""

STATE = ["key", "machine", "network", "dtype"]

PLACES = ["to_probability", "to_logit", "to_sample", "to_parameters"]


def pairs(records: Records) -> pd.DataFrame:
    """Both losses' gradients at one logit of one state, in a row.

    Args:
        records: the results.

    Returns:
        Of finished runs in the formats of TOLERANCES: STATE, `logit`, `d_fake`,
        `one_minus_d_fake`, `ratio_error`, `parameter_error`, `<place>_saturating`,
        `<place>_non_saturating`, and `representable`: no gradient lost, no norm too small.
    """
    rows = records.per_sample
    rows = rows[(rows["status"] == "finished") & rows["dtype"].isin(list(TOLERANCES))]
    gradients = [*STATE, "logit", *PLACES, "lost"]
    errors = ["d_fake", "one_minus_d_fake", "ratio_error", "parameter_error"]
    saturating = rows.loc[rows["gradient_of"] == "saturating", gradients]
    other = rows.loc[rows["gradient_of"] == "non_saturating", [*gradients, *errors]]
    both = saturating.merge(
        other, on=[*STATE, "logit"], suffixes=("_saturating", "_non_saturating")
    )
    norms = both[[f"{place}_{loss}" for place in PLACES[1:] for loss in PAIR]]
    wide = both["dtype"] == "float64"
    large = (norms >= MARGIN * SMALLEST_NORMAL).all(axis=1) | wide
    lost = both[[f"lost_{loss}" for loss in PAIR]].max(axis=1)
    return both.assign(representable=large & ((lost == 0) | wide))


def formats(both: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of each format that has some, the widest first."""
    for dtype in TOLERANCES:
        rows = both[both["dtype"] == dtype]
        if len(rows):
            yield dtype, rows
