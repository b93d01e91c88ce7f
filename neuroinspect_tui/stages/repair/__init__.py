"""Stage 3: repair the decision layer, choose among repairs, judge them (design §3.5)."""

from .run import RepairOutcome, repair_class

__all__ = ["RepairOutcome", "repair_class"]
