"""The words of reports and help, for readers who have not seen the program."""

from __future__ import annotations

GLOSSARY = (
    ("failure mode", "a group of mistakes with one cause: one direction in the space of the features"),
    (
        "carries the cue",
        "scores above the mode's threshold; p is Fisher's exact test of mistakes against right answers of "
        "the same classes, corrected for the number of modes (Holm)",
    ),
    (
        "cover test",
        "the region that excites the mode most (15 % of the image) is blurred and the classifier asked "
        "again; elsewhere: the same with an equal region moved to other places, as a control",
    ),
    ("cue", "something that images have or do not have, named and tagged by hand"),
    (
        "estimate",
        "a number that rests on tags that a probe carried from hand-tagged images to the others; what is not "
        "called an estimate was measured",
    ),
    (
        "verdict",
        "the repaired layer beside others on images that it never used: the class first, then all images, "
        "then the worst group. Difference with a paired 95 % interval; p is the exact McNemar test. Without "
        "groups: the same method without tags; shuffled tags: with the tags in random order",
    ),
    ("controls", "repairs that ignore the cause; a repair that does no better than they do is no repair"),
    ("fixed, broken", "images that only the repaired layer, or only the other one, gets right"),
    (
        "group",
        "the images of one class with one value of a column of the data, or that have, or lack, a tagged cue",
    ),
    ("neuron", "one number of the vector that the decision layer sees"),
    (
        "insufficient, excessive",
        "the smallest change that turns a mistake into the right answer raises, or lowers, this neuron",
    ),
    ("prec@5", "percent of the class's mistakes that have the neuron among their five largest changes"),
    (
        "importance",
        "how many times likelier the class is with the neuron than without it, at the mean features",
    ),
    (
        "fixes alone",
        "share of the mistakes that are right when this neuron alone is set to the class mean (insufficient) "
        "or to zero (excessive); random: the same for random neurons",
    ),
    ("concept", "the words nearest to what the neuron sees, by CLIP; none without --clip"),
    (
        "illusion",
        "a picture optimised for a neuron or a failure mode and a class; 1× is the 99.9 % quantile on real "
        "images, robust: the same after random shifts and turns, rank: its place among all, 1 is best; where "
        "the first is below 1× it is not shown, because real images excite it more; class: the class's "
        "probability; CLIP above: share of the class's real images that are less like the class's name",
    ),
)
"""Pairs of a word and its meaning."""
