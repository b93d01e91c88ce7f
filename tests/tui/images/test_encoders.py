"""What each way of drawing sends, decoded again and compared with the picture."""

from __future__ import annotations

import base64
import io
import re
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.cells import cell_len
from textual.geometry import Region

from neuroinspect_tui.tui.images.blocks import BlockEncoder, parse_line
from neuroinspect_tui.tui.images.diacritics import MARKS
from neuroinspect_tui.tui.images.encoder import Rendered
from neuroinspect_tui.tui.images.iterm2 import ITermEncoder
from neuroinspect_tui.tui.images.kitty import PLACEHOLDER, KittyEncoder, wrap_for_tmux
from neuroinspect_tui.tui.images.overlay import Overlay, Shown
from neuroinspect_tui.tui.images.picture import Box, Picture, fitted, load
from neuroinspect_tui.tui.images.render_queue import IN_TERMINAL, RenderQueue
from neuroinspect_tui.tui.images.sixel import SixelEncoder, sixel

BOX = Box(10, 5, 9, 18)


@pytest.fixture
def image() -> Image.Image:
    """Red above, blue below, a green bar at the left."""
    pixels = np.zeros((90, 90, 3), np.uint8)
    pixels[:45], pixels[45:], pixels[:, :18] = (255, 0, 0), (0, 0, 255), (0, 255, 0)
    return Image.fromarray(pixels)


# Fitting and loading


@pytest.mark.parametrize(
    ("size", "box", "expected"),
    [
        ((100, 100), Box(10, 5, 10, 20), (10, 5)),
        ((200, 100), Box(10, 5, 10, 20), (10, 2)),
        ((100, 200), Box(10, 5, 10, 20), (5, 5)),
        ((1, 1000), Box(10, 5, 10, 20), (1, 5)),
        ((100, 100), Box(40, 10, 8, 17), (21, 10)),
    ],
)
def test_fitted_keeps_the_shape(size: tuple[int, int], box: Box, expected: tuple[int, int]) -> None:
    assert fitted(*size, box) == expected


def test_load_dims_what_the_mask_leaves_out(tmp_path: Path) -> None:
    Image.new("RGB", (4, 2), (100, 200, 50)).save(tmp_path / "image.png")
    mask = Image.new("L", (4, 2), 0)
    mask.paste(255, (0, 0, 2, 2))
    mask.save(tmp_path / "mask.png")
    picture = Picture(tmp_path / "image.png", tmp_path / "mask.png")
    assert load(picture, False).getpixel((3, 0)) == (100, 200, 50)
    masked = load(picture, True)
    assert masked.getpixel((0, 0)) == (100, 200, 50)
    assert masked.getpixel((3, 0)) == (22, 44, 11)


def test_a_picture_that_is_not_shown_here_is_grey(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1), (100, 200, 50)).save(tmp_path / "image.png")
    red, green, blue = load(Picture(tmp_path / "image.png", faded=True), False).getpixel((0, 0))  # type: ignore[misc]
    assert red == green == blue == 153


def test_load_takes_pixels_still_being_made() -> None:
    picture = Picture(name="0/11/0", step=3, size=(2, 1), rgb=bytes([1, 2, 3, 4, 5, 6]))
    assert list(load(picture, False).getdata()) == [(1, 2, 3), (4, 5, 6)]


def test_a_damaged_picture_is_an_oserror(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    with pytest.raises(OSError):
        load(Picture(tmp_path / "bad.png"), False)
    with pytest.raises(OSError):
        load(Picture(tmp_path / "missing.png"), False)


# Half blocks


def test_blocks_show_two_pixels_a_cell(image: Image.Image) -> None:
    painted = BlockEncoder().encode(image, BOX)
    assert (painted.columns, painted.rows) == (10, 5)
    assert [strip.cell_length for strip in painted.strips] == [10] * 5
    styles = [segment.style for segment in painted.strips[0] for _ in segment.text]
    tops = [style.color or style.bgcolor for style in styles if style]
    assert tops[0] is not None and tops[0].triplet is not None and tops[0].triplet[1] > 250
    assert tops[9] is not None and tops[9].triplet is not None and tops[9].triplet[0] > 250


def test_a_narrow_picture_is_centred(image: Image.Image) -> None:
    painted = BlockEncoder().encode(image, Box(20, 5, 9, 18))
    assert (painted.left, painted.columns) == (5, 10)
    assert painted.strips[0].text[:5] == " " * 5 and painted.strips[0].cell_length == 20


def test_parse_line_follows_colours_and_resets() -> None:
    strip = parse_line("\x1b[48;2;1;2;3m\x1b[38;2;4;5;6m▀▀\x1b[m ", 3)
    first, last = list(strip)
    assert first.text == "▀▀" and first.style is not None
    assert first.style.color is not None and first.style.color.triplet == (4, 5, 6)
    assert first.style.bgcolor is not None and first.style.bgcolor.triplet == (1, 2, 3)
    assert last.style is not None and last.style.bgcolor is None


# Kitty


def sent_png(sent: str) -> tuple[dict[str, str], Image.Image]:
    """Put a transmission together again: its first control data and its picture."""
    commands = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", sent)
    assert "".join(f"\x1b_G{control};{data}\x1b\\" for control, data in commands) == sent
    assert all(len(data) <= 4096 for _, data in commands)
    assert [control[-3:] for control, _ in commands] == ["m=1"] * (len(commands) - 1) + ["m=0"]
    control = dict(part.split("=") for part in commands[0][0].split(","))
    data = base64.b64decode("".join(data for _, data in commands))
    return control, Image.open(io.BytesIO(data))


def test_kitty_sends_the_picture_once_and_places_it_by_characters(image: Image.Image) -> None:
    encoder = KittyEncoder()
    painted = encoder.encode(image, BOX)
    control, arrived = sent_png(painted.send)
    assert control == {
        "a": "T",
        "U": "1",
        "i": str(painted.number),
        "f": "100",
        "c": "10",
        "r": "5",
        "q": "2",
        "m": "0",
    }
    assert np.array_equal(np.asarray(arrived), np.asarray(image)), "not scaled: it is smaller than its place"
    assert painted.number < 1 << 24
    for row, strip in enumerate(painted.strips):
        (segment,) = [segment for segment in strip if segment.text.strip()]
        assert segment.text == "".join(PLACEHOLDER + MARKS[row] + MARKS[column] for column in range(10))
        assert segment.style is not None and segment.style.color is not None
        assert segment.style.color.triplet is not None
        red, green, blue = segment.style.color.triplet
        assert red << 16 | green << 8 | blue == painted.number
        assert strip.cell_length == 10 == cell_len(segment.text)


def test_kitty_numbers_differ_and_large_pictures_shrink_and_are_sent_in_chunks() -> None:
    encoder = KittyEncoder()
    noise = Image.effect_noise((600, 600), 90).convert("RGB")
    first, second = encoder.encode(noise, BOX), encoder.encode(noise, BOX)
    assert first.number != second.number
    _, arrived = sent_png(first.send)
    assert arrived.size == (90, 90)


def test_two_apps_number_their_pictures_from_bases_drawn_at_random(
    image: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter((4, 0xFFE))
    monkeypatch.setattr("secrets.randbelow", lambda most: next(drawn) if most == 0xFFF else -1)
    numbers = [KittyEncoder().encode(image, BOX).number for _ in range(2)]
    assert numbers == [5 << 12 | 1, 0xFFF << 12 | 1]


def test_kitty_forgets_by_number(image: Image.Image) -> None:
    encoder = KittyEncoder()
    painted = encoder.encode(image, BOX)
    assert encoder.forget(painted) == f"\x1b_Ga=d,d=I,i={painted.number},q=2;\x1b\\"


def test_inside_tmux_every_chunk_is_wrapped(image: Image.Image) -> None:
    painted = KittyEncoder(tmux=True).encode(image, BOX)
    inner = re.findall(r"\x1bPtmux;((?:\x1b\x1b|[^\x1b])*)\x1b\\", painted.send)
    assert "".join(f"\x1bPtmux;{part}\x1b\\" for part in inner) == painted.send
    control, _ = sent_png("".join(inner).replace("\x1b\x1b", "\x1b"))
    assert control["a"] == "T"
    assert wrap_for_tmux("\x1b_Gx\x1b\\") == "\x1bPtmux;\x1b\x1b_Gx\x1b\x1b\\\x1b\\"


def test_the_marks_are_those_of_the_protocol() -> None:
    import unicodedata

    assert len(MARKS) == 297 == len(set(MARKS))
    assert [f"{ord(mark):04X}" for mark in (*MARKS[:4], MARKS[30], MARKS[-1])] == [
        "0305", "030D", "030E", "0310", "0483", "1D244",
    ]  # fmt: skip
    assert all(unicodedata.combining(mark) == 230 for mark in MARKS)
    assert list(MARKS) == sorted(MARKS)


def test_placeholders_can_be_cropped(image: Image.Image) -> None:
    strip = KittyEncoder().encode(image, BOX).strips[2]
    assert strip.crop(3, 5).text == "".join(PLACEHOLDER + MARKS[2] + MARKS[column] for column in (3, 4))


# Sixel


def read_sixel(data: str) -> np.ndarray:
    """A small Sixel reader: the picture [h,w,3] in 0…100, −1 where nothing was drawn."""
    header = re.match(r'\x1bP0;1;0q"1;1;(\d+);(\d+)', data)
    assert header and data.endswith("\x1b\\")
    width, height = int(header[1]), int(header[2])
    picture = np.full((height + 6, width, 3), -1)
    palette: dict[int, tuple[int, ...]] = {}
    x, y, colour = 0, 0, 0
    tokens = re.findall(r"#\d+;2;\d+;\d+;\d+|#\d+|!\d+[?-~]|[?-~]|\$|-", data[header.end() : -2])
    assert "".join(tokens) == data[header.end() : -2]
    for token in tokens:
        if token.startswith("#"):
            number, *rgb = token[1:].split(";")
            colour = int(number)
            if rgb:
                palette[colour] = tuple(int(value) for value in rgb[1:])
        elif token == "$":
            x = 0
        elif token == "-":
            x, y = 0, y + 6
        else:
            count = int(token[1:-1]) if token[0] == "!" else 1
            for bit in range(6):
                if (ord(token[-1]) - 63) >> bit & 1:
                    picture[y + bit, x : x + count] = palette[colour]
            x += count
    assert (picture[height:] == -1).all(), "nothing is drawn below the picture"
    return picture[:height]


def test_sixel_read_back_is_the_picture(image: Image.Image) -> None:
    got = read_sixel(sixel(image, 90, 90))
    wanted = np.asarray(image).astype(int) * 100 // 255
    assert got.shape == wanted.shape and (got >= 0).all()
    assert np.abs(got - wanted).max() <= 2


def test_sixel_of_noise_covers_every_pixel() -> None:
    got = read_sixel(sixel(Image.effect_noise((64, 64), 90).convert("RGB"), 48, 36))
    assert got.shape == (36, 48, 3) and (got >= 0).all()


def test_sixel_stays_inside_its_cells(image: Image.Image) -> None:
    painted = SixelEncoder().encode(image, Box(10, 5, 9, 17))
    size = re.search(r'"1;1;(\d+);(\d+)', painted.overlay)
    assert size is not None
    assert int(size[1]) == painted.columns * 9 and int(size[2]) <= painted.rows * 17 and int(size[2]) % 6 == 0
    assert all(strip.cell_length == 10 for strip in painted.strips), "half blocks lie under it"


# iTerm2


def test_iterm2_names_its_cells_and_carries_the_png(image: Image.Image) -> None:
    painted = ITermEncoder().encode(image, BOX)
    found = re.fullmatch(r"\x1b\]1337;File=([^:]*):([^\x07]*)\x07", painted.overlay)
    assert found is not None
    options = dict(part.split("=") for part in found[1].split(";"))
    data = base64.b64decode(found[2])
    assert options["width"] == "10" and options["height"] == "5" and options["inline"] == "1"
    assert int(options["size"]) == len(data)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), np.asarray(image))


# Drawing over cells


def drawn(shown: list[Shown], touched: list[Region], covers: list[Region]) -> str:
    overlay = Overlay()
    overlay.touch(touched)
    return "".join(overlay.draw(picture) for picture in list(overlay.due(shown, covers)))


def test_overlays_are_drawn_where_their_cells_were_painted() -> None:
    window = Region(0, 0, 80, 20)
    painted = Rendered((), overlay="PICTURE", left=1, top=0, columns=8, rows=4)
    shown = [Shown(painted, Region(10, 5, 10, 5), window)]
    whole = Region(0, 0, 80, 24)
    assert drawn(shown, [whole], []) == "\x1b7\x1b[6;12HPICTURE\x1b8"
    assert drawn(shown, [Region(0, 7, 12, 1)], []) != ""
    assert drawn(shown, [Region(0, 7, 11, 1)], []) == "", "left of the picture"
    assert drawn(shown, [Region(0, 9, 80, 1)], []) == "", "below the picture"
    assert drawn(shown, [whole], [Region(15, 6, 30, 3)]) == "", "a toast lies over it"
    half = [Shown(painted, Region(10, 18, 10, 5), window)]
    assert drawn(half, [whole], []) == "", "scrolled half out: the blocks stay"


def test_an_overlay_that_had_to_wait_is_drawn_later_and_then_no_more() -> None:
    window = Region(0, 0, 80, 20)
    shown = [
        Shown(Rendered((), overlay=name, columns=8, rows=4), Region(x, 0, 8, 4), window)
        for name, x in (("A", 0), ("B", 20))
    ]
    overlay = Overlay()
    overlay.touch([Region(0, 0, 80, 1)])
    assert "A" in overlay.draw(next(overlay.due(shown, [])))
    assert [picture.painted.overlay for picture in overlay.due(shown, [])] == ["B"]
    overlay.draw(shown[1])
    assert list(overlay.due(shown, [])) == []


# The render_queue


class Recorder:
    """An encoder that says what it is asked for."""

    name = "recorder"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.gate = threading.Event()

    def encode(self, image: Image.Image, box: Box) -> Rendered:
        self.gate.wait(5)
        number = image.getpixel((0, 0))[0]  # type: ignore[index]
        self.asked.append(str(number))
        return Rendered((), send=f"send{number}", number=number)

    def forget(self, painted: Rendered) -> str:
        return f"forget{painted.number}"


def pixel(number: int) -> Picture:
    return Picture(name=str(number), size=(1, 1), rgb=bytes([number, 0, 0]))


def wait_for(render_queue: RenderQueue, picture: Picture, encoder: Recorder) -> Rendered | str:
    for _ in range(500):
        done = render_queue.want(picture, BOX, False, encoder)
        if done is not None:
            return done
        threading.Event().wait(0.01)
    raise AssertionError("never painted")


def test_the_newest_wish_comes_first_and_is_sent_once() -> None:
    sent: list[str] = []
    render_queue, encoder = RenderQueue(lambda: None, sent.append), Recorder()
    for number in (1, 2, 3, 4):
        assert render_queue.want(pixel(number), BOX, False, encoder) is None
        threading.Event().wait(0.05)
    encoder.gate.set()
    for number in (1, 2, 3, 4):
        wait_for(render_queue, pixel(number), encoder)
    assert encoder.asked == ["1", "4", "3", "2"], "the first was under way, then the newest"
    wait_for(render_queue, pixel(4), encoder)
    assert sorted(sent) == ["send1", "send2", "send3", "send4"]
    render_queue.close()
    assert sorted(sent[4:]) == ["forget1", "forget2", "forget3", "forget4"], "nothing is left in the terminal"


def test_the_terminal_keeps_a_bounded_number_of_pictures() -> None:
    sent: list[str] = []
    render_queue, encoder = RenderQueue(lambda: None, sent.append), Recorder()
    encoder.gate.set()
    for number in range(1, IN_TERMINAL + 3):
        wait_for(render_queue, pixel(number), encoder)
    assert [text for text in sent if text.startswith("forget")] == ["forget1", "forget2"]
    render_queue.close()


def test_an_unreadable_picture_gives_its_reason(tmp_path: Path) -> None:
    render_queue, encoder = RenderQueue(lambda: None, lambda data: None), Recorder()
    reason = wait_for(render_queue, Picture(tmp_path / "missing.png"), encoder)
    assert isinstance(reason, str) and "missing.png" in reason
    render_queue.close()
