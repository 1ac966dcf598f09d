import sys

import pytest

from hsi.train.command import main


def test_without_torch_the_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "hsi.train.cli", raising=False)

    assert main([]) == 4
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "hsi-edge[train]" in said


def test_with_torch_the_command_is_the_training_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert "--style-weight" in capsys.readouterr().out
