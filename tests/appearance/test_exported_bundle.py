"""An exported diffusion model where torch is not: pictures, banks, and what is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from hsi.runtime.appearance import OnnxModel, TransferOptions, load, load_bank, make_bank, save_bank
from hsi.runtime.appearance.manifest import AppearanceManifest
from hsi.runtime.archive import Archive
from hsi.runtime.cli import main as hsi_run
from hsi.runtime.errors import BundleError
from hsi.runtime.inspect_cli import main as hsi_inspect

Repack = Callable[..., Path]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """`structure.png`, not square, and `style.png`, larger."""
    rng = np.random.default_rng(1)
    for name, size in (("structure", (40, 64)), ("style", (90, 70))):
        small = rng.integers(0, 256, (6, 6, 3)).astype(np.uint8)
        cv2.imwrite(str(tmp_path / f"{name}.png"), cv2.resize(small, size[::-1]))
    return tmp_path


def run(*words: object) -> int:
    """On one thread: more would only wait for each other in graphs this small."""
    return hsi_run([str(word) for word in (*words, "--threads", 1)])


def test_the_whole_loop_runs_where_torch_cannot_be_imported(bundle: Path, pictures: Path) -> None:
    program = textwrap.dedent(
        """
        import sys
        for name in ("torch", "diffusers", "transformers", "onnx", "safetensors"):
            sys.modules[name] = None  # any import of it fails
        from hsi.runtime.cli import main
        sys.exit(main(sys.argv[1:]))
        """
    )
    words = ["--model", bundle, "--style", pictures / "style.png", pictures / "structure.png"]
    words += ["-o", pictures / "out.png", "--steps", "4", "-q"]

    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert (done.returncode, done.stderr) == (0, "")
    made = cv2.imread(str(pictures / "out.png"))
    assert made is not None
    assert made.shape == (32, 32, 3)
    assert made.std() > 1


def test_a_folder_gets_a_picture_each_and_the_bank_is_kept(bundle: Path, pictures: Path) -> None:
    (pictures / "in").mkdir()
    for name in ("a", "b"):
        shutil.copy(pictures / "structure.png", pictures / "in" / f"{name}.png")
    common = ["--model", bundle, "--steps", "4", "-q"]
    bank = pictures / "style.bank"

    first = run(
        *common, "--style", pictures / "style.png", pictures / "in", "-o", pictures / "out",
        "--save-bank", bank, "--save-maps", pictures / "maps",
    )  # fmt: skip
    second = run(*common, "--style", bank, pictures / "in" / "a.png", "-o", pictures / "again.png")

    assert (first, second) == (0, 0)
    made = [(pictures / "out" / f"{name}.png").read_bytes() for name in ("a", "b")]
    assert made == [(pictures / "again.png").read_bytes()] * 2
    maps = {path.name for path in (pictures / "maps").iterdir()}
    assert {"a.mask.png", "b.mask.png", "style.mask.png", "a.parts.png", "a.part-0.png"} <= maps


def test_few_steps_and_masks_of_ones_own(bundle: Path, pictures: Path) -> None:
    mask = np.zeros((40, 64, 3), np.uint8)
    mask[8:32, 20:44] = 255
    cv2.imwrite(str(pictures / "mask.png"), mask)
    words = ["--model", bundle, "--style", pictures / "style.png", pictures / "structure.png"]

    assert run(*words, "-o", pictures / "out.png", "--few-step", 2, "-q") == 0
    assert run(*words, "-o", pictures / "m.png", "--few-step", 2, "-q",
               "--mask", pictures / "mask.png") == 0  # fmt: skip

    assert (pictures / "out.png").read_bytes() != (pictures / "m.png").read_bytes()


def test_python_has_the_same(bundle: Path, pictures: Path) -> None:
    structure, style = (
        cv2.imread(str(pictures / f"{name}.png")) for name in ("structure", "style")
    )
    assert structure is not None and style is not None
    stylizer = load(bundle, threads=1)

    stylizer.set_style(np.asarray(style, np.uint8))

    assert stylizer(np.asarray(structure, np.uint8)).picture.shape == (32, 32, 3)


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--style", "nothing.png"], 3, "nothing.png: cannot read it"),
        (["--style", "style.png", "--mask", "black.png"], 2, "mask 0: expected at least 16"),
        (["--style", "style.png", "--steps", "0"], 2, "steps must be from 1"),
        (["--style", "style.png", "--faithful", "--contrast", "2"], 2, "--faithful sets"),
        (["--style", "style.png", "--camera", "0"], 2, "unrecognized arguments: --camera"),
        (["--style", "tiny.png"], 6, "at least 8 pixels, got 5x4"),
        (["--style", "text.bank"], 4, "expected an appearance bank"),
        (["--style", "other.bank"], 2, "bank: expected one of model"),
        (["--style", "style.png", "--few-step", "0"], 2, "--few-step takes a number from 1"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    bundle: Path,
    pictures: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    text: str,
) -> None:
    monkeypatch.chdir(pictures)
    cv2.imwrite("black.png", np.zeros((40, 64, 3), np.uint8))
    cv2.imwrite("tiny.png", np.zeros((4, 5, 3), np.uint8))
    Path("text.bank").write_text("no bank")
    if "other.bank" in words:
        _other_bank(bundle)
    before = set(pictures.iterdir())

    assert run("--model", bundle, *words, "structure.png", "-o", "out.png") == code

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("hsi-run: ")
    assert text in lines[0]
    assert set(pictures.iterdir()) == before


def test_a_picture_that_is_not_there_or_a_name_that_is_no_picture_is_refused(
    bundle: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--model", bundle, "--style", pictures / "style.png"]

    assert run(*words, pictures / "nothing.png", "-o", pictures / "out.png") == 3
    assert run(*words, pictures / "structure.png", "-o", pictures / "out.mp4") == 6
    assert run(*words, pictures, "-o", pictures / "out.png") == 2
    assert run(*words, "-o", pictures / "out.png") == 2

    told = capsys.readouterr().err.splitlines()
    for line, text in zip(
        told,
        ("expected a picture or a folder", "expected a picture such as out.png",
         "holds one picture, got 2", "no source: give a picture"),
        strict=True,
    ):  # fmt: skip
        assert text in line


def test_nan_in_a_step_ends_the_run_and_leaves_no_picture(
    bundle: Path, pictures: Path, repack: Repack, capsys: pytest.CaptureFixture[str]
) -> None:
    shape = Archive(bundle, AppearanceManifest.from_json).manifest.context_shape
    nan = np.full(shape, np.nan, "<f4").tobytes()
    broken = repack(bundle, pictures / "nan.hsi", parts={"context.f32": nan}, rehash=True)
    words = ["--style", pictures / "style.png", pictures / "structure.png"]

    assert run("--model", broken, *words, "-o", pictures / "out.png", "-q") == 5

    assert "step 0 (timestep" in capsys.readouterr().err
    assert not (pictures / "out.png").exists()


def test_faithful_needs_a_bundle_that_is(bundle: Path, pictures: Path) -> None:
    words = ["--style", pictures / "style.png", pictures / "structure.png"]

    assert run("--model", bundle, *words, "-o", pictures / "out.png", "--faithful") == 2
    assert not (pictures / "out.png").exists()


def test_inspection_tells_what_the_bundle_takes(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hsi_inspect([str(bundle)]) == 0
    page = capsys.readouterr().out
    assert "pictures        32x32; latents (4, 16, 16)" in page
    assert "transfers       cat" in page

    assert hsi_inspect([str(bundle), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["family"] == "cross-image"


def test_a_bundle_for_pictures_is_no_stylizer(bundle: Path) -> None:
    import hsi.runtime

    with pytest.raises(BundleError, match="found family 'cross-image': open it with"):
        hsi.runtime.load(bundle)


@pytest.mark.parametrize(
    ("edit", "match"),
    [
        (lambda v: v.update(width=33), "expected sides of whole strides"),
        (lambda v: v.update(family="other"), "expected family 'cross-image'"),
        (lambda v: v["schedule"].update(prediction="flow"), "expected prediction to be one of"),
        (lambda v: v.update(context_shape=[2, 3, 99]), "expected context.f32 of shape"),
        (lambda v: v.update(layers=[]), "found none"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(
    bundle: Path, repack: Repack, tmp_path: Path, edit: Callable[[Any], None], match: str
) -> None:
    broken = repack(bundle, tmp_path / "broken.hsi", edit=edit)

    with pytest.raises(BundleError, match=match):
        OnnxModel(broken)


def _other_bank(bundle: Path) -> None:
    """A bank that says it is of another model."""
    stylizer = load(bundle, threads=1)
    latents = np.zeros((1, *stylizer.model.manifest.latent_shape), np.float32)  # type: ignore[attr-defined]
    options = TransferOptions(steps=3, skip=1)
    save_bank(make_bank(stylizer.model, latents, options), Path("other.bank"))
    bank = load_bank(Path("other.bank"))
    bank.fingerprint = "0" * 64
    save_bank(bank, Path("other.bank"))
