import errno
import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from neuroinspect_tui.data.images import FORMATS, SCALED, UnreadableImage, _in_words, open_image
from neuroinspect_tui.data.tree import is_image
from neuroinspect_tui.errors import InputError
from neuroinspect_tui.torchvision_compat import import_torchvision

from .conftest import picture, save


def reason(path):
    with pytest.raises(UnreadableImage) as caught:
        open_image(path)
    return caught.value.reason


def grey16():
    return Image.fromarray(np.arange(0, 65536, 655, dtype=np.uint16)[:100].reshape(10, 10))


def see_through_palette(kind):
    """A palette of which one entry (GIF) or each (PNG) has an alpha of its own."""
    image = picture().quantize(8)
    image.info["transparency"] = 3 if kind == "gif" else bytes(range(0, 256, 32))
    return image


def with_alpha(mode):
    image = picture().convert(mode)
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


STORED = {
    "rgb.jpg": picture(),
    "grey.jpg": picture().convert("L"),
    "cmyk.jpg": picture().convert("CMYK"),
    "rgba.png": with_alpha("RGB"),
    "la.png": with_alpha("L"),
    "palette.png": picture().quantize(8),
    "palette.gif": picture().quantize(8),
    "see-through.png": see_through_palette("png"),
    "see-through.gif": see_through_palette("gif"),
    "pixel.png": picture(1, 1),
    "pixel.jpg": picture(1, 1),
    "pixel.gif": picture(1, 1).quantize(2),
    "pixel.webp": picture(1, 1),
    "cmyk.tif": picture().convert("CMYK"),
    "bilevel.png": picture().convert("1"),
    "rgba.webp": with_alpha("RGB"),
    "plain.ppm": picture(),
    "plain.bmp": picture(),
}


@pytest.mark.filterwarnings("ignore:Palette images with Transparency")
@pytest.mark.parametrize("name", STORED)
def test_every_mode_is_read_as_the_usual_training_loader_reads_it(tmp_path, name):
    STORED[name].save(tmp_path / name)
    ours = open_image(tmp_path / name)
    theirs = import_torchvision().datasets.folder.pil_loader(str(tmp_path / name))
    assert ours.mode == "RGB"
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


def test_alpha_is_dropped_and_not_blended(tmp_path):
    Image.new("RGBA", (3, 3), (200, 100, 50, 0)).save(tmp_path / "clear.png")
    assert open_image(tmp_path / "clear.png").getpixel((1, 1)) == (200, 100, 50)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_grey_is_scaled_and_marked(tmp_path, suffix):
    path = tmp_path / f"deep.{suffix}"
    Image.fromarray(np.array([[0, 257, 300, 32768, 65535]], dtype=np.uint16)).save(path)
    found = open_image(path)
    assert np.asarray(found)[0].tolist() == [[value] * 3 for value in (0, 1, 1, 128, 255)]
    assert found.info[SCALED] == "16-bit"
    assert SCALED not in open_image(save(tmp_path / "plain.png")).info


def test_a_dark_deep_pgm_is_as_dark_as_it_is_stored(tmp_path):
    """Of 1023 levels: 3 is 0.75 of 255, though no value reaches 256."""
    (tmp_path / "dark.pgm").write_bytes(b"P5 2 1 1023\n" + struct.pack(">2H", 0, 3))
    found = open_image(tmp_path / "dark.pgm", "L")
    assert (np.asarray(found)[0].tolist(), found.info[SCALED]) == ([0, 1], "16-bit")


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0, 0.5, 1], [0, 128, 255]), ([0, 1, 255], [0, 1, 255]), ([0, 257, 65535], [0, 1, 255])],
)
def test_float_grey_is_scaled_by_its_range(tmp_path, values, expected):
    Image.fromarray(np.array([values], dtype=np.float32)).save(tmp_path / "float.tif")
    found = open_image(tmp_path / "float.tif", "L")
    assert (np.asarray(found)[0].tolist(), found.info[SCALED]) == (expected, "float")


def test_float_values_of_no_usual_range_are_refused(tmp_path):
    Image.fromarray(np.array([[-3, 2]], dtype=np.float32)).save(tmp_path / "float.tif")
    assert reason(tmp_path / "float.tif") == "float values from -3 to 2: scale them to 0…1 or 0…255"


def test_grey_and_alpha_are_given_to_classifiers_that_take_them(tmp_path):
    grey = picture().convert("L")
    grey.save(tmp_path / "grey.png")
    with_alpha("RGB").save(tmp_path / "rgba.png")
    np.testing.assert_array_equal(np.asarray(open_image(tmp_path / "grey.png", "L")), np.asarray(grey))
    rgba = open_image(tmp_path / "rgba.png", "RGBA")
    np.testing.assert_array_equal(np.asarray(rgba), np.asarray(with_alpha("RGB")))
    as_grey = np.asarray(open_image(tmp_path / "rgba.png", "L"))
    np.testing.assert_array_equal(as_grey, np.asarray(with_alpha("RGB").convert("RGB").convert("L")))


@pytest.mark.parametrize(
    ("suffix", "kind"), [("avif", "AVIF"), ("jp2", "JPEG2000"), ("jfif", "JPEG"), ("webp", "WEBP")]
)
def test_newer_formats_equal_pillows_reading(tmp_path, suffix, kind):
    if kind not in FORMATS:
        pytest.skip(f"this Pillow reads no {kind}")
    path = tmp_path / f"a.{suffix}"
    picture(40, 30).save(path, kind)
    with Image.open(path) as stored:
        expected = np.asarray(stored.convert("RGB"))
    np.testing.assert_array_equal(np.asarray(open_image(path)), expected)
    assert is_image(path.name)


def test_avif_without_its_library_names_the_extra(tmp_path, monkeypatch):
    (tmp_path / "a.avif").write_bytes(b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf")
    monkeypatch.setattr("neuroinspect_tui.data.images.FORMATS", ("JPEG", "PNG"))
    with pytest.raises(InputError) as caught:
        open_image(tmp_path / "a.avif")
    assert str(caught.value) == 'AVIF images need a library: pip install "neuroinspect-tui[formats]"'


@pytest.fixture
def naps(monkeypatch):
    slept = []
    monkeypatch.setattr("neuroinspect_tui.data.images.time.sleep", slept.append)
    return slept


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO, errno.ENOENT, errno.EACCES, errno.ETIMEDOUT])
def test_what_a_disk_answers_for_a_moment_is_asked_again(tmp_path, monkeypatch, naps, number):
    path, failures = save(tmp_path / "a.png"), [number, number]
    opened = type(path).open

    def flaky(self, *arguments, **options):
        if failures:
            raise OSError(failures.pop(), "no answer")
        return opened(self, *arguments, **options)

    monkeypatch.setattr(type(path), "open", flaky)
    assert open_image(path).size == (12, 10)
    assert naps == [0.05, 0.15]


def test_a_disk_that_does_not_answer_is_no_property_of_the_image(tmp_path, naps):
    with pytest.raises(UnreadableImage) as caught:
        open_image(tmp_path / "gone.png")
    assert (caught.value.passing, naps) == (True, [0.05, 0.15, 0.4])
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(UnreadableImage) as caught:
        open_image(tmp_path / "text.png")
    assert (caught.value.passing, len(naps)) == (False, 3)


def test_damaged_tiffs_are_refused_in_words_and_write_nothing(tmp_path, capfd):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    random = np.random.default_rng(1)
    for kind in ("tiff_lzw", "tiff_deflate", "jpeg", "packbits"):
        noise.save(tmp_path / "whole.tif", compression=kind)
        whole = (tmp_path / "whole.tif").read_bytes()
        for _ in range(12):
            damaged = bytearray(whole)
            for place in random.integers(8, len(whole), 40):
                damaged[place] = random.integers(0, 256)
            (tmp_path / "damaged.tif").write_bytes(damaged)
            try:
                open_image(tmp_path / "damaged.tif")
            except UnreadableImage as error:
                assert not error.reason.lstrip("-").isdigit()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("text", ["-2", "decoder error -2"])
def test_a_decoders_number_becomes_words(text):
    assert _in_words(text) == "broken image (decoding error)"


def test_dicom_is_scaled_by_its_stored_range_and_inverted_where_0_is_white(tmp_path):
    pydicom = pytest.importorskip("pydicom")
    stored = np.array([[0, 1365, 4095]], np.uint16)
    for photometric, expected in (("MONOCHROME2", [0, 85, 255]), ("MONOCHROME1", [255, 170, 0])):
        meta = pydicom.dataset.FileMetaDataset()
        meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        data = pydicom.dataset.FileDataset("x", {}, file_meta=meta, preamble=b"\0" * 128)
        data.Rows, data.Columns, data.SamplesPerPixel, data.PixelRepresentation = 1, 3, 1, 0
        data.BitsAllocated, data.BitsStored, data.HighBit = 16, 12, 11
        data.PhotometricInterpretation, data.PixelData = photometric, stored.tobytes()
        data.save_as(tmp_path / "a.dcm")
        assert np.asarray(open_image(tmp_path / "a.dcm", "L"))[0].tolist() == expected


def test_of_several_frames_the_first_is_read(tmp_path):
    frames = [Image.new("RGB", (9, 9), colour) for colour in ("#fe0000", "blue")]
    for name, kind in {"a.gif": "GIF", "a.tif": "TIFF", "a.webp": "WEBP", "a.jpg": "MPO"}.items():
        frames[0].save(tmp_path / name, kind, save_all=True, append_images=frames[1:])
        assert open_image(tmp_path / name).getpixel((4, 4))[2] == 0


def test_16_bit_colour_keeps_its_high_byte(tmp_path):
    row = b"\0" + struct.pack(">3H", 0x1234, 0xABCD, 0x00FF)
    header = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    png = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(row))
        + chunk(b"IEND", b"")
    )
    (tmp_path / "deep.png").write_bytes(png)
    assert open_image(tmp_path / "deep.png").getpixel((0, 0)) == (0x12, 0xAB, 0x00)


def test_exif_orientation_is_ignored_as_in_training(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(12, 10).save(tmp_path / "turned.jpg", exif=exif)
    assert open_image(tmp_path / "turned.jpg").size == (12, 10)


def test_a_colour_profile_is_ignored_as_in_training(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    picture().save(tmp_path / "plain.png")
    picture().save(tmp_path / "profile.png", icc_profile=profile)
    plain, profiled = (np.asarray(open_image(tmp_path / name)) for name in ("plain.png", "profile.png"))
    np.testing.assert_array_equal(plain, profiled)


def test_reasons_why_a_file_is_no_image(tmp_path):
    (tmp_path / "text.jpg").write_text("this is not a picture")
    (tmp_path / "empty.png").touch()
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    assert (
        reason(tmp_path / "text.jpg")
        == "not one of JPEG, PNG, WEBP, BMP, GIF, TIFF, PPM, AVIF, JPEG2000, DICOM"
    )
    assert reason(tmp_path / "empty.png") == "empty file"
    assert reason(tmp_path / "gone.png") == "no such file or directory"
    assert reason(tmp_path / "folder.jpg") == "not a regular file"
    assert reason(tmp_path / "pipe.jpg") == "not a regular file"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path):
    save(tmp_path / "closed.png").chmod(0)
    assert reason(tmp_path / "closed.png") == "permission denied"


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "tif", "webp", "gif", "ppm"])
def test_a_truncated_image_is_unreadable_not_filled_in(tmp_path, suffix):
    path = save(tmp_path / f"whole.{suffix}", width=64, height=64)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    assert reason(path)


def test_a_truncated_jpeg_says_so(tmp_path):
    path = save(tmp_path / "whole.jpg", width=64, height=64)
    path.write_bytes(path.read_bytes()[:-300])
    assert reason(path).startswith("image file is truncated")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("size", [(9500, 9500), (60_000, 60_000)])
def test_an_absurdly_large_image_is_refused_before_it_is_decoded(tmp_path, size):
    header = (
        b"BM"
        + struct.pack("<IHHI", 54, 0, 0, 54)
        + struct.pack("<IiiHHIIiiII", 40, *size, 1, 24, 0, 0, 0, 0, 0, 0)
    )
    (tmp_path / "bomb.bmp").write_bytes(header)
    assert reason(tmp_path / "bomb.bmp") == "too large: more than 89 million pixels"


def test_formats_outside_the_list_are_not_decoded(tmp_path):
    picture().save(tmp_path / "a.eps")
    picture().save(tmp_path / "b.ico")
    assert reason(tmp_path / "a.eps").startswith("not one of")
    assert reason(tmp_path / "b.ico").startswith("not one of")


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_damaged_files_are_read_or_refused_and_write_nothing(tmp_path, capfd):
    random = np.random.default_rng(0)
    outcomes = {"read": 0, "refused": 0}
    for suffix in ("jpg", "png", "gif", "tif", "webp", "bmp", "ppm"):
        whole = save(tmp_path / f"whole.{suffix}", width=40, height=30).read_bytes()
        for _ in range(60):
            damaged = bytearray(whole)
            for place in random.integers(0, min(len(whole), 400), 6):
                damaged[place] = random.integers(0, 256)
            (tmp_path / "damaged").write_bytes(damaged)
            try:
                assert open_image(tmp_path / "damaged").mode == "RGB"
                outcomes["read"] += 1
            except UnreadableImage as error:
                assert error.reason
                outcomes["refused"] += 1
    assert outcomes["read"] and outcomes["refused"]
    assert capfd.readouterr() == ("", "")


def test_pillows_remarks_about_odd_files_do_not_reach_the_screen(tmp_path):
    path = save(tmp_path / "odd.tif")
    data = path.read_bytes()
    length_tag = data.index(struct.pack("<HH", 257, 4))
    path.write_bytes(data[: length_tag + 4] + struct.pack("<I", 9) + data[length_tag + 8 :])
    script = "import sys, pathlib; from neuroinspect_tui.data.images import open_image, UnreadableImage\n"
    script += "try: open_image(pathlib.Path(sys.argv[1]))\nexcept UnreadableImage: pass"
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    with pytest.warns(UserWarning, match="tag 257 had too many entries"):
        open_image(path)
