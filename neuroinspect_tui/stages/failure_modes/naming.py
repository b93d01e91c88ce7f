"""A name that is verified: CLIP finds it on one half of the pictures and is tested on the other."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..concepts import Vocabulary, name_neuron

SIGNIFICANT = 0.05
FEWEST = 8
"""Pictures with and without the cue that a name needs at least, four for finding and four for testing."""


@dataclass(frozen=True)
class VerifiedName:
    """A name and the AUROC, on pictures that did not choose it, of its cosine for those with the cue."""

    label: str
    auroc: float


def verified_name(
    firing: Tensor, silent: Tensor, vocabulary: Vocabulary, seed: int = 0
) -> VerifiedName | None:
    """Name a mode from unit CLIP embeddings of pictures with the cue [P,E] and without [S,E], or do not.

    Every second picture finds the name (`name_neuron`); it is kept if, on the others, its cosine is larger
    for pictures with the cue (Mann–Whitney, one-sided p < .05). Give both in order of score.
    """
    if min(len(firing), len(silent)) < FEWEST:
        return None
    label = name_neuron(0, firing[::2], silent[::2], vocabulary, seed).label
    if label is None:
        return None
    text = vocabulary.texts[vocabulary.labels.index(label)].float()
    own, other = ((part[1::2].float() @ text).numpy() for part in (firing, silent))
    from scipy.stats import mannwhitneyu  # here: half a second that few runs need

    test = mannwhitneyu(own, other, alternative="greater")
    if not test.pvalue < SIGNIFICANT:
        return None
    return VerifiedName(label, float(test.statistic) / (len(own) * len(other)))
