from neuroinspect_tui.results import MoreImages, Prescription, SampledCell
from neuroinspect_tui.wording.prescriptions import more_words, sampler_words

NAMES = ("cat", "bird")


def test_the_gain_is_an_estimate_with_its_counts_or_too_few():
    found = MoreImages(0, "patch", "not", 40, 66, 100, 0.09, (0.05, 0.13))
    assert more_words(found, NAMES) == (
        "100 more images of cat without patch: +9 ± 4 points, estimated from refits of the decision layer with "
        "fewer of them (40 fitted on, 66 judged)"
    )
    few = MoreImages(1, "tint", "green", 5, 3, 15)
    assert more_words(few, NAMES) == (
        "15 more images of bird, tint green: too few to tell (5 fitted on, 3 judged)"
    )


def test_where_the_sampler_weights_are():
    cells = (SampledCell(0, ("has",), 90, 1, 0.5, 0.5), SampledCell(0, ("not",), 10, 0, 4.54, 0.5))
    found = Prescription(1, "train", ("patch",), 20.0, cells, (), "repairs/1-ridge/prescription")
    assert sampler_words(found) == (
        "repairs/1-ridge/prescription/weights.csv: sampler weights for the 100 images of train, "
        "up to 4.5 on average for a rare kind, none above 20"
    )
