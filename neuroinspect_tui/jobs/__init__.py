"""What a face may ask of the worker: each job names the type of its answer and where a session keeps it.

Jobs are values: equal jobs are the same job, so asking twice runs once. Neurons and classes are indices.
`Job` alone stands for a job with any answer.
"""

from .base import Job, Load, Out, Owner
from .causes import ExamineFailureModes, FindFailureModes, RunStress
from .cues import (
    DEFAULT_CUE,
    AddCue,
    ClearCue,
    LeaveOutCue,
    ListCues,
    MergeCues,
    OrderReview,
    RenameCue,
    SetTag,
)
from .evaluation import LARGEST_UNASKED, Evaluate, FindDuplicates, Open
from .images import FindNeighbours, ListSamples, MakeThumbnails
from .neurons import AskWhatIf, FindCulprits, FindExemplars, Illustrate, NameNeurons, SearchNeurons
from .repairs import (
    DiscardRepair,
    ExportRepair,
    LookThrough,
    Prescribe,
    PreviewRepair,
    RepairHead,
    VerifyRepair,
    WriteReport,
)

__all__ = [
    "AddCue",
    "AskWhatIf",
    "ClearCue",
    "DEFAULT_CUE",
    "DiscardRepair",
    "Evaluate",
    "ExamineFailureModes",
    "ExportRepair",
    "FindCulprits",
    "FindDuplicates",
    "FindExemplars",
    "FindFailureModes",
    "FindNeighbours",
    "Illustrate",
    "Job",
    "LARGEST_UNASKED",
    "LeaveOutCue",
    "ListCues",
    "ListSamples",
    "Load",
    "LookThrough",
    "MakeThumbnails",
    "MergeCues",
    "NameNeurons",
    "Open",
    "OrderReview",
    "Out",
    "Owner",
    "Prescribe",
    "PreviewRepair",
    "RenameCue",
    "RepairHead",
    "RunStress",
    "SearchNeurons",
    "SetTag",
    "VerifyRepair",
    "WriteReport",
]
