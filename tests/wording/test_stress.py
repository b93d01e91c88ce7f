from neuroinspect_tui.results import Pull, StressResult
from neuroinspect_tui.wording.stress import change_words, pull_words, stress_sentence

NAMES = ("cat", "dog")


def result(*pulls: Pull) -> StressResult:
    return StressResult("val", 100, ("red cast", "blur"), pulls)


def test_the_strongest_pull_beyond_chance_is_said_with_its_counts():
    strong = Pull("red cast", 1, 60, 15, 3, 0.2, 0.004)
    also = Pull("text top left", 0, 40, 9, 0, 0.225, 0.03)
    chance = Pull("blur", 0, 40, 5, 1, 0.1, 0.2)
    assert stress_sentence(result(strong, also, chance), NAMES) == (
        "A red cast pulls most: of 60 images of other classes, 15 become dog and 3 leave it "
        "(+20.0 points, p = 0.004); 1 more pull over 5 points. Measured with 2 changes of 100 images of val."
    )
    assert pull_words(chance, NAMES) == "a blur → cat: +10.0 points (5 gained, 1 lost of 40 images, p = 0.2)"


def test_where_chance_explains_every_pull_or_all_are_small_there_is_none():
    small = Pull("blur", 0, 1000, 40, 0, 0.04, 1e-9)
    assert stress_sentence(result(small, Pull("blur", 1, 10, 2, 0, 0.2, 0.25)), NAMES) == (
        "None of 2 changes of 100 images of val pulls more than 5 points towards a class beyond chance."
    )


def test_a_weakened_change_is_told_with_its_strength_and_why():
    weak = Pull("red cast", 1, 60, 15, 3, 0.2, 0.004, strength=0.2973)
    assert stress_sentence(result(weak), NAMES) == (
        "A red cast at 30 % strength pulls most: of 60 images of other classes, 15 become dog and 3 leave it "
        "(+20.0 points, p = 0.004). Measured with 2 changes of 100 images of val. Each is weakened until at most "
        "a tenth of a sample's answers change."
    )
    cue = Pull("mode 4", 0, 10, 0, 0, 0.0, 1.0, 4, 1 / 64)
    assert change_words(cue) == "what failure mode 4 looks at, put in at 2 % strength"


def test_changes_in_words():
    words = [
        change_words(Pull(name, 0, 1, 0, 0, 0.0, 1.0)) for name in ("text top left", "white border", "grey")
    ]
    assert words == ["text in the top left corner", "a white border", "greyscale"]
    assert change_words(Pull("mode 4", 0, 1, 0, 0, 0.0, 1.0, 4)) == "what failure mode 4 looks at, put in"
