"""When a confirmation looks, and what it says then."""

import numpy as np

from analysis.gate.looks import Looks

SLOW = [0.05 + 0.001 * i for i in range(40)]
SAME = [0.001 * (-1) ** i for i in range(40)]
WILD = np.random.default_rng(2).normal(0, 0.2, 40).tolist()


def said(
    looks: Looks, ratios: dict[str, list[float]], pairs: int, *, last: bool, second: bool
) -> dict[str, str]:
    """After so many pairs; only the last of them may be the last."""
    found: dict[str, str] = {}
    while looks.pairs < pairs:
        ends = last and looks.pairs == pairs - 1
        now = {name: values[: looks.pairs + 1] for name, values in ratios.items()}
        found = looks.after(now, last=ends, time_for_second=second)
    return found


def test_nothing_is_called_before_the_first_look() -> None:
    """However clear it is; then all of it."""
    looks = Looks(["one", "two"])
    both = {"one": SLOW, "two": SLOW}
    assert said(looks, both, 7, last=True, second=False) == dict.fromkeys(both, "inconclusive")
    assert said(looks, both, 8, last=False, second=True) == dict.fromkeys(both, "slower")
    assert not looks.goes_on


def test_the_first_look_waits_for_the_last_pair_if_there_is_no_time_for_the_second() -> None:
    """All pairs that there will be, and then one look at them."""
    looks = Looks(["one", "two"])
    both = {"one": SLOW, "two": SLOW}
    assert set(said(looks, both, 10, last=False, second=False).values()) == {"inconclusive"}
    assert said(looks, both, 11, last=True, second=False) == dict.fromkeys(both, "slower")


def test_one_slow_cell_beside_others_takes_the_second_look() -> None:
    """Chance makes one of three look like that more often."""
    looks = Looks(["one", "two", "three"])
    ratios = {"one": SLOW, "two": WILD, "three": WILD}
    assert said(looks, ratios, 8, last=False, second=True)["one"] == "inconclusive"
    assert said(looks, ratios, looks.second - 1, last=False, second=True)["one"] == "inconclusive"
    found = said(looks, ratios, looks.second, last=False, second=True)
    assert found == {"one": "slower", "two": "inconclusive", "three": "inconclusive"}
    assert looks.open == ["two", "three"]


def test_unchanged_cells_end_it_early_if_all_are_cleared() -> None:
    """Six pairs have an interval; one cell in doubt keeps the others until the first look."""
    looks = Looks(["one", "two"])
    both = {"one": SAME, "two": SAME}
    assert set(said(looks, both, 5, last=False, second=True).values()) == {"inconclusive"}
    assert set(said(looks, both, 6, last=False, second=True).values()) == {"no change"}
    assert not looks.goes_on
    looks = Looks(["one", "two"])
    mixed = {"one": SAME, "two": WILD}
    assert set(said(looks, mixed, 7, last=False, second=True).values()) == {"inconclusive"}
    found = said(looks, mixed, 8, last=False, second=True)
    assert found == {"one": "no change", "two": "inconclusive"}


def test_a_confirmation_ends_with_its_third_look() -> None:
    """What is not settled then never will be."""
    looks = Looks(["one"])
    assert said(looks, {"one": WILD}, looks.third, last=False, second=True) == {
        "one": "inconclusive"
    }
    assert not looks.goes_on
    assert looks.open == ["one"]


def test_a_cell_that_failed_in_a_pair_is_looked_at_by_itself() -> None:
    """The joint test takes cells that every pair timed."""
    looks = Looks(["one", "two"])
    for pair in range(8):
        two = SLOW[: min(pair + 1, 6)]
        found = looks.after({"one": SLOW[: pair + 1], "two": two}, last=False, time_for_second=True)
    assert found == {"one": "slower", "two": "inconclusive"}
