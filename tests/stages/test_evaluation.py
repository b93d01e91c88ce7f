from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from neuroinspect_tui.data.images import UnreadableImage
from neuroinspect_tui.data.splits import Split
from neuroinspect_tui.data.transforms import Preprocess
from neuroinspect_tui.errors import Cancelled, InputError
from neuroinspect_tui.models.classifier import Classifier, prepare
from neuroinspect_tui.models.sources import ModelSource
from neuroinspect_tui.results import Unreadable
from neuroinspect_tui.stages import evaluation
from neuroinspect_tui.stages.evaluation import detect_permutation, evaluate_rows, summarise

from .worlds import column, random_world, split_features

SIZE, IMAGES, CLASSES = 8, 23, 7
PLAIN = Preprocess(image_size=SIZE, crop_pct=1)


class Pictures:
    """Random images; the rows in `broken` cannot be read."""

    def __init__(self, count, broken=()):
        self.pixels = np.random.default_rng(0).integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8)
        self.broken = broken

    def open(self, row):
        if row in self.broken:
            raise UnreadableImage(f"row {row} is broken")
        return Image.fromarray(self.pixels[row])


def make_split(broken=()):
    labels = torch.arange(IMAGES) % CLASSES
    return Split("val", [f"{row}.png" for row in range(IMAGES)], labels, {}, Pictures(IMAGES, broken))


def make_classifier(classes=CLASSES, decide=None):
    torch.manual_seed(0)
    trunk = nn.Sequential(nn.Conv2d(3, 12, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    module = nn.Sequential(trunk, nn.Linear(12, classes))
    if decide is not None:
        decide(module[1].weight), decide(module[1].bias)
    return prepare(ModelSource("tiny", module), classes, SIZE, torch.device("cpu"))


class CountingClassifier:
    """Runs another classifier, noting the batches; batches above `limit` images run out of memory."""

    def __init__(self, classifier: Classifier, limit=10**9, error=None):
        self.classifier, self.limit, self.batches = classifier, limit, []
        self.error = error or torch.OutOfMemoryError("CUDA out of memory")

    def __getattr__(self, name):
        return getattr(self.classifier, name)

    def forward(self, images):
        if len(images) > self.limit:
            raise self.error
        self.batches.append(len(images))
        return self.classifier.forward(images)


def evaluate(classifier, split, batch_size=7, rows=range(IMAGES), **options):
    return evaluate_rows(classifier, split, PLAIN, rows, batch_size, **options)


def one_by_one(classifier, split, rows):
    """The plain loop: preprocess an image, run the module, look at its logits."""
    images = torch.stack([PLAIN(split.open(row)) for row in rows])
    with torch.no_grad():
        features = torch.cat([classifier.module[0](image[None]) for image in images])
        return features, classifier.module[1](features)


def assert_same(found, expected):
    for name in ("features", "top_logits", "confidence"):
        torch.testing.assert_close(getattr(found, name), getattr(expected, name), rtol=1e-5, atol=1e-6)
    for name in ("rows", "labels", "top_classes"):
        assert getattr(found, name).equal(getattr(expected, name))
    assert found.unreadable == expected.unreadable


def test_a_shard_holds_what_the_plain_loop_finds():
    classifier, split = make_classifier(), make_split()
    shard = evaluate(classifier, split, rows=range(4, 20))
    features, logits = one_by_one(classifier, split, range(4, 20))
    torch.testing.assert_close(shard.features, features, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(shard.top_logits, logits.topk(5).values, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(shard.confidence, logits.softmax(1).amax(1), rtol=1e-5, atol=1e-6)
    assert shard.top_classes.equal(logits.topk(5).indices)
    assert shard.labels.tolist() == [row % CLASSES for row in range(4, 20)]
    assert (shard.start, shard.stop, shard.rows.tolist()) == (4, 20, list(range(4, 20)))


@pytest.mark.parametrize(("batch_size", "workers"), [(1, 0), (7, 2), (64, 0)])
def test_batch_size_and_workers_change_nothing(batch_size, workers):
    classifier, split = make_classifier(), make_split(broken={3, 9})
    expected = evaluate(classifier, split, batch_size=5)
    assert_same(evaluate(classifier, split, batch_size, workers=workers), expected)


def test_unreadable_images_are_listed_and_counts_add_up():
    shard = evaluate(make_classifier(), make_split(broken={0, 7, 8, 22}))
    assert shard.unreadable == tuple((row, f"row {row} is broken") for row in (0, 7, 8, 22))
    assert sorted([*shard.rows.tolist(), 0, 7, 8, 22]) == list(range(IMAGES))
    assert shard.labels.equal(shard.rows % CLASSES)


def test_a_range_without_a_readable_image_is_an_empty_shard():
    shard = evaluate(make_classifier(), make_split(broken=set(range(IMAGES))))
    assert (shard.features.shape, shard.top_logits.shape) == ((0, 12), (0, 5))
    assert len(shard.unreadable) == IMAGES and shard.labels.tolist() == []


def test_two_classes_have_two_top_logits():
    shard = evaluate(make_classifier(classes=2), make_split())
    assert shard.top_logits.shape == (IMAGES, 2)
    assert shard.top_classes.sort(dim=1).values.unique(dim=0).tolist() == [[0, 1]]


def test_of_equal_logits_the_lower_class_is_predicted():
    classifier = make_classifier(decide=nn.init.zeros_)
    shard = evaluate(classifier, make_split())
    assert shard.top_classes.unique(dim=0).tolist() == [[0, 1, 2, 3, 4]]


def test_fault_2_the_backbone_sees_each_image_once_in_batches():
    classifier = CountingClassifier(make_classifier())
    evaluate(classifier, make_split())
    assert classifier.batches == [7, 7, 7, 2]


def test_fault_5_mistakes_and_features_come_from_the_same_pass():
    """What is counted as a mistake is decided by the very features that the culprits explain."""
    classifier = make_classifier()
    shard = evaluate(classifier, make_split())
    assert (shard.labels != shard.top_classes[:, 0]).sum() > 10
    assert classifier.head.logits(shard.features).argmax(1).equal(shard.top_classes[:, 0])


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("no"), RuntimeError("CUBLAS_STATUS_ALLOC_FAILED")])
def test_out_of_memory_halves_the_batch_and_goes_on_from_the_batch_that_failed(error):
    classifier, split = make_classifier(), make_split(broken={2})
    small = CountingClassifier(classifier, limit=3, error=error)
    shard = evaluate(small, split, batch_size=16)
    assert max(small.batches) == 3 and sum(small.batches) == IMAGES - 1
    assert_same(shard, evaluate(classifier, split))


def test_memory_that_runs_out_after_the_forward_pass_leaves_no_half_of_a_batch(monkeypatch):
    classifier, split = make_classifier(), make_split()
    expected, once, usual = evaluate(classifier, split), [True], torch.Tensor.logsumexp

    def fail_once(logits, dim):
        if len(logits) > 4 and once:
            once.pop()
            raise torch.OutOfMemoryError("CUDA out of memory")
        return usual(logits, dim)

    monkeypatch.setattr(torch.Tensor, "logsumexp", fail_once)
    assert_same(evaluate(classifier, split), expected)
    assert not once


def test_what_is_kept_of_the_logits_is_as_large_as_it_looks():
    shard = evaluate(make_classifier(classes=40), make_split(), batch_size=IMAGES)
    for kept in (shard.top_logits, shard.top_classes):
        assert kept.shape == (IMAGES, 5)
        assert kept.untyped_storage().nbytes() == kept.numel() * kept.element_size()


def test_when_not_one_image_fits_the_line_says_so():
    with pytest.raises(InputError) as error:
        evaluate(CountingClassifier(make_classifier(), limit=0), make_split())
    expected = "cpu does not have enough memory for one image: use --device cpu, or a smaller --image-size"
    assert str(error.value) == expected


def test_other_errors_are_not_taken_for_missing_memory():
    broken = CountingClassifier(make_classifier(), 0, RuntimeError("an illegal memory access: out of memory"))
    with pytest.raises(RuntimeError, match="illegal"):
        evaluate(broken, make_split())


def test_progress_counts_images_unreadable_ones_too():
    seen = []
    split = make_split(broken={1, 22})
    evaluate(make_classifier(), split, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(7, 23), (14, 23), (21, 23), (23, 23)]


def test_a_pass_can_be_cancelled():
    def cancel(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        evaluate(make_classifier(), make_split(), workers=2, on_progress=cancel)


def test_summary_puts_the_tables_together():
    place = {"place": column("place", ("sea", "sky"), [row % 2 for row in range(400)])}
    data, _ = random_world(0, groups=place)
    unreadable = (Unreadable("x.png", "broken"),)
    found = summarise(data, unreadable, [f"class {index}" for index in range(7)])
    right = data.labels == data.predicted
    recalls = [float(right[data.labels == label].double().mean()) for label in range(7)]
    assert (found.split, found.samples, found.unreadable) == ("val", 400, unreadable)
    assert found.accuracy == pytest.approx(float(right.double().mean()))
    assert [row.accuracy for row in found.classes] == pytest.approx(recalls)
    assert found.macro_accuracy == pytest.approx(sum(recalls) / 7)
    cells = [(row.value, row.class_index) for row in found.groups]
    assert cells == [(value, label) for value in ("sea", "sky") for label in range(7)]
    assert found.worst_group == min(found.groups, key=lambda row: row.accuracy)


def test_summary_of_no_images_has_no_accuracy():
    _, head = random_world(0)
    empty = split_features(torch.empty(0, 24), torch.empty(0, dtype=torch.int64), head)
    found = summarise(empty, (), [str(index) for index in range(7)])
    assert (found.samples, found.accuracy, found.macro_accuracy, found.worst_group) == (0, None, None, None)
    assert [row.accuracy for row in found.classes] == [None] * 7


def decisions(accuracy, classes, images, seed=0, permutation=None):
    """Labels and predictions that are right with probability `accuracy`, then permuted."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(classes, (images,), generator=generator)
    guess = torch.randint(classes, (images,), generator=generator)
    right = torch.rand(images, generator=generator) < accuracy
    predicted = torch.where(right, labels, guess)
    return labels, predicted if permutation is None else torch.tensor(permutation)[predicted]


@pytest.mark.parametrize(
    ("permutation", "accuracy", "images"),
    [
        ([1, 0], 0.8, 60),
        ([1, 2, 0], 0.7, 60),
        ([0, 1, 3, 2, 4, 5, 6, 7, 8, 9], 0.75, 1000),
        ([9, 8, 7, 6, 5, 4, 3, 2, 1, 0], 0.4, 500),
        ([*range(1, 100), 0], 0.6, 2000),
    ],
)
def test_a_permuted_class_order_is_found(permutation, accuracy, images):
    for seed in range(5):
        labels, predicted = decisions(accuracy, len(permutation), images, seed, permutation)
        assert detect_permutation(labels, predicted, len(permutation)) == tuple(permutation)


@pytest.mark.parametrize(("accuracy", "classes"), [(0.0, 2), (0.0, 1000), (0.05, 10), (0.5, 3), (0.97, 100)])
@pytest.mark.parametrize("images", [3, 30, 1000])
def test_an_ordinary_bad_classifier_is_not_taken_for_a_permuted_one(accuracy, classes, images):
    for seed in range(10):
        assert detect_permutation(*decisions(accuracy, classes, images, seed), classes) is None


def exchanged(right: int, images: int = 1000):
    """Two classes of so many images each, of which `right` are right and all others taken for the other class."""
    labels = torch.tensor([0] * images + [1] * images)
    wrong = torch.arange(2 * images) % images >= right
    return labels, torch.where(wrong, 1 - labels, labels)


@pytest.mark.parametrize(("right", "found"), [(300, (1, 0)), (310, (1, 0)), (345, None), (360, None)])
def test_the_accuracy_of_moved_classes_must_double_and_rise_by_three_tenths(right, found):
    """To .7 from .3, .69 from .31, .655 from .345 (not twice), .64 from .36."""
    assert detect_permutation(*exchanged(right), 2) == found


def test_above_a_number_of_classes_none_is_looked_for(monkeypatch):
    monkeypatch.setattr(evaluation, "MOST_CLASSES", 2)
    assert detect_permutation(*exchanged(200), 2) == (1, 0)
    assert detect_permutation(*exchanged(200), 3) is None


def decided(gap, logits, tolerance=1e-3):
    """Ask whether the layer decides where its answers miss the model's by `gap`, at logits of this size."""
    classifier = SimpleNamespace(
        tolerance=tolerance, rounding=lambda features: torch.zeros(2), site=SimpleNamespace(name="fc")
    )
    shard = SimpleNamespace(
        top_logits=torch.tensor(logits)[:, None], features=torch.zeros(2, 1), rows=torch.tensor([4, 1])
    )
    split = SimpleNamespace(paths=["p0", "p1", "p2", "p3", "p4"])
    evaluation._require_decision(classifier, torch.tensor(gap), shard, split)


def test_a_miss_is_measured_by_the_size_of_the_logits():
    decided([0.5, 5e-4], [-1000.0, 0.1])  # 5e-4 of logits of 1000, and of 1 as the least
    with pytest.raises(InputError, match="for p1 W·z") as error:
        decided([0.5, 2e-3], [1000.0, 0.1])
    assert "by 0.002" in str(error.value)


def test_confusing_one_class_with_another_is_no_permutation():
    """Every image of 0 is taken for 1 and of 2 for 3, but 1 and 3 are right."""
    labels = torch.arange(400) % 4
    assert detect_permutation(labels, labels // 2 * 2 + 1, 4) is None


def test_always_saying_the_same_class_is_no_permutation():
    labels = (torch.arange(500) % 10 == 0).long()
    assert detect_permutation(labels, torch.ones_like(labels), 2) is None
    assert detect_permutation(torch.arange(500) % 10, torch.full((500,), 3), 10) is None


def test_one_class_alone_is_no_permutation():
    assert (
        detect_permutation(torch.zeros(50, dtype=torch.int64), torch.ones(50, dtype=torch.int64), 2) is None
    )


def test_a_shortcut_that_fails_more_often_than_not_is_no_permutation():
    """Two classes at 35 % accuracy: exchanged they would be at 65 %, which is not beyond doubt."""
    labels, place = torch.arange(400) % 2, torch.arange(400) // 2 % 2
    right = torch.where(place == 0, torch.arange(400) % 20 < 13, False)
    predicted = torch.where(right, labels, 1 - labels)
    assert float(right.float().mean()) == pytest.approx(0.35)
    assert detect_permutation(labels, predicted, 2) is None


def test_no_images_are_no_permutation():
    empty = torch.empty(0, dtype=torch.int64)
    assert detect_permutation(empty, empty, 5) is None
    assert (
        detect_permutation(torch.zeros(9, dtype=torch.int64), torch.ones(9, dtype=torch.int64), 5000) is None
    )
