"""Cells of peers, made from ratios that are known."""

from collections.abc import Iterator, Mapping

from tests.analysis.synthetic.runs import Profile, Row, cell, make_run, rng_of

RATIOS: Mapping[str, float] = {"eager": 3.0, "textbook": 4.0, "textbook_compiled": 3.5, "jax": 1.25}
"""Of each peer's seconds per step over those of the suite's compiled step, but for 1 % of noise."""


def peers_cell(
    run: Row,
    ratios: Mapping[str, float] = RATIOS,
    processes: int = 8,
    left_out: Mapping[str, str] | None = None,
) -> Row:
    """Steps of 1 ms, drifting from process to process: what all peers of one have in common."""
    rng = rng_of(run)
    own = 1e-3 * rng.lognormal(0, 0.2, processes)
    peers = {run["mode"]: own.tolist()}
    for name, ratio in ratios.items():
        peers[name] = (ratio * own * rng.lognormal(0, 0.01, processes)).tolist()
    return cell(
        run,
        "peers",
        peers[run["mode"]],
        peers=peers,
        first_call_seconds={name: [2.0] * processes for name in peers},
        difference=dict.fromkeys(ratios, 1e-6),
        left_out=dict(left_out or {}),
        jax="0.10.2",
        optax="0.2.8",
    )


def peers_cells(profile: Profile) -> Iterator[Row]:
    """A cell for each batch size; reversed, every peer is faster than the suite."""
    ratios = {name: 1 / ratio if profile.reverse else ratio for name, ratio in RATIOS.items()}
    for batch_size in profile.batch_sizes:
        run = make_run(loss=profile.losses[0], mode="compile", batch_size=batch_size)
        yield peers_cell(run, ratios, processes=min(8, profile.rounds + 2))
