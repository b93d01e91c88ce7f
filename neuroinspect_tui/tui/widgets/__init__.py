"""The parts of the screens, grouped by what they show."""
