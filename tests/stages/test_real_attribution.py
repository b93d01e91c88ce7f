"""The pass, the tables and the culprits on real photographs, against programs and truths of others."""

import json

import pytest
import torch
from sklearn.metrics import roc_auc_score

from neuroinspect_tui.config import DataConfig, ModelConfig, PreprocessConfig
from neuroinspect_tui.data.dataset import load_dataset
from neuroinspect_tui.data.groups import group_column
from neuroinspect_tui.data.transforms import resolve_preprocess
from neuroinspect_tui.models.classifier import load_classifier
from neuroinspect_tui.results import ClassRef
from neuroinspect_tui.stages.culprits import find_culprits
from neuroinspect_tui.stages.evaluation import detect_permutation, evaluate_rows, summarise
from neuroinspect_tui.tensors import SplitFeatures

AS_STORED = PreprocessConfig(
    image_size=32, crop_pct=1.0, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def evaluated(real):
    """Return a function (set, architecture, split) -> (dataset, features, head), each computed once."""
    done = {}

    def evaluate(name, architecture, split_name):
        key = name, architecture, split_name
        if key not in done:
            dataset = load_dataset(DataConfig(str(real / name / "metadata.csv"), split=split_name))
            model = ModelConfig(
                f"{real / 'models.py'}:{architecture}",
                str(real / name / f"model_cifar_{architecture.removesuffix('_two')}.safetensors"),
            )
            classifier = load_classifier(
                model, AS_STORED, len(dataset.class_names), torch.device("cpu"), torch.float32
            )
            split = dataset.split(split_name)
            preprocess = resolve_preprocess(AS_STORED)
            shard = evaluate_rows(classifier, split, preprocess, range(len(split)), 64)
            done[key] = dataset, as_features(shard, dataset, split), classifier.head
        return done[key]

    return evaluate


def as_features(shard, dataset, split):
    columns = [name for name in ("group_name", "confounder", "pred_resnet20") if name in split.columns]
    assert len(shard.rows) == len(split)
    return SplitFeatures(
        split.name,
        shard.features.half(),
        shard.labels,
        shard.top_logits,
        shard.top_classes,
        shard.confidence,
        split.paths,
        shard.rows,
        {name: group_column(dataset, split.name, name) for name in columns},
    )


@pytest.mark.parametrize("split", ["val", "test"])
@pytest.mark.parametrize(
    ("name", "architecture"), [("patch_cat", "resnet20"), ("tint_birdplane", "resnet20_two")]
)
def test_rates_equal_those_of_an_independent_program(real, evaluated, name, architecture, split):
    file = f"model_cifar_{architecture.removesuffix('_two')}.expected.json"
    expected = json.loads((real / name / file).read_text())[split]
    dataset, data, _ = evaluated(name, architecture, split)
    found = summarise(data, (), dataset.class_names)
    assert 100 * found.accuracy == pytest.approx(expected["avg"], abs=0.01)
    rates = {str(row.index): 100 * row.accuracy for row in found.classes}
    assert rates == pytest.approx(expected["per_class"], abs=0.01)
    for value, rate in expected["groups"].items():
        rows = [row for row in found.groups if (row.column, row.value) == ("group_name", value)]
        share = sum(row.correct for row in rows) / sum(row.count for row in rows)
        assert 100 * share == pytest.approx(rate, abs=0.01)
    assert detect_permutation(data.labels, data.predicted, len(dataset.class_names)) is None


def test_every_prediction_equals_that_of_an_independent_program(evaluated):
    dataset, data, _ = evaluated("cifar10_jpeg", "resnet20", "test")
    column = data.groups["pred_resnet20"]
    expected = [column.values[code] for code in column.codes.tolist()]
    assert [dataset.class_names[index] for index in data.predicted.tolist()] == expected


def test_a_permuted_order_of_real_classes_is_found(evaluated):
    dataset, data, _ = evaluated("cifar10_jpeg", "resnet20", "test")
    order = torch.tensor([1, 0, 2, 3, 4, 5, 6, 7, 8, 9])
    found = detect_permutation(data.labels, order[data.predicted], len(dataset.class_names))
    assert found == tuple(order.tolist())


def cue_strength(data, neurons):
    """How well each neuron tells images with the cue from those without: AUROC away from one half."""
    cue = data.groups["confounder"].codes.numpy()
    return [abs(roc_auc_score(cue, data.features[:, neuron].float()) - 0.5) for neuron in neurons]


@pytest.mark.parametrize("mode", ["default", "paper"])
@pytest.mark.parametrize(
    ("name", "architecture", "target", "kind"),
    [
        ("patch_cat", "resnet20", 3, "insufficient"),
        ("patch_cat", "resnet20", 5, "excessive"),
        ("tint_birdplane", "resnet20_two", 0, "excessive"),
        ("tint_birdplane", "resnet20_two", 1, "excessive"),
    ],
)
def test_the_first_culprits_respond_to_the_planted_cue(evaluated, name, architecture, target, kind, mode):
    """Cats are missed for want of the square, dogs for having it; birds and planes for the other's tint."""
    dataset, data, head = evaluated(name, architecture, "val")
    report = find_culprits(data, head, ClassRef(target, dataset.class_names[target]), mode)
    first = [row.neuron for row in getattr(report, kind)[:5]]
    strength, chance = (sum(s) / len(s) for s in (cue_strength(data, first), cue_strength(data, range(64))))
    assert len(first) == 5 and strength > 1.5 * chance
    assert report.unflipped == 0
    assert report.mended_together > 0.5 > report.mended_random_together
