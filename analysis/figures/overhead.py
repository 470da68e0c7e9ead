"""What measuring costs: each quantity in units of its goal."""

import pandas as pd
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from analysis.estimates import median_interval
from analysis.figures.figure import Figure
from analysis.figures.panel import legend, log_axis, plain, small_multiples
from analysis.records import Records
from analysis.wording import count, listing, number, percent

BOUNDS = ["value", "low", "high", "confidence", "repetitions"]

MET, MISSED = "#0072b2", "#d55e00"


def prepare(records: Records) -> pd.DataFrame:
    """The median of every quantity, its interval where repetitions give one, and its goal."""
    rows, found = [], records.overhead
    for told, values in found.groupby(WHICH, sort=False, dropna=False) if len(found) else []:
        m = median_interval(values["value"])
        bounds = zip(BOUNDS, (m.estimate, m.low, m.high, m.confidence, m.n), strict=True)
        rows.append({**dict(zip(WHICH, told, strict=True)), **dict(bounds)})
    table = pd.DataFrame(rows, columns=[*WHICH, *BOUNDS])
    table["of_goal"] = table["value"] / table["goal"]
    # Without a goal there is nothing to miss.
    met = (table["value"] < table["goal"]).astype(object)
    table["met"] = met.where(table["goal"].notna(), None)
    return table.assign(panel="")


def draw(rows: pd.DataFrame, canvas: Canvas) -> None:
    """A line per quantity that has a goal, its value over the goal; left of 1 it is met."""
    aimed = rows[rows["goal"].notna()].iloc[::-1].reset_index(drop=True)
    height = 1.0 + 0.34 * max(len(aimed), 2)
    [[[axes]]] = [small_multiples(canvas, [1], columns=1, height=height)]
    for place, (_, row) in enumerate(aimed.iterrows()):
        colour = MET if row["met"] else MISSED
        if pd.notna(row["low"]):
            ends = [row["low"] / row["goal"], row["high"] / row["goal"]]
            axes.plot(ends, [place, place], color=colour, lw=1.5)
        axes.plot(row["of_goal"], place, "o", color=colour, markersize=5)
    axes.axvline(1, color="#444444", lw=1, ls="--")
    log_axis(axes, "x")
    axes.set_yticks(range(len(aimed)), [line(row) for _, row in aimed.iterrows()])
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylim(-0.6, max(len(aimed), 1) - 0.4)
    axes.set_xlabel("value over its goal: left of 1 the goal is met")
    if len(aimed):
        legend(canvas, _handles(aimed))


def line(row: "pd.Series[float]") -> str:
    """A quantity with its value and its goal, as in "analysis --help: 0.3 s, goal 1 s"."""
    value, goal = (in_unit(float(row[name]), str(row["unit"])) for name in ("value", "goal"))
    return f"{plain(row['quantity'])}: {value}, goal {goal}"


def in_unit(value: float, unit: str) -> str:
    r"""A value with its unit, ratios as what they exceed 1 by.

    >>> in_unit(1.004, "ratio"), in_unit(2.0**31, "bytes"), in_unit(0.25, "share")
    ('+0.4\xa0%', '2 GiB', '25\xa0%')
    """
    if unit == "ratio":
        return f"{'+' if value >= 1 else '−'}{number(100 * abs(value - 1))}\N{NO-BREAK SPACE}%"
    if unit == "share":
        return percent(value)
    return f"{number(value / 2**30)} GiB" if unit == "bytes" else f"{number(value)} s"


def _handles(aimed: pd.DataFrame) -> list[Line2D]:
    handles = [
        Line2D([], [], color=colour, marker="o", ls="", label=words)
        for colour, words, met in (
            (MET, "median meets the goal", True),
            (MISSED, "median misses it", False),
        )
        if (aimed["met"] == met).any()
    ]
    if aimed["low"].notna().any():
        least = percent(aimed["confidence"][aimed["low"].notna()].min())
        handles.append(Line2D([], [], color="#888888", label=f"{least} interval of the median"))
    return handles


def caption(rows: pd.DataFrame) -> str:
    """How many goals are met, and every quantity with its interval."""
    aimed = rows[rows["goal"].notna()]
    met = int((aimed["met"] == True).sum())  # noqa: E712  # None is neither
    told = listing([_told(row) for _, row in rows.iterrows()])
    are = "is" if met == 1 else "are"
    return f"{met} of {count(len(aimed), 'goal')} {are} met by the median: {told}."


def _told(row: "pd.Series[float]") -> str:
    """One quantity, its median and bounds, and its goal if it has one."""
    unit, text = str(row["unit"]), plain(row["quantity"])
    text += f" {in_unit(float(row['value']), unit)}"
    if pd.notna(row["low"]):
        low, high = (in_unit(float(row[name]), unit) for name in ("low", "high"))
        text += f" [{low}, {high}]"
    return text if pd.isna(row["goal"]) else f"{text} (goal {in_unit(float(row['goal']), unit)})"


WHICH = ["machine", "quantity", "unit", "goal"]

FIGURE = Figure(
    title="The cost of measuring",
    needs="overhead cells (--profile overhead)",
    prepare=prepare,
    draw=draw,
    caption=caption,
)
