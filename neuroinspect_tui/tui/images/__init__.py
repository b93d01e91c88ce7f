"""How pictures get into a terminal."""
