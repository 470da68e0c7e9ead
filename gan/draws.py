"""The random numbers of a run's steps, each kind from its own stream, drawn for several at a time.

A number costs next to nothing and a call some microseconds: drawn step by step they would be a
tenth of a small step, and in an ensemble that much for each of its runs.
"""

from collections.abc import Sequence
from typing import Any

import torch

from gan.data import Dataset, Minibatches
from gan.game import Batch
from gan.run import Run

# Numbers should still be in the cache when their step comes.
BLOCK_BYTES = 1 << 18
MOST_STEPS = 64


class Stream:
    """One run's data, noise, penalties' mixing and dropout.

    Args:
        run: whose seed they come from.
        dataset: its data.
        purpose: keeps a run's streams apart; "" for those of its steps.
        shapes: of z, mix and drop in one step.
    """

    def __init__(
        self, run: Run, dataset: Dataset, purpose: str, shapes: Sequence[tuple[int, ...]]
    ) -> None:
        self._run, self._shapes = run, shapes
        self._rngs = [run.rng(purpose + of, run.device) for of in ("noise", "penalty", "dropout")]
        data = run.rng(f"{purpose}data", run.device)
        self._data = Minibatches(dataset, run.minibatch_samples, data)

    def block(self, steps: int) -> Batch:
        """The numbers of the next steps.

        Args:
            steps: how many.

        Returns:
            A batch whose first dimension is the step.
        """
        z, mix, drop = (
            draw(steps, *shape, generator=rng, device=self._run.device)
            for draw, shape, rng in zip(
                (torch.randn, torch.rand, torch.rand), self._shapes, self._rngs, strict=True
            )
        )
        updates = mix.shape[1]
        real = self._data.several(steps * updates)
        dtype = self._run.dtype
        return Batch(
            real.unflatten(0, (steps, updates)).to(dtype), z.to(dtype), mix.to(dtype), drop
        )

    def state_dict(self) -> dict[str, Any]:
        """Where every stream stands."""
        return {"streams": [rng.get_state() for rng in self._rngs], "data": self._data.state()}

    def load_state_dict(self, kept: dict[str, Any]) -> None:
        """Go on from where another stream of the same run stood."""
        for rng, stream in zip(self._rngs, kept["streams"], strict=True):
            rng.set_state(stream.cpu())
        self._data.restore(kept["data"])


class Draws:
    """The batches of a run, or of several that are trained side by side, one step after the other.

    Args:
        streams: of each run.
        shapes: of real, z, mix and drop in one step of one run.
        side_by_side: batches have the runs as their second dimension.
    """

    def __init__(
        self, streams: Sequence[Stream], shapes: Sequence[tuple[int, ...]], *, side_by_side: bool
    ) -> None:
        self._streams, self._side_by_side = streams, side_by_side
        numbers = sum(torch.Size(shape).numel() for shape in shapes)
        self._steps = max(1, min(MOST_STEPS, BLOCK_BYTES // (4 * numbers)))
        self._start = self._stands()
        self._block: Batch | None = None
        self._position = 0

    def _stands(self) -> list[dict[str, Any]]:
        return [stream.state_dict() for stream in self._streams]

    def next(self) -> Batch:
        """The random numbers of the next step."""
        if self._block is None or self._position == self._steps:
            self._start, self._position = self._stands(), 0
            self._block = self._draw()
        batch = Batch(*(numbers[self._position] for numbers in self._block))
        self._position += 1
        return batch

    def _draw(self) -> Batch:
        blocks = [stream.block(self._steps) for stream in self._streams]
        if not self._side_by_side:
            return blocks[0]
        return Batch(*(torch.stack(numbers, dim=2) for numbers in zip(*blocks, strict=True)))

    def state_dict(self) -> dict[str, Any]:
        """Where the streams stood before the block that batches are taken from, and how many were.

        Returns:
            Tensors and integers.
        """
        return {"runs": self._start, "position": self._position}

    def load_state_dict(self, kept: dict[str, Any]) -> None:
        """Go on from where other draws of the same runs stood.

        Args:
            kept: their ``state_dict``.

        Raises:
            UsageError: the data have another size.
        """
        for stream, start in zip(self._streams, kept["runs"], strict=True):
            stream.load_state_dict(start)
        self._start, self._position = self._stands(), int(kept["position"])
        self._block = self._draw() if self._position else None
