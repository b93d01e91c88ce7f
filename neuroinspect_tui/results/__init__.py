"""What the stages find, as plain values: the session stores them as JSON and the screens show them.

Nothing here imports torch or numpy. Rates are fractions 0…1 unless a name says percent;
`None` stands where a number is not defined (an accuracy over no images).
"""

from .cues import Cue, CueOrigin, ProbeQuality, RareCell, Tag, TagCounts
from .culprits import Concept, Culprit, CulpritReport, PropertyKind
from .duplicates import SplitDuplicates
from .evaluation import (
    ClassRef,
    ClassResult,
    Confusion,
    Evaluation,
    GroupResult,
    ImageNeighbours,
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
from .repaired import Flip, ModeChange, RepairedImage, RepairedLayer
from .repairs import Repair, RepairPreview, SplitUse, WhatIf
from .stress import Pull, StressResult
from .tags import ReviewItem
from .verdicts import Aim, Choice, ClassChange, Comparison, CueGap, Hurt, Loser, Opponent, Outcome, Verdict
from .verifications import DifferingImage, JudgedImages, Verification

__all__ = [
    "Aim",
    "Carried",
    "Choice",
    "ClassChange",
    "ClassRef",
    "ClassResult",
    "Comparison",
    "Concept",
    "ConfusedPair",
    "Confusion",
    "CoverTest",
    "Cue",
    "CueOrigin",
    "CueGap",
    "Culprit",
    "CulpritReport",
    "DifferingImage",
    "Evaluation",
    "Exemplar",
    "ExemplarKind",
    "FailureMode",
    "Flip",
    "FlipChange",
    "FlipRate",
    "GroupEstimate",
    "GroupResult",
    "Hurt",
    "Illusion",
    "ImageNeighbours",
    "ImageStatistic",
    "JudgedImages",
    "LabelIssue",
    "Loser",
    "LabelResult",
    "Metrics",
    "ModeChange",
    "ModeExemplar",
    "MoreImages",
    "Opened",
    "Opponent",
    "Outcome",
    "Preprocessing",
    "Prescription",
    "ProbeQuality",
    "ProjectOut",
    "PropertyKind",
    "Pull",
    "RareCell",
    "Repair",
    "RepairPreview",
    "RepairedImage",
    "RepairedLayer",
    "ReviewItem",
    "Sample",
    "SampledCell",
    "ScoreHistogram",
    "SplitDuplicates",
    "SplitUse",
    "StressResult",
    "Tag",
    "TagCounts",
    "Unreadable",
    "Verdict",
    "Verification",
    "WeightedNeuron",
    "WhatIf",
    "WorstClass",
    "WorstGroup",
]
