"""Files of every mode and depth become the colours that a viewer shows, or are refused by name."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from zlib import compress, crc32

import numpy as np
import pytest
from PIL import Image, ImageCms

from metasim_backend.datasets.readers.pictures import DatasetError, read_picture
from metasim_backend.datasets.readers.pixel_modes import PixelModeError, as_rgb
from metasim_backend.datasets.targets import TargetImages, is_plain


def linear_profile() -> bytes:
    """sRGB's profile with its tone curves replaced by straight lines: a curve without points."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for entry in range(int.from_bytes(data[128:132], "big")):
        at = 132 + 12 * entry
        if data[at : at + 4] in (b"rTRC", b"gTRC", b"bTRC"):
            offset = int.from_bytes(data[at + 4 : at + 8], "big")
            data[offset : offset + 12] = b"curv" + bytes(8)
            data[at + 8 : at + 12] = (12).to_bytes(4, "big")
    return bytes(data)


LINEAR_RGB = linear_profile()
RAMP = np.linspace(0, 255, 40).round().astype(np.uint8).reshape(1, -1).repeat(24, 0)


def grey_of(picture: Image.Image) -> np.ndarray:
    assert picture.mode == "RGB"
    pixels = np.asarray(picture).astype(int)
    assert np.ptp(pixels, axis=2).max() <= 1  # a grey
    return pixels[..., 0]


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I"])
def test_sixteen_bits_are_scaled_by_their_depth(mode):
    deep = RAMP.astype(np.uint16) * 257
    order = ">u2" if mode == "I;16B" else "<u2"
    if mode == "I":
        picture = Image.fromarray(deep.astype(np.int32))
    else:
        picture = Image.frombytes(mode, (40, 24), deep.astype(order).tobytes())
    assert np.abs(grey_of(as_rgb(picture)) - RAMP).max() <= 1


def test_a_sixteen_bit_file_is_read_as_its_eight_bit_twin(tmp_path: Path):
    deep, flat = tmp_path / "deep.png", tmp_path / "flat.png"
    Image.fromarray(RAMP.astype(np.uint16) * 257).save(deep)
    Image.fromarray(RAMP).save(flat)
    assert np.abs(grey_of(read_picture(deep)) - grey_of(read_picture(flat))).max() <= 1


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr", "HSV"])
def test_eight_bit_modes_keep_their_greys(mode):
    picture = Image.fromarray((RAMP > 127).astype(np.uint8) * 255).convert("RGB").convert(mode)
    assert np.abs(grey_of(as_rgb(picture)) - (RAMP > 127) * 255).max() <= 2


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "P"])
def test_what_is_transparent_shows_white_and_not_what_it_hides(mode):
    hidden = Image.new("RGBA", (20, 10), (255, 0, 0, 0))
    hidden.paste((0, 0, 0, 255), (10, 0, 20, 10))
    if mode == "P":
        picture = Image.new("P", (20, 10), 0)
        picture.putpalette([255, 0, 0, 0, 0, 0])
        picture.paste(1, (10, 0, 20, 10))
        picture.info["transparency"] = 0
    else:
        picture = hidden.convert("RGB").convert("P") if mode == "PA" else hidden.convert(mode)
        if mode == "PA":
            picture.putalpha(hidden.getchannel("A"))
        assert picture.mode == mode
    shown = np.asarray(as_rgb(picture))
    assert (shown[:, :10] == 255).all() and (shown[:, 10:] == 0).all()


def test_srgbs_profile_and_a_damaged_one_change_nothing(tmp_path: Path):
    """sRGB's own profile changes nothing, and one that is damaged is left alone, as by viewers."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = Image.merge("RGB", [Image.fromarray(RAMP)] * 3)
    same, damaged = tmp_path / "same.png", tmp_path / "damaged.png"
    picture.save(same, icc_profile=srgb)
    picture.save(damaged, icc_profile=b"no profile at all")
    assert np.abs(grey_of(read_picture(same)) - RAMP).max() <= 1
    assert (grey_of(read_picture(damaged)) == RAMP).all()


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (Image.new("F", (8, 8), 0.5), "floating-point"),
        (Image.fromarray(np.full((8, 8), 1_000_000, np.int32)), "32-bit numbers"),
        (Image.fromarray(np.full((8, 8), -3, np.int32)), "from -3 to -3"),
    ],
)
def test_numbers_without_a_scale_are_refused(picture, words):
    with pytest.raises(PixelModeError, match=words):
        as_rgb(picture)


def test_turning_and_depth_go_together(tmp_path: Path):
    path = tmp_path / "turned.png"
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter
    Image.fromarray(RAMP.astype(np.uint16) * 257).save(path, exif=exif)
    read = read_picture(path)
    assert read.size == (24, 40)
    assert np.abs(grey_of(read)[:, 0] - RAMP[0]).max() <= 1


def test_tiny_targets_are_refused_and_plain_ones_are_told(tmp_path: Path):
    source = np.random.default_rng(0)
    Image.new("RGB", (40, 24), (250, 250, 250)).save(tmp_path / "plain.png")
    noise = Image.fromarray(source.integers(0, 255, (24, 40, 3)).astype(np.uint8))
    noise.save(tmp_path / "some.png")
    assert is_plain(TargetImages.read(tmp_path, 40, 24).images).tolist() == [True, False]
    Image.new("RGB", (1, 1)).save(tmp_path / "tiny.png")
    with pytest.raises(DatasetError, match=r"tiny\.png is 1 x 1 pixels"):
        TargetImages.read(tmp_path, 40, 24)


def test_colours_are_those_of_the_files_profile():
    """Linear light under a profile of a linear tone curve is sRGB's curve of it."""
    picture = Image.merge("RGB", [Image.fromarray(RAMP)] * 3)
    picture.info["icc_profile"] = LINEAR_RGB
    light = RAMP / 255
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert np.abs(grey_of(as_rgb(picture)) - 255 * curve).max() <= 3


def test_an_unreadable_profile_of_another_kind_does_not_stop_a_picture():
    buffer = io.BytesIO()
    cmyk_like = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    Image.merge("RGB", [Image.fromarray(RAMP)] * 3).save(buffer, "PNG", icc_profile=cmyk_like)
    assert (grey_of(as_rgb(Image.open(buffer))) == RAMP).all()


def png(width: int, height: int, depth: int, colours: int, pixels: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0)
    data = chunk(b"IHDR", head) + chunk(b"IDAT", compress(pixels)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


@pytest.mark.parametrize("side", [8_001, 13_000, 60_000])
def test_a_small_file_of_a_huge_picture_is_refused_before_it_is_decoded(tmp_path, side, recwarn):
    path = tmp_path / "huge.png"
    path.write_bytes(png(side, side, 8, 2, b""))
    with pytest.raises(DatasetError, match=r"huge\.png has .* pixels, and at most 64 million"):
        read_picture(path)
    assert not recwarn.list


def test_a_file_of_32_bits_is_refused_also_where_its_numbers_are_small(tmp_path):
    path = tmp_path / "deep.png"
    Image.fromarray(RAMP.astype(np.int32)).save(path, format="TIFF")
    with pytest.raises(DatasetError, match="32-bit numbers"):
        read_picture(path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "first bytes are those of no picture"),
        (b"%PDF-1.4", "first bytes are those of no picture"),
        (png(40, 24, 8, 0, bytes(41 * 24))[:-30], "truncated"),
    ],
)
def test_why_a_picture_cannot_be_read_is_said(tmp_path, data, words):
    path = tmp_path / "bad.png"
    path.write_bytes(data)
    with pytest.raises(DatasetError, match=words) as raised:
        read_picture(path)
    assert "Error" not in str(raised.value)


def test_only_the_first_picture_of_an_animation_is_seen(tmp_path):
    path = tmp_path / "moving.png"
    first, second = Image.new("RGB", (40, 24), (9, 9, 9)), Image.new("RGB", (40, 24), (200, 0, 0))
    first.save(path, save_all=True, append_images=[second])
    assert (np.asarray(read_picture(path)) == 9).all()
