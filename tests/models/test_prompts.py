from neuroinspect_tui.models.prompts import TEMPLATES, prompts


def test_every_template_holds_the_name_once():
    assert len(set(TEMPLATES)) == 30
    assert all(template.count("{}") == 1 for template in TEMPLATES)


def test_underscores_and_braces_in_names_are_harmless():
    assert prompts("sweet_pea")[0] == "a photo of a sweet pea."
    assert prompts("a {0} b")[1] == "a photo of the a {0} b."


def test_templates_may_be_functions_as_in_open_clip():
    assert prompts("red_car", [lambda name: f"art of the {name}.", "a {}"]) == [
        "art of the red car.",
        "a red car",
    ]
