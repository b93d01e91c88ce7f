"""The headless face."""
