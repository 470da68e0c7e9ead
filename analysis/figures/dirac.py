"""Phase portraits of the Dirac-GAN: every loss beside every penalty, under both update rules."""

from typing import Any

import numpy as np
import pandas as pd

from analysis.estimates import Array
from analysis.figures.dirac_drawing import draw
from analysis.figures.emphasis import rank
from analysis.figures.figure import Figure
from analysis.figures.panel import settings
from analysis.records import Records
from analysis.stability import IDENTITY, classes, trajectories
from analysis.wording import count, listing, number

GAME = ["loss", "penalty", "run.penalty_weight", "run.weight_clip"]

LEAST_MOVE = 0.02
"""Points closer than this to the last one drawn are left out."""

FIRST, LAST = 120, 60
"""Of a trajectory that is longer, so many points at its ends are drawn."""

CLASSES = ("converges", "orbits", "diverges", "stalls", "undecided")


def prepare(records: Records) -> pd.DataFrame:
    """A row per point drawn: `part` "path" (of an update rule) or "field" (an arrow's foot).

    `panel` is a loss and a `setting`, which is the penalty with its weight, the clip and whatever
    else tells runs apart. `predicted` and `measured` are the path's.
    """
    if records.dirac.empty:
        return pd.DataFrame()
    runs = named(records.runs[records.runs["kind"] == "dirac"])
    judged = classes(records)[[*IDENTITY, "updates", "predicted", "measured"]]
    paths = [
        drawn(path).assign(**{name: run[name] for name in IDENTITY}, updates=updates)
        for run, updates, path in trajectories(records)
    ]
    every = [
        pd.concat(paths).merge(judged, on=[*IDENTITY, "updates"]).assign(part="path"),
        pd.concat([field(run) for run in runs.to_dict("records")]).assign(part="field"),
    ]
    names = [*IDENTITY, "panel", "loss", "setting", "place"]
    rows = pd.concat(every, ignore_index=True).merge(runs[names], on=IDENTITY)
    ordered = rows.sort_values("place", kind="stable", ignore_index=True)
    return ordered.drop(columns="place")


def named(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs with their `setting` and `panel`, and the `place` of that in reading order."""
    given = [name for name in GAME if name in runs]
    others = settings(runs, given)
    words = runs.apply(setting_of, axis=1)
    setting = words.where(others == "", words + ", " + others)
    panel = runs["loss"] + " · " + setting
    # Without a penalty first, clipped last: of few losses there is a clipped game.
    clipped = setting.str.contains("clipped")
    order = runs.assign(rank=rank(runs["loss"]), clipped=clipped, paid=runs["penalty"] != "none")
    by = ["clipped", "paid", "penalty", *given[2:], "rank"]
    places = order.sort_values(by, kind="stable").index
    ranks = pd.Series(range(len(places)), index=places)
    return runs.assign(setting=setting, panel=panel, place=ranks)


def setting_of(run: "pd.Series[Any]") -> str:
    """The penalty and the clip of a run in words.

    >>> setting_of(pd.Series({"penalty": "r1", "run.penalty_weight": 0.3, "run.weight_clip": 0.0}))
    'r1, weight 0.3'
    >>> setting_of(pd.Series({"penalty": "none", "run.weight_clip": 0.01}))
    'ψ clipped at 0.01'
    """
    clip, weight = (run.get(f"run.{name}", 0.0) for name in ("weight_clip", "penalty_weight"))
    clipped = f"ψ clipped at {number(float(clip))}" if clip else ""
    if run["penalty"] == "none":
        return clipped or "no penalty"
    weighed = f"{run['penalty']}, weight {number(float(weight))}"
    return f"{weighed}, {clipped}" if clip else weighed


def drawn(path: pd.DataFrame) -> pd.DataFrame:
    """The points of a path that can be told apart, with their `step`; an empty row is a gap.

    Args:
        path: θ and ψ of all steps; null or infinite where they are lost.

    Returns:
        `step`, `theta` and `psi`, at most FIRST + LAST + 1 rows.
    """
    finite = path.where(np.isfinite(path)).reset_index(drop=True)
    rows = finite.rename_axis("step").reset_index().dropna()
    kept = rows.iloc[told_apart(rows[["theta", "psi"]].to_numpy())]
    if len(kept) <= FIRST + LAST:
        return kept
    gap = pd.DataFrame({"step": [np.nan], "theta": [np.nan], "psi": [np.nan]})
    return pd.concat([kept.head(FIRST), gap, kept.tail(LAST)])


def told_apart(points: Array) -> list[int]:
    """Places of points each at least LEAST_MOVE from the one kept before it; the last is kept.

    >>> told_apart(np.array([[0, 0], [0, 0.01], [0, 0.03], [0, 0.031], [0, 0.035]]))
    [0, 2, 4]
    """
    kept: list[int] = []
    for place, point in enumerate(points):
        if not kept or np.abs(point - points[kept[-1]]).max() >= LEAST_MOVE:
            kept.append(place)
    last = len(points) - 1
    return kept if not kept or kept[-1] == last else [*kept, last]


def field(run: dict[object, object]) -> pd.DataFrame:
    """The arrows of a run: feet `theta` and `psi`, directions `field_theta` and `field_psi`."""
    grid = np.asarray(run["grid"], dtype=float)
    psi, theta = np.meshgrid(grid, grid, indexing="ij")
    directions = {name: np.asarray(run[name], float) for name in ("field_theta", "field_psi")}
    identity = {name: run[name] for name in IDENTITY}
    return pd.DataFrame({"theta": theta.ravel(), "psi": psi.ravel(), **directions, **identity})


def caption(rows: pd.DataFrame) -> str:
    """How many paths of each setting converge, what the others do, and where eigenvalues err."""
    paths = rows[rows["part"] == "path"].drop_duplicates([*IDENTITY, "updates"])
    told = []
    for setting, of_setting in paths.groupby("setting", sort=False):
        n = int((of_setting["measured"] == "converges").sum())
        told.append(f"{n} of {len(of_setting)} with {setting}")
    others = paths["measured"].value_counts()
    rest = [f"{others[name]} {words}" for name, words in OTHERS.items() if name in others]
    known = paths[paths["predicted"] != "undefined"]
    off = int((known["predicted"] != known["measured"]).sum())
    starts = paths[["theta", "psi"]].drop_duplicates().map(lambda value: number(float(value)))
    places = listing([f"({theta}, {psi})" for theta, psi in starts.to_numpy()])
    return (
        f"Of {count(len(paths), 'path')} from (θ, ψ) = {places} these converge to the data: "
        f"{listing(told)}{'; ' + listing(rest) if rest else ''}. The eigenvalues at (0, 0) predict "
        f"what {len(known) - off} of {len(known)} do (a star marks the others); "
        f"{len(paths) - len(known)} have none, since the field jumps there."
    )


OTHERS = {
    "orbits": "orbit at a distance",
    "diverges": "diverge",
    "stalls": "come to rest elsewhere",
    "undecided": "are too short to tell",
}

FIGURE = Figure(
    title="The Dirac-GAN: does gradient descent converge, and do its eigenvalues say so?",
    needs="cells of the kind dirac, with their runs",
    prepare=prepare,
    draw=draw,
    caption=caption,
    most_panels=150,
)
