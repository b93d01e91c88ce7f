"""Stage 3: repair the decision layer, choose among repairs, judge them."""

from .arrays import repair_head
from .run import GroupInfo, ModeAim, RepairOutcome, preview, repair_class

__all__ = ["GroupInfo", "ModeAim", "RepairOutcome", "preview", "repair_class", "repair_head"]
