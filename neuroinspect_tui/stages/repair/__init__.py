"""Stage 3: repair the decision layer, choose among repairs, judge them."""

from .run import ModeAim, RepairOutcome, Told, repair_class

__all__ = ["ModeAim", "RepairOutcome", "Told", "repair_class"]
