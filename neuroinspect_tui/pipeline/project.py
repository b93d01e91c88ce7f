"""What one run works on: the session, the data, the classifier and the CLIP guide, each loaded once."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from functools import cached_property
from typing import TypeVar

from torch import Tensor, nn

from ..config import RunConfig
from ..data.class_names import ModelClasses, read_class_list
from ..data.dataset import load_dataset
from ..data.groups import group_column, group_columns
from ..data.label_view import LabelChoice, LabelView
from ..data.splits import ImageDataset, Split
from ..data.transforms import Preprocess, resolve_preprocess
from ..demo import demo_clip
from ..errors import InputError
from ..jobs import Job
from ..models.classifier import Classifier, prepare
from ..models.clip import Clip, check_clip, load_clip
from ..models.device import choose_device, choose_painting_precision, choose_precision
from ..models.recorded import Recorded, is_recorded
from ..models.recorded_files import read_recorded
from ..models.sources import ModelSource, module_source, open_model
from ..runtime.cpu import usable_cores
from ..runtime.rank_group import RankGroup
from ..session.features import FeatureStore
from ..session.store import Session
from ..stages.neuron_statistics import NeuronStatistics
from ..stages.units import Units
from ..tensors import GroupColumn, Head, SplitFeatures
from .preprocessing import unmatched
from .recordings import label_view, recorded_dataset
from .tagging import CueStore

T = TypeVar("T")
MOST_READERS = 16


class Project:
    """The inputs of a run, loaded when first asked for; `session` is open for writing on rank 0."""

    def __init__(
        self,
        config: RunConfig,
        session: Session,
        group: RankGroup | None = None,
        module: nn.Module | None = None,
    ) -> None:
        self.config, self.session, self.group = config, session, group or RankGroup()
        self.module = module
        self.device = choose_device(self.group.device(config.compute.device))
        self.dtype = choose_precision(config.compute.precision)
        self.illusion_dtype = choose_painting_precision(self.device, config.compute.precision)
        check_clip(self._clip_spec)
        self.cues = CueStore(session)
        self.statistics: NeuronStatistics | None = None
        self.search_images: Tensor | None = None
        self.units: Units | None = None
        self.reported: set[str] = set()
        self.resumed: set[str] = set()
        self._features: dict[str, SplitFeatures] = {}

    def known(self, job: Job[T]) -> T | None:
        """Return the answer to `job` that the session knows, or None."""
        return job.recall(self.config, self.session.load)

    def keep(self, job: Job, answer: object) -> None:
        """Keep the answer to a job whose answers have a name in the session."""
        name = job.key(self.config)
        if name is None:
            raise ValueError(f"the answer to {job} has no name in a session")
        self.session.save(name, answer)

    @cached_property
    def dataset(self) -> ImageDataset:
        """The data set, its classes those of the classifier; raises InputError.

        With `fast_decode`, JPEG files are decoded no larger than the preprocessing needs.
        """
        found = self._dataset()
        return found.no_larger_than(self.preprocess.resize_size) if self.config.data.fast_decode else found

    def _dataset(self) -> ImageDataset:
        if self.recorded is not None:
            found = recorded_dataset(self.recorded, self._recorded_view and self._recorded_view[0])
            found.split(self.config.data.split)
            return found
        known = self._classifier.classes
        count = self._classifier.head.classes
        named = ModelClasses(count, known.names or None, known.keys or None)
        try:
            return load_dataset(self.config.data, named)
        except InputError:
            if known.certain or not known.names:
                raise
            with contextlib.suppress(InputError):
                return load_dataset(self.config.data, ModelClasses(count))
            raise

    @cached_property
    def recorded(self) -> Recorded | None:
        """What `-m npz:` or `--predictions` brings in the place of a network; raises InputError."""
        whole, seen = self._recorded, self._recorded_view
        return whole if whole is None or seen is None else whole.of_label(seen[0].output, seen[0].threshold)

    @cached_property
    def _recorded_view(self) -> tuple[LabelView, str] | None:
        """Which of several recorded labels is looked at, and a note that says so."""
        data = self.config.data
        if self._recorded is None or not self._recorded.marked:
            return None
        return label_view(self._recorded, LabelChoice(data.label, data.threshold))

    @cached_property
    def _recorded(self) -> Recorded | None:
        spec, classes = self.config.model.spec, self.config.data.classes
        if not is_recorded(spec):
            return None
        names = read_class_list(classes).names if classes else None
        return read_recorded(spec, self.config.data.split, names)

    @property
    def split(self) -> Split:
        """The split to debug."""
        return self.dataset.split(self.config.data.split)

    @property
    def names(self) -> tuple[str, ...]:
        """The class names."""
        return self.dataset.class_names

    @cached_property
    def _source(self) -> ModelSource:
        if self.module is not None:
            return module_source(self.config.model.spec, self.module)

        def classes() -> tuple[str, ...]:
            return load_dataset(self.config.data).output_names

        return open_model(self.config.model, classes, self.config.preprocess.image_size)

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What is assumed about the model because nobody said otherwise, for the user to know."""
        if self.recorded is not None:
            chosen = self._recorded_view if self.config.data.label is None else None
            noted = () if chosen is None else (chosen[1],)
            return ("answers are recorded: what needs the network is left out", *noted)
        given, notes = self.config.preprocess, list(self.classifier.notes)
        notes += filter(None, [unmatched(self.preprocess, self._source)])
        if self._source.preprocess is None and given.mean is None and given.std is None:
            notes.append("pixels are normalised as for ImageNet, for the model says nothing (--mean, --std)")
        if self.config.model.weights is None and ".py:" in self.config.model.spec:
            notes.append(f"no -w: the weights are those that {self.config.model.spec} builds")
        if self.config.data.fast_decode:
            notes.append("large JPEGs are decoded at reduced size: pixels differ slightly (--fast-decode)")
        return tuple(notes)

    @cached_property
    def preprocess(self) -> Preprocess:
        """The one preprocessing that every stage uses."""
        if self.recorded is not None:
            return resolve_preprocess(self.config.preprocess)
        return resolve_preprocess(self.config.preprocess, self._source.preprocess, self._source.channels)

    @property
    def workers(self) -> int:
        """How many threads read images: by default two, with a GPU one for each core of the rank."""
        if self.config.compute.workers is not None:
            return self.config.compute.workers
        cores = usable_cores() // self.group.ranks.size
        return 2 if self.device.type == "cpu" else min(MOST_READERS, max(2, cores))

    @cached_property
    def classifier(self) -> Classifier:
        """The classifier; raises InputError, also where only its answers are recorded."""
        view = self.dataset.view
        return self._classifier if view is None else self._classifier.of_label(view.output, view.threshold)

    @cached_property
    def _classifier(self) -> Classifier:
        """The classifier with all its outputs."""
        if self.recorded is not None:
            raise self.recorded.no_network()
        return prepare(self._source, None, self.preprocess.image_size, self.device, self.dtype)

    @property
    def model(self) -> Classifier | Recorded:
        """The classifier, or what is recorded of it."""
        return self.recorded or self.classifier

    @cached_property
    def head(self) -> Head:
        """The decision layer as it was trained."""
        return self.model.head

    @cached_property
    def clip(self) -> Clip | None:
        """The CLIP guide, or None when the run has none."""
        return load_clip(self._clip_spec, self.device, self.illusion_dtype)

    @property
    def _clip_spec(self) -> str:
        return demo_clip() if self.config.debug.clip == "demo" else self.config.debug.clip

    @cached_property
    def group_columns(self) -> tuple[str, ...]:
        """The columns that make groups."""
        return group_columns(self.dataset, self.config.data.groups)

    def store(self, split: str) -> FeatureStore:
        """Where the features of a split lie."""
        return FeatureStore(self.session, split, len(self.dataset.split(split)))

    def evaluated(self, split: str) -> bool:
        """Whether every image of a split has been evaluated."""
        return self.store(split).complete()

    def features(self, split: str) -> SplitFeatures:
        """Return the features of an evaluated split; raises InputError when it was not evaluated yet."""
        if split not in self._features:
            images, store = self.dataset.split(split), self.store(split)
            if not store.complete():
                raise InputError(f"split {split} is not evaluated yet", "wait for the evaluation")
            features = store.open(images.paths)
            self._features[split] = replace(features, groups=self._groups(split, features.rows))
        return self._features[split]

    def _groups(self, split: str, rows: Tensor) -> dict[str, GroupColumn]:
        """The group columns of a split's readable images, coded alike in every split."""
        whole = (group_column(self.dataset, split, name) for name in self.group_columns)
        return {column.name: replace(column, codes=column.codes[rows]) for column in whole}
