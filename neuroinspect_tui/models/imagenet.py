"""ImageNet's classes by the number of a model's outputs: names and WordNet ids, as timm lists them."""

from __future__ import annotations

from ..torchvision_compat import import_torchvision
from .source import ClassNames

CLASSES = 1000


def imagenet_classes(outputs: int, certain: bool = True) -> ClassNames:
    """Return the classes of ImageNet-1k, or of the part of ImageNet-21k that has as many `outputs`.

    Of 1000 outputs the short names that torchvision uses, each once; empty for any other number.
    """
    if outputs < CLASSES:
        return ClassNames()
    import_torchvision()
    from timm.data.imagenet_info import ImageNetInfo, infer_imagenet_subset

    subset = infer_imagenet_subset({"num_classes": outputs})
    if subset is None:
        return ClassNames()
    known = ImageNetInfo(subset)
    names = known.label_descriptions()
    if outputs == CLASSES:
        names = import_torchvision().models.ResNet18_Weights.DEFAULT.meta["categories"]
    return ClassNames(tuple(name.partition(", ")[0] for name in names), tuple(known.label_names()), certain)
