"""What is said of a label by the images around it."""

from neuroinspect_tui.results import ImageNeighbours, Sample
from neuroinspect_tui.wording.neighbours import label_words

NAMES = ("boat", "mug")
MISTAKE = Sample("val", 0, "a.jpg", 0, 1, 0.97)


def test_a_label_that_most_neighbours_contradict_is_doubtful():
    found = ImageNeighbours((), (1, 1, 1, 1, 1, 1, 1, 0, 0, 0), 0.02)
    assert label_words(MISTAKE, found, NAMES) == (
        "Of the 10 nearest images 3 are labelled boat, 7 mug; the model gives boat 2.0 %: the label is doubtful."
    )


def test_a_label_that_its_neighbours_share_is_not():
    found = ImageNeighbours((), (0, 0, 0, 1), 0.02)
    assert label_words(MISTAKE, found, NAMES).endswith(
        "3 are labelled boat, 1 mug; the model gives boat 2.0 %: no sign of a wrong label."
    )
    right = Sample("val", 0, "a.jpg", 0, 0, 0.97)
    assert label_words(right, found, NAMES) == "Of the 4 nearest images 3 are labelled boat."
