"""What the stages find, as plain values: the session stores them as JSON and the screens show them.

Nothing here imports torch or numpy. Rates are fractions 0…1 unless a name says percent;
`None` stands where a number is not defined (an accuracy over no images).
"""

from .cues import Cue, CueOrigin, ProbeQuality, Tag, TagCounts
from .culprits import Concept, Culprit, CulpritReport, PropertyKind
from .duplicates import SplitDuplicates
from .evaluation import (
    ClassRef,
    ClassResult,
    Confusion,
    Evaluation,
    GroupResult,
    LabelIssue,
    LabelResult,
    Sample,
    Unreadable,
)
from .failure_modes import (
    Carried,
    ConfusedPair,
    CoverTest,
    FailureMode,
    FlipChange,
    FlipRate,
    ImageStatistic,
    ModeExemplar,
    ProjectOut,
    ScoreHistogram,
    WeightedNeuron,
)
from .metrics import GroupEstimate, Metrics, WorstClass, WorstGroup
from .opened import Opened, Preprocessing
from .pictures import Exemplar, ExemplarKind, Illusion
from .prescriptions import MoreImages, Prescription, SampledCell
from .repairs import Repair, RepairPreview, SplitUse, WhatIf
from .stress import Pull, StressResult
from .tags import ReviewItem
from .verdicts import Aim, Choice, ClassChange, Comparison, Hurt, Loser, Opponent, Outcome, Verdict
from .verifications import DifferingImage, JudgedImages, Verification

__all__ = [
    "ClassRef",
    "ClassResult",
    "Concept",
    "Confusion",
    "Culprit",
    "CulpritReport",
    "Evaluation",
    "Exemplar",
    "ExemplarKind",
    "GroupEstimate",
    "GroupResult",
    "Illusion",
    "LabelIssue",
    "LabelResult",
    "Metrics",
    "Opened",
    "Preprocessing",
    "PropertyKind",
    "Repair",
    "RepairPreview",
    "ReviewItem",
    "Sample",
    "SplitDuplicates",
    "SplitUse",
    "Unreadable",
    "WhatIf",
    "WorstClass",
    "WorstGroup",
    "Cue",
    "CueOrigin",
    "ProbeQuality",
    "Tag",
    "TagCounts",
    "Carried",
    "ConfusedPair",
    "CoverTest",
    "FailureMode",
    "FlipChange",
    "FlipRate",
    "ImageStatistic",
    "ModeExemplar",
    "ProjectOut",
    "ScoreHistogram",
    "WeightedNeuron",
    "Aim",
    "Choice",
    "ClassChange",
    "Comparison",
    "Hurt",
    "Loser",
    "Opponent",
    "Outcome",
    "Verdict",
    "MoreImages",
    "Prescription",
    "SampledCell",
    "Pull",
    "StressResult",
    "DifferingImage",
    "JudgedImages",
    "Verification",
]
