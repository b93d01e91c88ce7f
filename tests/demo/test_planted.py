"""The faults planted in the demo are found: its culprits are neurons that answer to the cue."""

from dataclasses import dataclass

import pytest
import torch
from safetensors.torch import load_file

from neuroinspect_tui.demo import assets_dir
from neuroinspect_tui.demo.classifier_training import normalised
from neuroinspect_tui.demo.measure import labels_of, read_split
from neuroinspect_tui.demo.network import demo_resnet
from neuroinspect_tui.demo.objects import KINDS
from neuroinspect_tui.results import ClassRef
from neuroinspect_tui.stages.culprits import find_culprits
from neuroinspect_tui.tensors import Head, SplitFeatures

FAULTS = {"boat": ("background", "water"), "mug": ("watermark", "yes")}


@dataclass(frozen=True)
class Material:
    data: SplitFeatures
    head: Head
    rows: list[dict[str, str]]

    def cue(self, kind):
        column, value = FAULTS[kind]
        return torch.tensor([row[column] == value for row in self.rows])


@pytest.fixture(scope="module")
def material():
    pixels, rows = read_split(assets_dir(), "val")
    network = demo_resnet().eval()
    network.load_state_dict(load_file(assets_dir() / "classifier.safetensors"))
    with torch.inference_mode():
        maps = network.stages(torch.relu(network.stem(normalised(pixels))))
        features = maps.mean((2, 3))
        logits = network.fc(features)
    top, confidence = logits.topk(5), logits.softmax(1).amax(1)
    paths = [row["path"] for row in rows]
    data = SplitFeatures(
        "val",
        features.half(),
        labels_of(rows),
        top.values,
        top.indices,
        confidence,
        paths,
        torch.arange(len(rows)),
    )
    return Material(data, Head(network.fc.weight.detach(), network.fc.bias.detach()), rows)


def within_class_auroc(features, cue, labels):
    """[D]: chance that a neuron is higher with the cue than without, pairs of one class, mean over classes."""
    rates = []
    for label in range(len(KINDS)):
        with_cue, without = (features[(labels == label) & (cue == there)].float() for there in (True, False))
        higher = (with_cue[:, None] > without).double() + 0.5 * (with_cue[:, None] == without).double()
        rates.append(higher.mean((0, 1)))
    return torch.stack(rates).mean(0)


def shuffled_within_class(cue, labels, generator):
    shuffled = cue.clone()
    for label in range(len(KINDS)):
        rows = (labels == label).nonzero()[:, 0]
        shuffled[rows] = cue[rows[torch.randperm(len(rows), generator=generator)]]
    return shuffled


def chance_level(features, cue, labels, shuffles=40):
    """The AUROC that the best of all neurons reaches by chance in 39 of 40 shuffles of the cue."""
    generator = torch.Generator().manual_seed(0)
    best = [
        within_class_auroc(features, shuffled_within_class(cue, labels, generator), labels).max()
        for _ in range(shuffles)
    ]
    return sorted(best)[-2].item()


@pytest.mark.parametrize("kind", FAULTS)
def test_some_neurons_answer_to_the_cue(material, kind):
    features, labels, cue = material.data.features, material.data.labels, material.cue(kind)
    auroc = within_class_auroc(features, cue, labels)
    chance = chance_level(features, cue, labels)
    assert chance < 0.65
    assert (auroc > max(0.85, chance)).sum() >= 5


@pytest.mark.parametrize("mode", ["default", "paper"])
@pytest.mark.parametrize("kind", FAULTS)
def test_the_top_culprits_answer_to_the_cue(material, kind, mode):
    features, labels, cue = material.data.features, material.data.labels, material.cue(kind)
    auroc = within_class_auroc(features, cue, labels)
    report = find_culprits(material.data, material.head, ClassRef(KINDS.index(kind), kind), mode)
    found = [auroc[culprit.neuron].item() for culprit in report.insufficient[:5]]
    assert len(found) == 5
    assert min(found) > max(0.8, chance_level(features, cue, labels))
    assert min(found) > auroc.median().item() + 0.2


def test_other_classes_are_drawn_to_the_planted_class_by_its_cue(material):
    labels, predicted = material.data.labels, material.data.predicted
    for kind in FAULTS:
        target, cue = KINDS.index(kind), material.cue(kind)
        drawn = (predicted == target) & (labels != target)
        with_cue = drawn[cue].double().mean().item()
        assert with_cue > max(0.08, 3 * drawn[~cue].double().mean().item())
