"""Classifiers and CLIP guides: loading, and what the stages need to know of them."""
