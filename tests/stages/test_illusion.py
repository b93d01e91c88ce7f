from dataclasses import replace

import pytest
import torch
from torch import nn

from neuroinspect_tui.data.transforms import Preprocess
from neuroinspect_tui.errors import Cancelled
from neuroinspect_tui.models.classifier import prepare
from neuroinspect_tui.models.sources import ModelSource
from neuroinspect_tui.stages.illusion import make_illusions
from neuroinspect_tui.stages.illusion_optimizer import Guide, IllusionOptimizer, Pair
from neuroinspect_tui.stages.masks import DIMMED
from neuroinspect_tui.stages.neuron_statistics import NeuronStatistics
from neuroinspect_tui.stages.recipes import DEFAULT, PAPER

from .toys import NEURONS, PREPROCESS, ColourEncoder, natural_features, statistics, toy

SHORT = replace(DEFAULT, steps=24)
ALL = [Pair(neuron, neuron % 5) for neuron in range(NEURONS)]


def illusions(pairs=ALL, recipe=SHORT, classifier=None, guide=None, **options):
    classifier = classifier or toy()
    return make_illusions(classifier, PREPROCESS, guide, pairs, statistics(toy()), recipe, **options)


def test_every_neuron_gets_a_picture_that_identifies_it():
    results = illusions(recipe=replace(DEFAULT, steps=64))
    assert [result.pair for result in results] == ALL
    assert sum(result.rank == 1 for result in results) >= NEURONS - 3
    assert sum(result.ratio > 1 and result.robust_ratio > 1 for result in results) >= NEURONS - 3


def test_the_same_seed_gives_the_same_picture_and_another_seed_another():
    first, again, other = (illusions([Pair(3, 1, seed)])[0] for seed in (0, 0, 5))
    assert torch.equal(first.rgb, again.rgb) and vars(first)["ratio"] == again.ratio
    assert (first.rgb.float() - other.rgb.float()).abs().mean() > 5


def test_pictures_painted_in_half_precision_are_measured_in_single():
    classifier = toy()
    results = illusions(ALL[:3], classifier=classifier, dtype=torch.bfloat16)
    plain = illusions(ALL[:3], classifier=classifier)
    for result, other in zip(results, plain, strict=True):
        pixels = result.rgb.permute(2, 0, 1)[None].float() / 255
        features = classifier.forward(PREPROCESS.normalise(pixels)).features[0]
        assert result.activation == pytest.approx(float(features[result.pair.neuron]), rel=1e-5)
        assert not torch.equal(result.rgb, other.rgb)


def test_a_picture_does_not_depend_on_its_company():
    together = illusions(batch_size=5)
    alone = illusions([ALL[4]])[0]
    assert (together[4].rgb.int() - alone.rgb.int()).abs().max() <= 1
    assert together[4].ratio == pytest.approx(alone.ratio, rel=1e-2)


def test_seeds_of_a_neuron_differ_more_when_they_are_made_together():
    pairs = [Pair(neuron, 1, seed) for seed in range(2) for neuron in range(6)]
    scale = statistics(toy()).scale()

    def likeness(results):
        rest = torch.stack([result.features / scale for result in results])
        rest = rest.scatter(1, torch.tensor([[pair.neuron] for pair in pairs]), 0)
        unit = nn.functional.normalize(rest - rest.mean(1, keepdim=True), dim=1)
        return (unit[:6] * unit[6:]).sum(1).mean()

    together = illusions(pairs, replace(DEFAULT, steps=48))
    apart = illusions(pairs[:6], replace(DEFAULT, steps=48)) + illusions(
        pairs[6:], replace(DEFAULT, steps=48)
    )
    assert likeness(together) < likeness(apart) - 0.05


def test_previews_come_every_eight_steps_with_picture_and_ratio():
    seen = []
    illusions(ALL[:2], replace(PAPER, steps=20), on_preview=lambda *preview: seen.append(preview))
    assert [(pair, step, steps) for pair, step, steps, *_ in seen] == [
        (pair, step, 20) for step in (8, 16) for pair in ALL[:2]
    ]
    *_, rgb, ratio = seen[0]
    assert rgb.shape == (16, 16, 3) and rgb.dtype == torch.uint8 and ratio == 0
    ratios = []
    illusions(ALL[:1], on_preview=lambda *preview: ratios.append(preview[-1]))
    assert ratios[0] > 0


def test_it_stops_between_two_steps_and_counts_them():
    progress = []

    def cancel(done, total):
        progress.append((done, total))
        if done == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        illusions(on_progress=cancel)
    assert progress == [(0, 24), (1, 24), (2, 24), (3, 24)]
    progress.clear()
    illusions(ALL[:1], replace(SHORT, steps=2), on_progress=lambda *on_progress: progress.append(on_progress))
    assert progress == [(0, 2), (1, 2), (2, 2)]


def test_pictures_that_are_done_need_fewer_steps():
    results = illusions(recipe=replace(DEFAULT, steps=200))
    early = [result for result in results if result.steps < 200]
    assert len(early) >= 8
    assert all(result.steps % 8 == 0 and result.rank == 1 and result.ratio >= 1.2 for result in early)


def test_no_pairs_make_no_pictures():
    assert illusions([]) == []


def test_a_neuron_that_is_silent_on_the_first_picture_is_woken_through_its_drive(monkeypatch):
    def hushed():
        classifier = toy()
        with torch.no_grad():
            classifier.module.norm.bias -= 0.25
        return classifier

    asleep = []
    start = IllusionOptimizer.step

    def step(self, number):
        if number == 0:
            with torch.no_grad():
                asleep.extend(
                    (self.classify(self.pictures(self.active)).features.diag()[:NEURONS] == 0).tolist()
                )
        start(self, number)

    monkeypatch.setattr(IllusionOptimizer, "step", step)
    pairs = [Pair(neuron, 0) for neuron in range(NEURONS)]
    results = make_illusions(hushed(), PREPROCESS, None, pairs, statistics(toy()), replace(DEFAULT, steps=64))
    assert sum(asleep) >= 5
    assert all(result.activation > 0 for result in results)


def test_clip_pulls_the_picture_towards_the_class_and_its_numbers_come_with_it():
    texts = {0: torch.tensor([1.0, 0, 0]), 1: torch.tensor([0, 0, 1.0])}
    guide = Guide(ColourEncoder(), texts, {0: torch.tensor([0.1, 0.2, 0.99, 0.999]), 1: torch.empty(0)})
    pairs = [Pair(1, 0), Pair(1, 1)]
    red, blue = illusions(pairs, replace(SHORT, clip_weight=20.0), guide=guide)
    means = [result.rgb.float().mean((0, 1)) for result in (red, blue)]
    assert means[0][0] > means[0][2] + 4 and means[1][2] > means[1][0] + 4
    expected = (nn.functional.normalize(means[0] / 255, dim=0) @ texts[0]).item()
    assert red.clip_similarity == pytest.approx(expected, abs=1e-4)
    assert red.clip_percentile == 50.0
    assert blue.clip_percentile is None
    assert illusions(pairs[:1])[0].clip_similarity is None


def test_fault_8_no_hook_stays_behind():
    classifier = toy()
    illusions(classifier=classifier)
    for module in classifier.module.modules():
        assert not module._forward_hooks and not module._forward_pre_hooks and not module._backward_hooks


TIMM = {
    "vit_tiny_patch16_224": {"img_size": 32, "patch_size": 8, "depth": 2},
    "convnext_atto": {"depths": (1, 1, 1, 1)},
}


@pytest.mark.parametrize("name", TIMM)
def test_fault_8_any_family_is_painted_beyond_nine_of_ten_images_and_masked(name):
    from neuroinspect_tui.torchvision_compat import import_torchvision

    import_torchvision()
    import timm

    torch.manual_seed(0)
    module = timm.create_model(name, pretrained=False, num_classes=4, **TIMM[name])
    classifier = prepare(ModelSource(name, module), 4, 32, torch.device("cpu"))
    natural = natural_features(classifier, 32)
    data = NeuronStatistics(natural.quantile(0.999, dim=0))
    pairs = [Pair(neuron, 0) for neuron in range(4)]
    results = make_illusions(classifier, Preprocess(32, 1.0), None, pairs, data)
    for result in results:
        neuron = result.pair.neuron
        robust = result.robust_ratio * data.scale()[neuron]
        assert (natural[:, neuron] < robust).float().mean() > 0.9
        assert result.mask.shape == (32, 32)
        assert set(result.mask.unique().tolist()) == {DIMMED, 1.0}


@pytest.mark.slow
def test_on_a_real_network_pictures_identify_neurons_for_and_against_a_class(real):
    from tests.benchmarks.real_sets import for_and_against, open_real

    patch_cat = open_real(real, "patch_cat")
    speaking, opposing = for_and_against(patch_cat, "cat", 8)
    target = patch_cat.classes.index("cat")
    pairs = [Pair(neuron, target) for neuron in speaking + opposing]
    data = NeuronStatistics(patch_cat.features.quantile(0.999, dim=0), patch_cat.basis)
    results = make_illusions(patch_cat.classifier, patch_cat.preprocess, None, pairs, data)
    assert sum(result.rank == 1 for result in results[:8]) == 8
    assert sum(result.rank == 1 for result in results[8:]) >= 7
    assert sum(result.robust_ratio >= 1 for result in results) >= 15
    assert all(result.probability > 0.5 for result in results[:8])
