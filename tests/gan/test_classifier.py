"""The classifiers: how good, how reproducible, and what is kept of them."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from gan.classifier import FEATURES, Classifier, classifier
from gan.data import load
from gan.errors import UsageError
from gan.images import Images, Stacked
from gan.sources import SOURCES

SYSTEM = SOURCES["fashion_mnist"].system or Path()


@pytest.fixture
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache of this test's own."""
    monkeypatch.setenv("GAN_CACHE", str(tmp_path))
    return tmp_path / "classifiers"


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training of a few steps, where it does not matter how good the network gets."""
    monkeypatch.setattr("gan.classifier.EPOCHS", 2)
    monkeypatch.setattr("gan.classifier.FEWEST_STEPS", 1)


def blobs(seed: int = 0, shape: tuple[int, ...] = (1, 8, 8)) -> Images:
    """Two hundred noisy images of ten brightnesses; a new object each time."""
    rng = torch.Generator().manual_seed(seed)
    labels = torch.arange(200) % 10
    noise = 0.02 * torch.randn(200, *shape, generator=rng)
    images = (labels / 5 - 1).reshape(-1, 1, 1, 1) + noise
    return Images("blobs", shape, images, labels, images[:50], labels[:50])


def stored(cache: Path) -> list[Path]:
    """The files of kept classifiers."""
    return sorted(cache.iterdir())


def weights(network: Classifier) -> torch.Tensor:
    """All of a network's state as one vector."""
    return torch.cat(
        [tensor.double().flatten() for tensor in network.network.state_dict().values()]
    )


@pytest.fixture(scope="module")
def of_digits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Classifier]:
    """The classifier of the digits, trained once for this file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        data = load("digits")
        assert isinstance(data, Images)
        yield classifier(data)


def test_digits_are_told_apart(of_digits: Classifier) -> None:
    """At least 97 % of the test images, by the network's own account and by counting."""
    data = load("digits")
    assert isinstance(data, Images)
    right = of_digits.logits(data.test).argmax(dim=1) == data.test_labels
    assert of_digits.accuracy == right.double().mean().item()
    assert of_digits.accuracy >= 0.97


@pytest.mark.slow
@pytest.mark.usefixtures("own_cache")
@pytest.mark.skipif(not SYSTEM.is_dir(), reason=f"needs {SYSTEM} (dataset-fashion-mnist)")
def test_clothes_are_told_apart() -> None:
    """At least 90 % of Fashion-MNIST's 10,000 test images."""
    data = load("fashion_mnist", SYSTEM)
    assert isinstance(data, Images)
    assert classifier(data).accuracy >= 0.90


def test_features_are_what_the_last_layer_sees(of_digits: Classifier) -> None:
    """A matrix product with the last layer's weights gives the logits."""
    images = load("digits").sample(20, torch.Generator().manual_seed(0))
    features = of_digits.features(images)
    last = of_digits.network[-1]
    assert isinstance(last, torch.nn.Linear)
    assert (features.shape, features.dtype) == ((20, FEATURES), torch.float32)
    expected = features.double() @ last.weight.double().T + last.bias.double()
    torch.testing.assert_close(of_digits.logits(images).double(), expected, atol=1e-4, rtol=1e-4)


def test_features_are_standardised(of_digits: Classifier) -> None:
    """On the training images, mean near 0 and standard deviation near 1; none is constant."""
    data = load("digits")
    assert isinstance(data, Images)
    features = of_digits.features(data.train).double()
    assert float(features.mean(dim=0).abs().max()) < 0.3
    assert 0.5 < float(features.std(dim=0).min()) < float(features.std(dim=0).max()) < 2.0


def test_large_sets_are_seen_in_parts(
    monkeypatch: pytest.MonkeyPatch, of_digits: Classifier
) -> None:
    """The size of the parts does not change the features."""
    images = load("digits").sample(50, torch.Generator().manual_seed(1))
    whole = of_digits.features(images)
    monkeypatch.setattr("gan.classifier.EVALUATION_BATCH", 7)
    torch.testing.assert_close(of_digits.features(images.clone()), whole)


def test_stacks_are_seen_channel_by_channel(of_digits: Classifier) -> None:
    """Features one after the other, and the three classes read as one number."""
    stacked = load("stacked_digits")
    assert isinstance(stacked, Stacked)
    x, labels = stacked.sample_with_labels(300, torch.Generator().manual_seed(0))
    channels = [x[:, channel : channel + 1] for channel in range(3)]
    expected = torch.cat([of_digits.features(channel) for channel in channels], dim=1)
    torch.testing.assert_close(of_digits.features(x), expected)
    a, b, c = (of_digits.labels(channel) for channel in channels)
    assert torch.equal(of_digits.labels(x), 100 * a + 10 * b + c)
    assert float((of_digits.labels(x) == labels).double().mean()) > 0.95


def test_overflowing_images_have_no_class(of_digits: Classifier) -> None:
    """Values near float32's limit make the logits overflow: −1, not a class by accident."""
    images = torch.full((2, 1, 8, 8), 3e38)
    images[1] = 0.0
    first, second = of_digits.labels(images).tolist()
    assert first == -1
    assert second in range(10)


def test_no_gradients_are_kept(of_digits: Classifier) -> None:
    """Images that carry a graph, and half precision, are taken as they are."""
    images = load("digits").sample(4, torch.Generator().manual_seed(0))
    plain = of_digits.features(images)
    with_graph = of_digits.features(images.clone().requires_grad_() * 1.0)
    assert not with_graph.requires_grad
    torch.testing.assert_close(with_graph, plain)
    assert of_digits.features(images.to(torch.bfloat16)).dtype == torch.float32


def test_a_changed_tensor_is_seen_anew(of_digits: Classifier) -> None:
    """Features are kept per tensor, but not beyond a change in place."""
    images = load("digits").sample(4, torch.Generator().manual_seed(0))
    before = of_digits.features(images)
    assert of_digits.features(images) is before
    images.mul_(-1)
    after = of_digits.features(images)
    assert not torch.equal(after, before)
    torch.testing.assert_close(after, of_digits.features(images.clone()))


def test_inference_tensors_are_always_seen_anew(of_digits: Classifier) -> None:
    """They do not count their changes, so nothing is kept for them."""
    with torch.inference_mode():
        images = torch.zeros(2, 1, 8, 8)
        before = of_digits.features(images)
        images.fill_(1.0)
        assert not torch.equal(of_digits.features(images), before)


@pytest.mark.parametrize("shape", [(4, 1, 8, 9), (4, 8, 8), (4, 64)])
def test_refuses_images_of_another_size(of_digits: Classifier, shape: tuple[int, ...]) -> None:
    """What was given and what is expected are in the line."""
    with pytest.raises(UsageError) as error:
        of_digits.features(torch.zeros(shape))
    assert str(error.value) == (
        f"images of shape {shape}: the classifier expects (N, 1 or a multiple, 8, 8)"
    )


@pytest.mark.usefixtures("short", "own_cache")
@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (1, 64, 64), (3, 16, 16)])
def test_any_image_size_will_do(shape: tuple[int, ...]) -> None:
    """From 8×8 to 64×64, and colour."""
    network = classifier(blobs(shape=shape))
    assert network.features(torch.zeros(2, *shape)).shape == (2, FEATURES)
    assert network.logits(torch.zeros(2, *shape)).shape == (2, 10)


@pytest.mark.usefixtures("short", "own_cache")
def test_one_object_per_set() -> None:
    """The same set, or stacks of it, has one classifier within a process."""
    data = blobs()
    network = classifier(data)
    assert classifier(data) is network
    assert classifier(Stacked("stacks", data)) is network


@contextmanager
def surroundings(threads: int, seed: int) -> Iterator[None]:
    """A caller with its own number of threads, random state and gradient mode."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    try:
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
            yield
    finally:
        torch.set_num_threads(before)


@pytest.mark.usefixtures("short")
def test_training_does_not_depend_on_the_caller(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The weights are the same bits under other threads, seeds, gradient modes and autocast."""
    monkeypatch.setenv("GAN_CACHE", str(tmp_path / "first"))
    first = classifier(blobs())
    monkeypatch.setenv("GAN_CACHE", str(tmp_path / "second"))
    with surroundings(threads=2, seed=99):
        second = classifier(blobs())
    assert torch.equal(weights(first), weights(second))
    assert first.accuracy == second.accuracy


@pytest.mark.usefixtures("short", "own_cache")
def test_training_leaves_the_caller_alone() -> None:
    """Threads and the global random state are afterwards what they were."""
    with surroundings(threads=2, seed=7):
        classifier(blobs())
        assert torch.get_num_threads() == 2
        after = torch.rand(3)
        torch.manual_seed(7)
        assert torch.equal(after, torch.rand(3))


@pytest.mark.usefixtures("short")
def test_a_kept_classifier_is_not_trained_again(
    monkeypatch: pytest.MonkeyPatch, own_cache: Path
) -> None:
    """A second process, or another object of the same set, reads the file."""
    first = classifier(blobs())
    assert len(stored(own_cache)) == 1
    monkeypatch.setattr("gan.classifier._train", lambda *_: pytest.fail("trained again"))
    second = classifier(blobs())
    assert torch.equal(weights(first), weights(second))
    assert first.accuracy == second.accuracy


@pytest.mark.usefixtures("short")
def test_other_images_have_another_classifier(own_cache: Path) -> None:
    """The key is of the images' values, not of the name."""
    classifier(blobs(seed=0))
    classifier(blobs(seed=1))
    assert len(stored(own_cache)) == 2


@pytest.mark.usefixtures("short")
def test_a_damaged_classifier_is_trained_again(
    own_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With a line in the log, and the file is whole afterwards."""
    first = classifier(blobs())
    (path,) = stored(own_cache)
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with caplog.at_level(logging.WARNING):
        second = classifier(blobs())
    assert caplog.messages == [f"{path} is damaged and will be made again"]
    assert torch.equal(weights(first), weights(second))
    assert path.read_bytes() == whole


def test_says_that_the_cache_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Before the training, not after it."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("GAN_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr("gan.classifier._train", lambda *_: pytest.fail("trained"))
    with pytest.raises(UsageError, match=r"set GAN_CACHE to a folder that can be written$"):
        classifier(blobs())
