"""report.json as types: the names, nesting and units that outside programs rely on.

Rates are fractions 0…1 unless a name says percent; null stands where a number is not defined, NaN never
appears. Times stand only in `environment` and in `repairs[].seconds`. Later versions may add keys.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from ..config import RunConfig
from ..results import (
    Aim,
    Carried,
    ClassChange,
    ClassRef,
    ClassResult,
    ConfusedPair,
    CoverTest,
    CueGap,
    CueOrigin,
    ExemplarKind,
    FlipRate,
    ImageStatistic,
    LabelResult,
    ModeExemplar,
    Opponent,
    Outcome,
    Preprocessing,
    Prescription,
    ProjectOut,
    RareCell,
    ScoreHistogram,
    SplitDuplicates,
    SplitUse,
    StressResult,
    Unreadable,
    Verification,
    WeightedNeuron,
    WorstClass,
)

_RATE = {"type": "number", "minimum": 0, "maximum": 1}
_OPTIONAL_RATE = {"type": ["number", "null"], "minimum": 0, "maximum": 1}
_INTERVAL = {"type": "array", "items": _RATE, "minItems": 2, "maxItems": 2}
_PATH = {"type": "string", "pattern": r"^(?![/\\])(?!.*(^|/)\.\.(/|$)).+"}

Number = float | None
Count = Annotated[int, WithJsonSchema({"type": "integer", "minimum": 0})]
Rate = Annotated[float, WithJsonSchema({**_RATE, "description": "A fraction 0…1."})]
OptionalRate = Annotated[
    float | None, WithJsonSchema({**_OPTIONAL_RATE, "description": "A fraction 0…1; null where not defined."})
]
Interval = Annotated[
    tuple[float, float], WithJsonSchema({**_INTERVAL, "description": "A 95 % interval of a rate."})
]
ClassName = Annotated[
    str, Field(validation_alias="class", serialization_alias="class", description="The class's name.")
]
SessionPath = Annotated[
    str, WithJsonSchema({**_PATH, "description": "A file, relative to the session directory."})
]


class Part(BaseModel):
    """A part of the report."""

    model_config = ConfigDict(
        frozen=True, populate_by_name=True, json_schema_serialization_defaults_required=True
    )


class ModelPart(Part):
    """The classifier that was looked at."""

    name: str
    spec: str
    weights: str | None
    classes: Count
    features: Count
    parameters: Count
    device: str
    precision: str
    clip: str | None
    hashes: dict[str, str]


class Duplicates(Part):
    """Images that stand in two splits: what was fitted on one cannot be judged on the other."""

    between_splits: tuple[SplitDuplicates, ...] = ()


class DataPart(Part):
    """The images that it was looked at with."""

    name: str
    source: str
    split: str
    splits: dict[str, int]
    classes: tuple[str, ...]
    group_columns: tuple[str, ...]
    notes: tuple[str, ...]
    preprocessing: Preprocessing | None
    duplicates: Duplicates = Duplicates()


class Group(Part):
    """The images of one class that have one value in one group column."""

    column: str
    value: str
    class_: str = Field(
        validation_alias="class", serialization_alias="class", description="The class's name."
    )
    class_index: Count
    count: Count
    correct: Count
    accuracy: OptionalRate


class EvaluationPart(Part):
    """How the classifier does on the debugged split."""

    split: str
    samples: Count
    unreadable: tuple[Unreadable, ...]
    accuracy: OptionalRate
    macro_accuracy: OptionalRate
    classes: tuple[ClassResult, ...]
    groups: tuple[Group, ...]
    worst_group: Group | None
    labels: tuple[LabelResult, ...] = ()


class IllusionNumbers(Part):
    """A picture optimised for a unit and a class, and what it reaches."""

    class_: str = Field(
        validation_alias="class", serialization_alias="class", description="The class's name."
    )
    seed: int
    image: SessionPath
    mask: SessionPath | None
    activation: Number
    ratio: Number = Field(description="Activation over the 99.9 % quantile on the data.")
    robust_ratio: Number = Field(description="The same under random affine changes.")
    rank: int = Field(description="Place of the unit among all by ratio; 1: the picture identifies it.")
    probability: OptionalRate
    logit: Number
    clip_similarity: Number = Field(description="Cosine of picture and class text; null without CLIP.")
    clip_percentile: Number = Field(description="Percent of the class's real images that are less similar.")
    shown: bool = Field(description="False where the picture stays below real activations (ratio < 1).")


class NeuronIllusion(IllusionNumbers):
    """An illusion of a neuron."""

    neuron: Count


class FailureModePart(Part):
    """A group of mistakes with one cause, and the evidence for it; largest first."""

    id: int
    name: str | None = Field(description="The user's name, or one that held up on other images.")
    name_auroc: OptionalRate = Field(description="Of CLIP's name, on images that it was not found on.")
    spurious: bool
    weak: bool = Field(False, description="It does not come back when the mistakes are resampled.")
    mistakes: Count
    share: Rate = Field(description="Of all mistakes of the split.")
    pairs: tuple[ConfusedPair, ...]
    neurons: tuple[WeightedNeuron, ...]
    carried: Carried
    cover: CoverTest | None
    projected: ProjectOut | None
    statistic: ImageStatistic | None
    exemplars: tuple[ModeExemplar, ...]
    illusions: tuple[IllusionNumbers, ...]
    histogram: ScoreHistogram | None = None
    flips: tuple[FlipRate, ...] = Field((), description="How often the cue's region changes the answer.")


class TagNumbers(Part):
    """How many images were tagged by hand."""

    has: Count
    not_: Count = Field(validation_alias="not", serialization_alias="not")


class ProbePart(Part):
    """How well the tags carry to other images; `has` and `not` count images by hand or by the probe."""

    accuracy: OptionalRate = Field(description="Share of left-out tags that the probe gets right.")
    enough: bool
    has: Count
    not_: Count = Field(validation_alias="not", serialization_alias="not")
    unclear: Count
    cells: tuple[RareCell, ...] = Field(
        default=(), description="Rare (class, value): how many of the counted images are right."
    )


class CuePart(Part):
    """A named cue."""

    name: str
    tags: TagNumbers
    from_: CueOrigin = Field(validation_alias="from", serialization_alias="from")
    probe: ProbePart | None


class Neuron(Part):
    """A culprit neuron."""

    neuron: Count
    prec_at_5: float = Field(description="Percent of the mistakes that have it among their five largest.")
    importance: Number = Field(description="Retaining ratio: p(class) over the same without the neuron.")
    mended: OptionalRate = Field(description="Share of the mistakes fixed by setting this neuron alone.")
    mended_random: OptionalRate
    concept: str | None
    concept_score: Number
    spurious: Number
    spurious_reason: str


class Neurons(Part):
    """The two ranked lists of a class."""

    insufficient: tuple[Neuron, ...]
    excessive: tuple[Neuron, ...]


class ExemplarPart(Part):
    """A real image on which a neuron fires."""

    neuron: Count
    kind: ExemplarKind
    path: str
    label: ClassRef
    activation: float
    contribution: Number
    image: SessionPath
    mask: SessionPath | None


class GroupEstimatePart(Part):
    """The accuracy on the images of a class that truly have a cue (or have not), by those tagged by hand."""

    accuracy: Rate
    interval: Interval = Field(description="It holds the accuracy with 90 % probability.")
    images: Number = Field(description="About as many images are in the group.")
    tagged: Count = Field(description="Images of the class that were tagged by hand.")


class WorstGroupPart(Part):
    """The group of lowest accuracy."""

    column: str
    value: str
    class_: str = Field(
        validation_alias="class", serialization_alias="class", description="The class's name."
    )
    accuracy: Rate
    count: Count = 0
    estimated: bool = Field(False, description="A probe carried hand-made tags to some of its images.")
    estimate: GroupEstimatePart | None = Field(
        None, description="Of the group as it is in truth; None where nothing needs estimating."
    )


class MetricsPart(Part):
    """How one decision layer does on one split."""

    split: str
    accuracy: Rate
    class_accuracy: OptionalRate
    class_precision: Rate
    class_f1: Rate
    worst_class: WorstClass | None
    worst_group: WorstGroupPart | None
    accuracy_interval: Interval | None
    class_interval: Interval | None


class ComparisonPart(Part):
    """The repaired head (`after`) beside another one (`before`) on the same `n` images."""

    metric: Aim
    against: Opponent
    n: Count
    fixed: Count
    broken: Count
    before: OptionalRate
    after: OptionalRate
    interval: tuple[float, float] = Field(description="95 % interval of the difference, paired.")
    p: OptionalRate = Field(description="Exact McNemar test.")


class LoserPart(Part):
    """A class that loses by the repair."""

    class_: str = Field(
        validation_alias="class", serialization_alias="class", description="The class's name."
    )
    before: OptionalRate
    after: OptionalRate


class VerdictPart(Part):
    """What a repair is worth; the comparisons of the aim come first."""

    outcome: Outcome
    comparisons: tuple[ComparisonPart, ...] = ()
    losers: tuple[LoserPart, ...] = ()
    estimated: bool = Field(False, description="A number rests on tags that a probe carried.")


class FlippedImage(Part):
    """A judged image on which the two layers disagree; classes are indices."""

    path: str
    label: Count
    predicted: Count
    repaired: Count
    image: SessionPath | None


class RepairPart(Part):
    """A repaired decision layer beside the untouched one and the controls."""

    number: int
    method: str
    neurons: tuple[int, ...]
    parameters: dict[str, float | int | str]
    seconds: float
    head: SessionPath
    weights: SessionPath | None = Field(description="Null until it is accepted.")
    before: MetricsPart
    after: MetricsPart
    controls: dict[str, MetricsPart]
    fixed: Count
    broken: Count
    mcnemar_p: OptionalRate
    verdict: VerdictPart
    sentence: str = Field("", description="The verdict in words, for people: never parse it.")
    reason: str = Field("", description="How the method was chosen, in words.")
    classes: tuple[ClassChange, ...] = ()
    cues: tuple[str, ...] = Field((), description="Names of the cues whose tags it used.")
    splits: tuple[SplitUse, ...]
    accepted: bool = False
    request: str = ""
    unchanged: bool = Field(False, description="Nothing beat the untouched layer, which is kept.")
    verification: Verification | None = Field(default=None, description="Null where it was not verified.")
    prescription: Prescription | None = Field(default=None, description="Null without groups.")
    base: int | None = Field(None, description="The repair on top of which it was made, if any.")
    fixed_images: tuple[FlippedImage, ...] = Field((), description="Some that the layer before gets wrong.")
    broken_images: tuple[FlippedImage, ...] = Field((), description="Some that only it gets wrong.")
    gaps: tuple[CueGap, ...] = Field(
        (), description="How far the answers lean on cues that it was not told of, before and after."
    )
    same_as: int | None = Field(None, description="The first repair with the same decision layer.")


class DebuggedPart(Part):
    """What was found about one class."""

    class_: ClassRef = Field(validation_alias="class", serialization_alias="class")
    mode: str
    mistakes: Count
    unflipped: Count
    mended_together: OptionalRate
    mended_random_together: OptionalRate
    neurons: Neurons
    illusions: tuple[NeuronIllusion, ...]
    exemplars: tuple[ExemplarPart, ...]
    repairs: tuple[RepairPart, ...]


class Report(Part):
    """A NeuroInspect report."""

    schema_: Annotated[
        Literal["neuroinspect.report/2"], Field(validation_alias="schema", serialization_alias="schema")
    ] = "neuroinspect.report/2"
    model: ModelPart
    data: DataPart
    environment: dict[str, str | int | float | None]
    config: RunConfig
    evaluation: EvaluationPart
    failure_modes: tuple[FailureModePart, ...] = ()
    stress: StressResult | None = Field(None, description="Null where the battery was not run.")
    cues: tuple[CuePart, ...] = ()
    debugged: tuple[DebuggedPart, ...] = ()

    @property
    def repairs(self) -> tuple[RepairPart, ...]:
        """All repairs, class by class."""
        return tuple(repair for found in self.debugged for repair in found.repairs)


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of report.json (draft 2020-12), as shipped in `schema/report.schema.json`."""
    schema = Report.model_json_schema(mode="serialization", by_alias=True)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:neuroinspect:report:2",
        "title": "NeuroInspect report",
        "description": " ".join((__doc__ or "").split("\n\n", 1)[1].split()),
    }
    return {**schema, **head}
