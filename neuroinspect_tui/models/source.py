"""What every origin of a model hands over: the module, and what it knows of its images and classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from torch import Tensor, nn

from ..config import ModelConfig, ModelPreprocess
from ..tensors import Head
from .weights import StateFile


@dataclass(frozen=True)
class ClassNames:
    """The classes in the order of a model's outputs: what people call them, and their WordNet ids if known.

    `certain` unless they are assumed from the number of outputs alone.
    """

    names: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    certain: bool = True


class Exporter(Protocol):
    """Writes a repaired decision layer in a form of its own."""

    def __call__(self, head: Head) -> tuple[dict[str, Tensor], dict[str, str]]:
        """Return the tensors and the metadata of the safetensors file."""


@dataclass(frozen=True)
class ModelSource:
    """A module filled with its weights, the preprocessing and classes it carries, the file that filled it.

    `channels` is what its first layer reads: 1, 3 or 4. `notes` say what the user should know. `own_picture`
    is what its own library makes of a picture [H,W,3] uint8, to compare with what `preprocess` makes of it.
    """

    name: str
    module: nn.Module
    preprocess: ModelPreprocess | None = None
    state: StateFile | None = None
    classes: ClassNames = field(default_factory=ClassNames)
    channels: int = 3
    notes: tuple[str, ...] = ()
    exporter: Exporter | None = None
    own_picture: Callable[[np.ndarray], Tensor] | None = None

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes by output, () when the model does not know them."""
        return self.classes.names


@dataclass(frozen=True)
class Wanted:
    """What a model is asked to be: `-m`, `-w` and the like, the image size, and the data's classes.

    `data_classes` is asked only where a builder cannot do without their number or names.
    """

    config: ModelConfig
    state: StateFile | None
    image_size: int | None
    data_classes: Callable[[], Sequence[str]]

    @property
    def spec(self) -> str:
        """The text of `-m`."""
        return self.config.spec
