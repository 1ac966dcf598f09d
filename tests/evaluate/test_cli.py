from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from hsi.evaluate import evaluator
from hsi.evaluate.cli import main
from hsi.evaluate.pair_list import PairList

Command = Callable[..., tuple[int, str, str]]


def test_a_table_has_a_row_for_the_method_and_one_for_the_baseline(
    hsi_eval: Command, finished: Path
) -> None:
    code, out, err = hsi_eval(finished, "--baseline")

    lines = out.splitlines()
    assert (code, err, len(lines)) == (0, "", 5)
    assert lines[0].startswith("2 styles by 3 content pictures, 6 pairs at 64x64; mean ± bootstrap")
    assert lines[1].split() == "content loss style loss SSIM VGG distance".split()
    assert lines[2].startswith("finished/ ")
    assert lines[3].startswith("the content picture itself ")
    assert "0.000 ± 0.000" in lines[3]
    assert lines[4].startswith("lower is nearer for all but SSIM")


def test_styles_get_rows_of_their_own(hsi_eval: Command, finished: Path) -> None:
    _, out, _ = hsi_eval(finished, "--per-style", "--bootstrap", "0")

    assert [line.split()[0] for line in out.splitlines()[2:5]] == ["finished/", "night", "wave"]
    assert "mean ± standard error over pairs" in out


def test_one_pair_has_no_standard_error(hsi_eval: Command, finished: Path) -> None:
    _, out, _ = hsi_eval(finished, "--styles", "1", "--every", "3")

    assert "1 pairs at 64x64; one pair: no standard error" in out
    assert "±" not in out


def test_json_has_every_pair_and_no_folder(hsi_eval: Command, vgg: Path, tmp_path: Path) -> None:
    code, out, err = hsi_eval("--baseline", "--json")

    values = json.loads(out)
    assert (code, err) == (0, "")
    assert values["protocol"]["size"] == 64
    assert values["protocol"]["vgg"]["file"] == vgg.name
    assert values["contents"] == ["boat.png", "cat.png", "hill.png"]
    (results,) = values["results"]
    assert len(results["pairs"]) == 6
    assert set(results["pairs"][0]) == {
        "content", "style", "content_loss", "style_loss", "ssim", "vgg_distance",
    }  # fmt: skip
    assert str(tmp_path) not in out


def test_a_json_list_of_pairs_is_thinned(
    hsi_eval: Command, pairs: PairList, tmp_path: Path
) -> None:
    listing = tmp_path / "list.json"
    listing.write_text(
        json.dumps(
            {
                "all_content": [f"photos/{path.name}" for path in pairs.contents],
                "all_style": [f"paintings/{path.name}" for path in pairs.styles],
            }
        )
    )
    words = {"content": None, "style": None, "pairs": listing, "set": "all"}

    _, out, _ = hsi_eval("--baseline", "--json", styles=1, every=2, **words)

    values = json.loads(out)
    assert (values["contents"], values["styles"]) == (["boat.png", "hill.png"], ["night.png"])


def test_a_report_is_written_and_told(hsi_eval: Command, finished: Path, tmp_path: Path) -> None:
    code, out, _ = hsi_eval(finished, out=tmp_path / "report")

    assert code == 0
    assert out.endswith(f"wrote {tmp_path / 'report' / 'index.html'}\n")
    assert (tmp_path / "report" / "index.html").is_file()


def test_pictures_are_prepared_without_weights(hsi_eval: Command, tmp_path: Path) -> None:
    code, out, err = hsi_eval(prepare=tmp_path / "in", vgg=None)

    assert (code, err) == (0, "")
    assert out == f"wrote 3 content pictures and 2 styles to {tmp_path / 'in'}/\n"
    assert sorted(path.name for path in (tmp_path / "in" / "style").iterdir()) == [
        "night.png",
        "wave.png",
    ]


@pytest.mark.parametrize(
    ("more", "changes", "code", "message"),
    [
        ([], {}, 2, "expected a bundle, a folder of results or --baseline, got none"),
        (["--baseline"], {"vgg": None}, 2, "--vgg must name the weights of VGG-19, got nothing"),
        (["--baseline"], {"style": None}, 2, "expected --content and --style, or --pairs: see"),
        (["--baseline"], {"pairs": "a.json"}, 2, "expected --pairs, or --content and --style, got"),
        (["--baseline"], {"set": "x"}, 2, "--set chooses among the lists of --pairs, got no"),
        (
            ["--baseline"],
            {"size": "big"},
            2,
            "argument --size: invalid int value: 'big': see hsi-e",
        ),
        (["--baseline"], {"size": 9}, 2, "--size must be from 64 to 4096, got 9"),
        (["--baseline"], {"stile": "x"}, 2, "unrecognized arguments: --stile: see hsi-eval --help"),
        (["--baseline"], {"device": "abacus"}, 2, "--device must be one torch has here, got 'abac"),
        (["--baseline"], {"styles": 3}, 2, "--styles must be from 1 to the 2 styles there are, go"),
        (["--baseline"], {"content": "gone"}, 3, "gone: expected a picture, a folder or a list"),
        (["--baseline"], {"style": "notes.md"}, 3, "notes.md: expected a picture, found 5 bytes"),
        (["--baseline"], {"vgg": "gone.pth"}, 3, "gone.pth: expected a checkpoint, found no such"),
        (["--baseline"], {"vgg": "notes.md"}, 3, "notes.md: expected tensors alone, found"),
        (["gone.hsi"], {}, 3, "gone.hsi: expected a .hsi bundle or a folder of results, found"),
        (["photos"], {}, 3, "photos/: expected boat__night.png and 5 more, found none: name"),
        (["notes.md"], {}, 4, "notes.md: "),
        (["photos"], {"out": "notes.md"}, 2, "notes.md is a file: give the name of a folder"),
        (["photos"], {"out": "photos"}, 2, "photos/ exists: pass --force to replace it"),
        (["photos"], {"out": "notes.md/report"}, 6, "report: cannot write it: a part of the path"),
        (["photos"], {"prepare": "in"}, 2, "--prepare writes pictures and scores nothing: drop ph"),
        ([], {"prepare": "in", "size": 5}, 2, "--size must be from 64 to 4096, got 5"),
    ],
)
def test_bad_input_gives_one_line_and_its_exit_code(
    hsi_eval: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    more: list[str],
    changes: dict[str, Any],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.md").write_text("words")
    before = sorted(os.listdir(tmp_path))

    found, out, err = hsi_eval(*more, **changes)

    assert (found, out) == (code, "")
    assert err.startswith("hsi-eval: ")
    assert message in err
    assert err.count("\n") == 1
    assert sorted(os.listdir(tmp_path)) == before


def test_a_full_disk_is_said_and_leaves_nothing(
    hsi_eval: Command, finished: Path, small_disk: Path
) -> None:
    code, out, err = hsi_eval(finished, out=small_disk / "report")

    assert (code, out) == (6, "")
    assert "cannot write it: the disk is full" in err
    assert os.listdir(small_disk) == []


@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "interrupted, nothing written"),
        (KeyError("x"), 6, "internal fault, nothing written: KeyError: 'x': please report it"),
        (
            ModuleNotFoundError(name="skimage"),
            4,
            "expected package skimage, found none: run pip in",
        ),
    ],
)
def test_a_fault_on_the_way_is_one_line(
    hsi_eval: Command,
    monkeypatch: pytest.MonkeyPatch,
    fault: BaseException,
    code: int,
    message: str,
) -> None:
    def fail(*words: object) -> None:
        raise fault

    monkeypatch.setattr(evaluator, "evaluate", fail)
    found, out, err = hsi_eval("--baseline")

    assert (found, out) == (code, "")
    assert err.startswith(f"hsi-eval: {message}")


def test_threads_are_torch_s(hsi_eval: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", told.append)

    assert hsi_eval("--baseline", threads=1)[0] == 0
    assert told == [1]


def test_progress_is_shown_unless_quiet(
    pairs: PairList, vgg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--baseline", "--size", "64", "--vgg", vgg, "--style", tmp_path / "paintings"]

    assert main([str(word) for word in (*words, "--content", tmp_path / "photos")]) == 0
    assert "6/6" in capsys.readouterr().err


def test_help_has_examples_and_needs_no_torch() -> None:
    code = (
        "import sys\n"
        "from hsi.evaluate.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert "hsi-eval model.hsi --content photos/ --style paintings/" in done.stdout
    assert "(default: 512)" in done.stdout
    assert done.stdout.endswith("False\n"), done.stderr


def test_options_complete(tmp_path: Path) -> None:
    pytest.importorskip("argcomplete", reason="argcomplete is not installed")
    line = "hsi-eval --per"
    asked = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_SHELL": "bash",
        "_ARGCOMPLETE_STDOUT_FILENAME": f"{tmp_path}/words",
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    subprocess.run(
        [sys.executable, "-m", "hsi.evaluate.cli"],
        env={**os.environ, **asked},
        check=True,
        timeout=60,
    )

    assert (tmp_path / "words").read_text().strip() == "--per-style"
