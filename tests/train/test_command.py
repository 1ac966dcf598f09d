import sys
from collections.abc import Callable

import pytest

from hsi.train.command import main, tune


@pytest.mark.parametrize(
    ("command", "module"), [(main, "hsi.train.cli"), (tune, "hsi.train.tune_cli")]
)
def test_without_torch_a_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: Callable[[list[str]], int],
    module: str,
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, module, raising=False)

    assert command([]) == 4
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "hsi-edge[train]" in said


def test_with_torch_the_command_is_the_training_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert "--style-weight" in capsys.readouterr().out
