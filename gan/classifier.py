"""A small convolutional classifier per image set: the eyes of FID, KID and mode counts."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.weak import WeakTensorKeyDictionary

from gan.cache import cache_dir, make_folder, read_weights, write_weights
from gan.errors import UsageError
from gan.images import CLASSES, Images, Stacked

FEATURES = 64
EVALUATION_BATCH = 1000  # bounds the memory of the activations, not the result
SEED = 2014
BATCH_SIZE = 100
EPOCHS = 4  # 90 % on Fashion-MNIST in about a minute on one core
FEWEST_STEPS = 600  # small sets need more epochs: the 8×8 digits get 43
PEAK_LEARNING_RATE = 8e-3


@dataclass(frozen=True, eq=False)
class Classifier:
    """A trained network of one ten-class image set, applied to it or to stacks of it.

    Images of a multiple of the network's channels are seen as that many images side by side, so
    that a stack's features are those of its three channels one after the other. All results are
    on the CPU and without gradients.

    Args:
        network: maps (N, C, H, W) to logits (N, 10); its last layer sees the features.
        shape: (C, H, W), one image of the set the network was trained on.
        accuracy: on that set's test images, in [0, 1].
    """

    network: nn.Sequential
    shape: tuple[int, ...]
    accuracy: float
    _seen: WeakTensorKeyDictionary = field(default_factory=WeakTensorKeyDictionary, repr=False)

    def features(self, images: Tensor) -> Tensor:
        """What the network's last layer sees.

        Several metrics ask for the same images, and a run for the same real ones at each record:
        the answer is kept as long as the tensor lives and is not changed in place.

        Args:
            images: (N, k·C, H, W) in [−1, 1], floating, on any device.

        Returns:
            (N, k·64) float32, the features of each of the k images side by side.

        Raises:
            UsageError: the images are of another size.
        """
        if images.is_inference():  # such tensors do not count their changes
            return self._features(images)
        version = images._version
        if images not in self._seen or self._seen[images][0] != version:
            self._seen[images] = (version, self._features(images))
        features: Tensor = self._seen[images][1]
        return features

    def logits(self, images: Tensor) -> Tensor:
        """Unnormalised log-probabilities of the ten classes.

        Args:
            images: as for features.

        Returns:
            (N, k·10) float32, those of each of the k images side by side.
        """
        features = self.features(images).reshape(-1, FEATURES)
        with _plain_inference():
            logits: Tensor = self.network[-1](features)
            return logits.reshape(len(images), -1)

    def labels(self, images: Tensor) -> Tensor:
        """The likeliest classes, of a stack the three read as one number.

        Args:
            images: as for features.

        Returns:
            (N,) int64: 0 … 9 for k = 1, 0 … 999 for k = 3, the first channel's the hundreds;
            −1 for images with values so large that the logits are not finite.
        """
        logits = self.logits(images)
        digits = logits.reshape(len(images), -1, CLASSES).argmax(dim=2)
        places = CLASSES ** torch.arange(digits.shape[1] - 1, -1, -1)
        return torch.where(logits.isfinite().all(dim=1), (digits * places).sum(dim=1), -1)

    def _features(self, images: Tensor) -> Tensor:
        channels, *size = self.shape
        if images.ndim != 4 or list(images.shape[2:]) != size or images.shape[1] % channels:
            raise UsageError(
                f"images of shape {tuple(images.shape)}: the classifier expects (N, "
                f"{channels} or a multiple, {', '.join(map(str, size))})"
            )
        single = images.detach().to("cpu", torch.float32).reshape(-1, *self.shape)
        with _plain_inference():
            parts = [self.network[:-1](batch) for batch in single.split(EVALUATION_BATCH)]
            return torch.cat(parts).reshape(len(images), -1)


def classifier(dataset: Images | Stacked) -> Classifier:
    """The classifier of an image set, trained on its training images once and then kept.

    The network is kept in the cache folder under a key of the images, this file and torch's
    version; a file that is not whole is trained anew, which the log tells as a warning.

    Args:
        dataset: an image set, or stacks of one, whose base is then classified.

    Returns:
        The same object for the same set within a process.

    Raises:
        UsageError: the cache folder cannot be written.
    """
    images = dataset.base if isinstance(dataset, Stacked) else dataset
    if images not in _CLASSIFIERS:
        _CLASSIFIERS[images] = _stored(images)
    return _CLASSIFIERS[images]


_CLASSIFIERS: WeakKeyDictionary[Images, Classifier] = WeakKeyDictionary()


def _stored(images: Images) -> Classifier:
    path = cache_dir() / "classifiers" / f"{images.name}-{_key(images)}.pt"
    make_folder(path.parent)
    with _reproducible():
        network = _network(images.shape)
        weights = read_weights(path)
        if weights is None:
            _train(network, images)
            write_weights(path, network.state_dict())
        else:
            network.load_state_dict(weights)
        unmeasured = Classifier(network.eval(), images.shape, accuracy=float("nan"))
        correct = unmeasured.labels(images.test) == images.test_labels.cpu()
    return replace(unmeasured, accuracy=correct.double().mean().item())


def _key(images: Images) -> str:
    """What the weights depend on: the data, the code in this file and torch."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    digest.update(torch.__version__.encode())
    for tensor in (images.train, images.train_labels):
        digest.update(repr(tuple(tensor.shape)).encode())
        digest.update(tensor.cpu().contiguous().numpy().data)
    return digest.hexdigest()[:16]


def _network(shape: tuple[int, ...]) -> nn.Sequential:
    """Two convolutions and two linear layers; pooling to 4×4 fits any size."""
    network = nn.Sequential(
        nn.Conv2d(shape[0], 16, 5, stride=2, padding=2),
        nn.ReLU(),
        nn.Conv2d(16, 64, 3, padding=1),
        nn.AdaptiveMaxPool2d(4),
        nn.ReLU(),  # after pooling: the same values as before it, at a tenth of the work
        nn.Flatten(),
        nn.Linear(64 * 4 * 4, FEATURES),
        nn.LeakyReLU(0.2),  # a dead ReLU would make the features' covariance singular
        nn.BatchNorm1d(FEATURES, affine=False),  # gives FID and KID features of unit variance
        nn.Linear(FEATURES, CLASSES),
    )
    # Saves a quarter of the training time.
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]  # the stubs lack this overload


@contextmanager
def _plain_inference() -> Iterator[None]:
    """Forward passes in float32 without gradients, whatever the caller's autocast."""
    with torch.no_grad(), torch.autocast("cpu", enabled=False):
        yield


@contextmanager
def _reproducible() -> Iterator[None]:
    """The same weights whatever the caller's threads, random state, gradient mode and device."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with (
            torch.random.fork_rng(devices=[]),
            torch.inference_mode(mode=False),
            torch.enable_grad(),
            torch.autocast("cpu", enabled=False),
            torch.device("cpu"),
        ):
            torch.default_generator.manual_seed(SEED)
            yield
    finally:
        torch.set_num_threads(threads)


def _train(network: nn.Sequential, images: Images) -> None:
    """A few epochs of AdamW under a one-cycle learning rate."""
    train, labels = images.train.cpu(), images.train_labels.cpu()
    batches = list(_batches(images.size))
    optimiser = torch.optim.AdamW(network.parameters(), lr=PEAK_LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, PEAK_LEARNING_RATE, total_steps=len(batches)
    )
    for chosen in batches:
        loss = functional.cross_entropy(network(train[chosen]), labels[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()


def _batches(size: int) -> Iterator[Tensor]:
    """Shuffled epochs of indices, cut into minibatches."""
    rng = torch.Generator().manual_seed(SEED)
    batch_size = min(BATCH_SIZE, size)
    per_epoch = size // batch_size
    for _ in range(max(EPOCHS, -(-FEWEST_STEPS // per_epoch))):
        order = torch.randperm(size, generator=rng)
        yield from order[: per_epoch * batch_size].split(batch_size)
