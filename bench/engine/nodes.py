"""What a run needs of a node of the cluster, and which nodes have it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import ray

from bench.engine.job import Job, Resources

Amounts = Mapping[str, float]


def needs(job: Job, resources: Resources) -> Amounts:
    """What a run takes of the node that computes it.

    Args:
        job: a run; on CUDA it takes num_gpus.
        resources: threads, each on a core of its own, and num_gpus.

    Returns:
        By Ray's names.

    >>> from gan.run import Run
    >>> from pathlib import Path
    >>> needs(Job("numerics", Run(), None, Path()), Resources(threads=2))
    {'CPU': 2.0}
    """
    amounts = {"CPU": float(resources.threads)}
    if job.run.device.startswith("cuda"):
        amounts["GPU"] = resources.num_gpus
    return amounts


def alive() -> dict[str, Amounts]:
    """The nodes of the cluster that answer: what each has in all, by its id.

    Returns:
        Totals, not what is free at the moment.
    """
    nodes: Any = ray.nodes  # without annotations
    return {node["NodeID"]: node["Resources"] for node in nodes() if node["Alive"]}


def fits(amounts: Amounts, nodes: Iterable[Amounts]) -> bool:
    """Whether a node has as much of everything.

    Args:
        amounts: what a run needs.
        nodes: what each node has.

    Returns:
        False if no node could ever run it, however long it waited.

    >>> fits({"CPU": 1, "GPU": 0.5}, [{"CPU": 8}, {"CPU": 1, "GPU": 1}])
    True
    >>> fits({"CPU": 2, "GPU": 1}, [{"CPU": 8}, {"CPU": 1, "GPU": 1}])
    False
    """
    return any(all(node.get(name, 0) >= need for name, need in amounts.items()) for node in nodes)


def misfit(amounts: Amounts, nodes: Iterable[Amounts]) -> str:
    """Say what a run needs and what there is.

    Args:
        amounts: what a run needs.
        nodes: what each node has.

    Returns:
        One line.

    >>> misfit({"CPU": 1, "GPU": 2}, [{"CPU": 8, "memory": 1e9}, {"CPU": 4, "GPU": 1}])
    'a run needs 1 CPU and 2 GPU, but the nodes have: 4 CPU and 1 GPU; 8 CPU and 0 GPU'
    """
    found = sorted({words({name: node.get(name, 0) for name in amounts}) for node in nodes})
    return f"a run needs {words(amounts)}, but the nodes have: {'; '.join(found) or 'nothing'}"


def words(amounts: Amounts) -> str:
    """Amounts in words.

    >>> words({"CPU": 1.0, "GPU": 0.25})
    '1 CPU and 0.25 GPU'
    """
    return " and ".join(f"{amount:g} {name}" for name, amount in amounts.items())


def all_needs(jobs: Sequence[Job], resources: Resources) -> list[Amounts]:
    """The different needs of some jobs: at most two, with and without a GPU."""
    by_words = {words(amounts): amounts for amounts in (needs(job, resources) for job in jobs)}
    return list(by_words.values())
