"""`python -m tests.benchmarks.mode_study`: do the first eight failure modes follow the planted cue?

No method is told the cue. Of its first eight directions, the within-class AUROC of the best on `test`, mean over
three seeds, for K = 4, 8, 12, on val as it is and with the cue as rare on val as on train. Beside the modes: the
best single neuron (an oracle: it is chosen by the truth on test), the mistakes grouped by predicted class,
k-means on the mistakes' features, and a mixture over (features, label, prediction) in the manner of Domino
(Eyuboglu et al. 2022). Prints the table in Markdown.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.stats import rankdata
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture
from torch import Tensor

from neuroinspect_tui.stages.failure_modes import find_failure_modes, scores
from neuroinspect_tui.stages.failure_modes.arrays import split_of
from neuroinspect_tui.stages.failure_modes.mistakes import class_means
from neuroinspect_tui.tensors import GroupColumn, Head, SplitFeatures

from .mode_sets import stored
from .repair_data import REAL, TRUTH, Case, load_cases, skewed

PLANTED = ("faint", "two", "sticker", "frame")
FIRST = 8
Method = Callable[[SplitFeatures, Head, int, int], Tensor]
"""(debugged split, head, K, seed) → directions [K,D], most mistakes first."""


@dataclass(frozen=True)
class Study:
    """A case and the cues [N,Q] of its test split."""

    case: Case
    cues: Tensor


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.mode_study")
    parser.add_argument("--sets", nargs="*", default=[*PLANTED], help="planted sets beside the real ones")
    parser.add_argument("--k", nargs="*", type=int, default=[4, 8, 12])
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    names = ["set", "mistakes", *METHODS, "neuron (oracle)"]
    print(_line(["K", *names]), _line(["---"] * (len(names) + 1)), sep="\n")
    for study in studies(chosen.sets):
        val, test = study.case.splits["val"], study.case.splits["test"]
        oracle = torch.eye(study.case.head.neurons)
        for cue in range(study.cues.shape[1]):
            name = study.case.name + (f", cue {cue + 1}" if study.cues.shape[1] > 1 else "")
            for k in chosen.k:
                cells = [str(k), name, str(int(val.mistakes.sum()))]
                for method in METHODS.values():
                    found = [method(val, study.case.head, k, seed)[:FIRST] for seed in range(3)]
                    values = [best(test, one, study.cues[:, cue]) for one in found]
                    cells.append(f"{statistics.mean(values):.3f}")
                print(_line([*cells, f"{best(test, oracle, study.cues[:, cue]):.3f}"]), flush=True)


def studies(planted: Sequence[str]) -> Iterator[Study]:
    """Yield every set, with val as it is and skewed."""
    cases = [(case, case.splits["test"].groups[TRUTH].codes[:, None].bool()) for case in load_cases()]
    cases += [_planted(name) for name in planted if REAL.is_dir()]
    for case, cues in cases:
        yield Study(case, cues)
        yield Study(skewed(case), cues)


def _planted(name: str) -> tuple[Case, Tensor]:
    made = stored(name)
    head = Head(made["weight"], made["bias"])
    splits = {}
    for split in ("train", "val", "test"):
        data = split_of(made[split]["features"], made[split]["labels"], head, split)
        column = GroupColumn(TRUTH, ("without", "with"), made[split]["cue"][:, 0].long())
        splits[split] = replace(data, groups={TRUTH: column})
    return Case(name, splits, head, tuple(made["names"]), 0), made["test"]["cue"].bool()


def best(test: SplitFeatures, directions: Tensor, cue: Tensor) -> float:
    """Return the largest within-class AUROC of a cue among directions, either way round."""
    values = scores(test.features, directions).numpy()
    found = [within_class_auroc(column, test.labels.numpy(), cue.numpy()) for column in values.T]
    return max(max(one, 1 - one) for one in found)


def within_class_auroc(values: np.ndarray, labels: np.ndarray, cue: np.ndarray) -> float:
    """Return the AUROC within each class, averaged by images."""
    total, count = 0.0, 0
    for label in np.unique(labels):
        own, having = values[labels == label], cue[labels == label]
        first, second = int(having.sum()), int((~having).sum())
        if first and second:
            surplus = rankdata(own)[having].sum() - first * (first + 1) / 2
            total += surplus / (first * second) * len(own)
            count += len(own)
    return total / count


def modes(data: SplitFeatures, head: Head, k: int, seed: int) -> Tensor:
    """Ours."""
    return find_failure_modes(data, head, k, seed).directions


def by_prediction(data: SplitFeatures, head: Head, k: int, seed: int) -> Tensor:
    """Group the mistakes by predicted class: what their features have beyond their class, on average."""
    return _means(data, head, data.predicted[data.mistakes])


def by_features(data: SplitFeatures, head: Head, k: int, seed: int) -> Tensor:
    """Group the mistakes by k-means on what their features have beyond their class."""
    beyond = _beyond(data, head)[data.mistakes].numpy()
    model = KMeans(min(k, len(beyond)), n_init=4, random_state=seed).fit(beyond)
    return _means(data, head, torch.from_numpy(model.labels_).long())


def by_mixture(data: SplitFeatures, head: Head, k: int, seed: int) -> Tensor:
    """Slice all images by a mixture over features, label and prediction; directions to the slices' means."""
    features = data.features.float()
    low = torch.pca_lowrank(features, min(64, *features.shape), niter=4)[0].numpy()
    codes = [torch.nn.functional.one_hot(one, head.classes) for one in (data.labels, data.predicted)]
    joined = np.concatenate([low / low.std(), *(10**0.5 * code.numpy() for code in codes)], 1)
    count = min(k, len(joined) // 4)
    model = GaussianMixture(count, covariance_type="diag", reg_covar=1e-2, random_state=seed).fit(joined)
    slices = torch.from_numpy(model.predict(joined)).long()
    wrong = torch.bincount(slices[data.mistakes], minlength=count)
    beyond = _beyond(data, head)
    order = wrong.argsort(descending=True)
    return torch.stack([beyond[slices == one].mean(0) for one in order if (slices == one).any()])


def _means(data: SplitFeatures, head: Head, groups: Tensor) -> Tensor:
    """Return the mean of each group of mistakes beyond their class, largest group first."""
    beyond, counts = _beyond(data, head)[data.mistakes], torch.bincount(groups)
    order = counts.argsort(descending=True)[: int((counts > 0).sum())]
    return torch.stack([beyond[groups == group].mean(0) for group in order])


def _beyond(data: SplitFeatures, head: Head) -> Tensor:
    return data.features.float() - class_means(data, head.classes)[data.labels]


METHODS: dict[str, Method] = {
    "failure modes": modes,
    "by prediction": by_prediction,
    "k-means": by_features,
    "mixture": by_mixture,
}


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
