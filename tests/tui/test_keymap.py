"""Keys by stable ids: re-mapped, checked, shown."""

from __future__ import annotations

import pytest

from neuroinspect_tui.errors import InputError
from neuroinspect_tui.tui.keymap import KEYS, check_keymap
from neuroinspect_tui.tui.protocol import Appearance

from .conftest import Launch


async def test_a_key_can_be_re_mapped(launch: Launch) -> None:
    look = Appearance(images="none", keys={"view.repair": "ctrl+r", "list.down": "n,down"})
    async with launch(look=look) as desk:
        await desk.settled()
        await desk.press("m")
        assert desk.app.screen is desk.triage, "the old key is free"
        await desk.press("n")
        assert desk.triage.target == 1
        await desk.press("down")
        assert desk.triage.target == 2
        await desk.press("j")
        assert desk.triage.target == 2
        assert "^r repair" in desk.text
        await desk.press("ctrl+r")
        await desk.until(lambda: "No repair yet." in desk.text)


async def test_help_shows_the_keys_as_they_are_mapped(launch: Launch) -> None:
    async with launch(look=Appearance(images="none", keys={"app.report": "f5"})) as desk:
        assert desk.app.keys_of("app.report") == "f5"
        assert desk.app.keys_of("list.down") == "↓ j"


def test_an_unknown_action_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match=r"\[keys\] has no action 'app.hlep': did you mean \"app.help\"\?"):
        check_keymap({"app.hlep": "x"})


def test_an_empty_key_is_refused() -> None:
    with pytest.raises(InputError, match=r"\[keys\] app.help has no key"):
        check_keymap({"app.help": " "})


def test_ids_are_words_with_a_place_and_every_action_is_described() -> None:
    for name, key in KEYS.items():
        place, _, action = name.partition(".")
        assert place.isalpha() and action.replace("-", "").isalnum(), name
        assert key.words and key.keys and key.action


async def test_the_footer_shows_what_works_here(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        footer = desk.text.splitlines()[-1]
        assert "s sort" in footer and "space mark" not in footer
        await desk.press("2")
        footer = desk.text.splitlines()[-1]
        assert "space mark" in footer and "s sort" not in footer
        await desk.press("4")
        assert "v make illusions" in desk.text.splitlines()[-1]
        assert desk.text.splitlines()[-1].rstrip().endswith("? help  q quit")
