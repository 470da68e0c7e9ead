"""Cells of the cost of measuring, made from values that are known."""

from collections.abc import Iterator

from tests.analysis.synthetic.runs import Profile, Row, cell, make_run

VALUES: dict[str, tuple[str, float | None, list[float]]] = {
    "step over bare loop": ("ratio", 1.01, [0.999, 1.0, 1.001, 1.002, 1.003, 1.004]),
    "draws of a step": ("share", None, [0.04, 0.05, 0.06]),
    "report over 10k runs": ("seconds", 20.0, [30.0]),
    "memory of that report": ("bytes", 2.0**31, [2.0**30]),
}
"""Quantity -> its unit, its goal and a value of each repetition."""


def overhead_cells(profile: Profile) -> Iterator[Row]:
    """A cell of each quantity; reversed, the goals are missed and met the other way round."""
    for quantity, (unit, goal, values) in VALUES.items():
        aim = {} if goal is None else {"goal": goal}
        found = [goal**2 / x if profile.reverse and goal else x for x in values]
        run = make_run(data="ring", seed=list(VALUES).index(quantity))
        yield cell(run, "overhead", found, quantity=quantity, unit=unit, **aim)
