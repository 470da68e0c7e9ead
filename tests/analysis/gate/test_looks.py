"""When a run looks at the cells in doubt, and what it says then."""

import numpy as np

from analysis.gate.looks import Looks

SLOW = [0.05 + 0.001 * i for i in range(40)]
SAME = [0.001 * (-1) ** i for i in range(40)]
WILD = np.random.default_rng(2).normal(0, 0.2, 40).tolist()


def said(
    looks: Looks, ratios: dict[str, list[float]], pairs: int, *, last: bool = False
) -> dict[str, str]:
    """After so many pairs."""
    return looks.after({name: values[:pairs] for name, values in ratios.items()}, last=last)


def test_nothing_is_called_between_looks() -> None:
    """However clear it is."""
    looks = Looks(8, ["one"])
    for pairs in (7, 12, 14):
        assert said(looks, {"one": SLOW}, pairs) == {"one": "inconclusive"}
    assert said(looks, {"one": SLOW}, 20) == {"one": "slower"}
    assert looks.open == []


def test_the_last_pair_is_a_look() -> None:
    """Time is up; so few that they can call nothing stay open."""
    assert said(Looks(8, ["one"]), {"one": SLOW}, 15, last=True) == {"one": "slower"}
    assert said(Looks(8, ["one"]), {"one": SLOW}, 9, last=True) == {"one": "inconclusive"}


def test_a_cell_is_cleared_after_any_pair() -> None:
    """The others go on."""
    looks = Looks(2, ["one", "two"])
    assert said(looks, {"one": SAME, "two": WILD}, 7) == {"one": "no change", "two": "inconclusive"}
    assert looks.open == ["two"]
    assert said(looks, {"two": WILD}, 8) == {"two": "inconclusive"}


def test_it_ends_with_the_third_look() -> None:
    """What is not settled then stays so."""
    looks = Looks(1, ["one"])
    assert said(looks, {"one": WILD}, 24) == {"one": "inconclusive"}
    assert looks.open == ["one"]
    assert said(looks, {"one": WILD}, 25) == {"one": "inconclusive"}
    assert looks.open == []


def test_a_cell_that_failed_in_a_pair_has_looks_of_its_own() -> None:
    """By the pairs that timed it."""
    looks = Looks(1, ["one", "two"])
    ratios = {"one": SLOW[:10], "two": SLOW[:9]}
    assert looks.after(ratios, last=False) == {"one": "slower", "two": "inconclusive"}
