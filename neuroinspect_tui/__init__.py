"""NeuroInspect TUI: find, see and repair the neurons behind an image classifier's mistakes."""

__version__ = "0.1.0"
