from __future__ import annotations

from pathlib import Path

import pytest

from hsi.runtime.arguments import (
    Request,
    parse,
    request_from,
    style_from_text,
)
from hsi.runtime.errors import OptionError
from hsi.runtime.look import Look
from hsi.runtime.region import Region
from hsi.runtime.run_options import Policy
from hsi.runtime.trt.options import TensorRtOptions


def _request(*words: str) -> Request:
    return request_from(parse(words))


def test_a_camera_alone_is_a_request() -> None:
    assert _request("--camera", "0") == Request(sources=("0",))
    assert Request(sources=("0",)).outputs == ()


@pytest.mark.parametrize(("word", "tile"), [("1024", 1024), ("auto", "auto"), ("off", None)])
def test_sizes_of_tiles(word: str, tile: int | str | None) -> None:
    assert _request("a.png", "--tile", word).tile == tile


@pytest.mark.parametrize("word", ["none", "1024x1024", "12.5", ""])
def test_no_size_of_a_tile(word: str) -> None:
    with pytest.raises(OptionError, match="--tile: expected pixels a side such as 1024, auto or"):
        _request("a.png", "--tile", word)


def test_an_engine_that_is_none_is_refused_before_anything_is_opened() -> None:
    with pytest.raises(OptionError, match=r"--engine: invalid choice: 'cpu' \(choose from .*auto"):
        parse(["nofile.mp4", "--engine", "cpu"])


def test_sources_may_stand_anywhere() -> None:
    request = _request("a.mp4", "--strength", "0.5", "b.mp4", "-i", "c.mp4", "--source", "d.mp4")
    assert request.sources == ("a.mp4", "b.mp4", "c.mp4", "d.mp4")


def test_every_option_arrives() -> None:
    words = (
        "a.mp4 -o b.mp4 -o c/ --model m.hsi --style x.jpg:2 --style y --strength 0.5 --size 640x480"
        " --duration 2m --frames 9 --policy latest --engine openvino --threads 2 --no-verify"
        " --json -q -vv --stability 0.2 --keep-colour --protect 1,2,3,4 --protect 5%,5%,9%,9%"
        " --style-scale off --tile off"
    )
    assert _request(*words.split()) == Request(
        sources=("a.mp4",),
        outputs=("b.mp4", "c/"),
        model="m.hsi",
        styles=(("x.jpg", 2.0), ("y", 1.0)),
        strength=0.5,
        look=Look(
            keep_colour=True,
            protect=(
                Region(x=1, y=2, width=3, height=4),
                Region(x=5, y=5, width=9, height=9, percent=True),
            ),
            style_scale=None,
        ),
        stability=0.2,
        size=(640, 480),
        duration_s=120.0,
        frames=9,
        policy=Policy.LATEST,
        engine="openvino",
        threads=2,
        tile=None,
        verify=False,
        json=True,
        quiet=True,
        verbose=2,
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", r"no source: give a camera \(--camera 0\)"),
        ("a --strength 1.5", r"--strength must be from 0 to 1, got 1\.5"),
        ("a --strength nan", "--strength must be from 0 to 1, got nan"),
        ("a --strength much", "argument --strength: invalid float value: 'much': see hsi-run"),
        ("a --stability 2", "--stability: expected a number from 0 to 1, found 2: 0 is frame by"),
        ("a --stability nan", "--stability: expected a number from 0 to 1, found nan"),
        ("a --stability much", "argument --stability: invalid float value: 'much': see hsi-run"),
        ("a --style-scale 0", "--style-scale: expected a number above 0, up to 16, found 0.0: 1"),
        ("a --style-scale nan", "--style-scale: expected a number above 0, up to 16, found nan"),
        ("a --style-scale -1", "--style-scale: expected a number above 0, up to 16, found -1.0"),
        ("a --style-scale large", "--style-scale: expected a number above 0 or off, found 'la"),
        ("a --protect=-1,0,5,5", "--protect: expected X and Y from 0, W and H more than 0, found"),
        ("a --protect gone.png", r"--protect: expected .*'gone\.png' that cannot be read: No su"),
        ("a --protect 50%,0%,60%,9%", "--protect: expected a rectangle inside the frame, up to 1"),
        ("a --frames 0", "--frames must be at least 1, got 0"),
        ("a --threads -1", "--threads must be at least 1, got -1"),
        ("a --size 640", "--size must be WIDTHxHEIGHT such as 1280x720, got '640'"),
        ("a --duration soon", "--duration must be a time such as 10s, .* got 'soon'"),
        ("a --policy fast", "argument --policy: invalid choice: 'fast'"),
        ("a --style", "argument --style: expected one argument: see hsi-run --help"),
        ("a --style x.jpg:0", "--style must be PICTURE or PICTURE:WEIGHT with WEIGHT > 0"),
        ("a --style x.jpg:-1", "--style must be PICTURE or PICTURE:WEIGHT with WEIGHT > 0"),
        ("a --style x.jpg:0.3", "a weight blends several styles: .* use --strength"),
        ("a -o b.mp4 -o ./b.mp4", "the same output stands there twice"),
        ("a --colour", "unrecognized arguments: --colour: see hsi-run --help"),
    ],
)
def test_a_wrong_word_gets_one_clear_line(words: str, message: str) -> None:
    with pytest.raises(OptionError, match=message) as caught:
        _request(*words.split())
    assert "\n" not in str(caught.value)


def test_a_wrong_word_does_not_tell_a_password() -> None:
    with pytest.raises(OptionError, match=r"rtsp://\*\*\*@camera"):
        _request("a", "--inptu=rtsp://me:hunter2@camera")


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("a.jpg", ("a.jpg", 1.0)),
        ("a.jpg:0.3", ("a.jpg", 0.3)),
        ("a.jpg:2", ("a.jpg", 2.0)),
        ("C:/a.jpg", ("C:/a.jpg", 1.0)),
        ("starry-night", ("starry-night", 1.0)),
        ("starry-night:.5", ("starry-night", 0.5)),
    ],
)
def test_styles_may_have_weights(text: str, style: tuple[str, float]) -> None:
    assert style_from_text(text) == style


def test_a_file_whose_name_ends_like_a_weight_is_that_file(tmp_path: Path) -> None:
    path = tmp_path / "a:2"
    path.touch()
    assert style_from_text(str(path)) == (str(path), 1.0)


@pytest.mark.parametrize("text", ["", "a.jpg:1.2.3"])
def test_impossible_styles_are_refused(text: str) -> None:
    with pytest.raises(OptionError, match="--style must be PICTURE or PICTURE:WEIGHT"):
        style_from_text(text)


def test_sizes_of_a_plan_are_of_engines_that_build_one() -> None:
    words = "--camera 0 --engine tensorrt --min-size 320x240 --max-size 1920x1080"

    assert _request(*words.split()).tensorrt == TensorRtOptions(
        min_size=(320, 240), max_size=(1920, 1080)
    )
    match = r"--max-size is of --engine tensorrt, .*: found --engine auto"
    with pytest.raises(OptionError, match=match):
        _request("--camera", "0", "--max-size", "640x480")
    with pytest.raises(OptionError, match=r"--min-size.*got '640'"):
        _request("--camera", "0", "--engine", "tensorrt", "--min-size", "640")
