import json
import pickle
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from hsi.model import PRESETS, StyleNetwork
from hsi.model.checkpoint import Checkpoint, load_checkpoint, load_tensors, save_checkpoint
from hsi.runtime.errors import OutputError, SourceError

Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def saved(tiny: StyleNetwork, tmp_path: Path) -> Path:
    path = tmp_path / "model.pt"
    save_checkpoint(path, Checkpoint(network=tiny, provenance={"step": 7}))
    return path


def changed(path: Path, change: Change) -> Path:
    values = torch.load(path, weights_only=True)
    change(values)
    torch.save(values, path)
    return path


class Bomb:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
@pytest.mark.parametrize("half", [False, True])
def test_a_checkpoint_comes_back_as_it_was(
    tiny: StyleNetwork, tmp_path: Path, suffix: str, half: bool
) -> None:
    path = tmp_path / f"model{suffix}"

    save_checkpoint(path, Checkpoint(network=tiny, provenance={"step": 7}), half=half)
    loaded = load_checkpoint(path)

    assert loaded.network.options == tiny.options
    assert loaded.provenance == {"step": 7}
    assert not loaded.network.training
    for name, tensor in loaded.network.state_dict().items():
        expected = tiny.state_dict()[name]
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, expected.half().float() if half else expected)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_half_precision_takes_half_the_space(
    tiny: StyleNetwork, tmp_path: Path, suffix: str
) -> None:
    sizes = []
    for half in (False, True):
        path = tmp_path / f"{half}{suffix}"
        save_checkpoint(path, Checkpoint(network=tiny), half=half)
        sizes.append(path.stat().st_size)

    assert sizes[1] < 0.55 * sizes[0]


def test_half_precision_is_deflated_where_torch_leaves_it_plain(
    tiny: StyleNetwork, tmp_path: Path
) -> None:
    methods = []
    for half in (False, True):
        save_checkpoint(tmp_path / "model.pt", Checkpoint(network=tiny), half=half)
        with zipfile.ZipFile(tmp_path / "model.pt") as written:
            methods.append({entry.compress_type for entry in written.infolist()})

    assert methods == [{zipfile.ZIP_STORED}, {zipfile.ZIP_DEFLATED}]


def test_the_same_weights_are_the_same_bytes(
    tiny: StyleNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for year in (2001, 2031):
        monkeypatch.setattr(time, "time", lambda year=year: (year - 1970) * 31_556_952.0)
        save_checkpoint(tmp_path / "model.pt", Checkpoint(network=tiny), half=True)
        found.append((tmp_path / "model.pt").read_bytes())

    assert found[0] == found[1]


def test_a_folder_that_is_not_there_is_said_and_nothing_is_left(
    tiny: StyleNetwork, tmp_path: Path
) -> None:
    with pytest.raises(OutputError, match=r"nowhere/model.pt: expected to write .* check"):
        save_checkpoint(tmp_path / "nowhere" / "model.pt", Checkpoint(network=tiny))

    assert list(tmp_path.iterdir()) == []


def test_a_failed_save_keeps_the_checkpoint_that_was_there(
    saved: Path, tiny: StyleNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = saved.read_bytes()

    def full(values: object, path: Path) -> None:
        path.write_bytes(b"half of it")
        raise RuntimeError("PytorchStreamWriter failed writing file: No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OutputError, match="No space left on device"):
        save_checkpoint(saved, Checkpoint(network=tiny))

    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_a_pickle_bomb_is_refused_and_does_not_go_off(saved: Path, tmp_path: Path) -> None:
    crater = tmp_path / "crater"
    changed(saved, lambda values: values.update(provenance=Bomb(crater)))

    with pytest.raises(SourceError, match=r"model.pt: expected tensors alone, .* would run code"):
        load_checkpoint(saved)

    assert not crater.exists()
    # The bomb is live: Python's own loader sets it off.
    pickle.loads(pickle.dumps(Bomb(crater)))
    assert crater.exists()


@pytest.mark.parametrize("load", [load_checkpoint, load_tensors])
def test_a_bare_pickle_bomb_is_refused(tmp_path: Path, load: Callable[[Path], object]) -> None:
    path, crater = tmp_path / "model.pt", tmp_path / "crater"
    path.write_bytes(pickle.dumps({"state": Bomb(crater)}))

    with pytest.raises(SourceError, match="expected tensors alone"):
        load(path)

    assert not crater.exists()


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_missing_file_is_said(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(SourceError, match=f"none{suffix}: expected a checkpoint, found no such"):
        load_checkpoint(tmp_path / f"none{suffix}")


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_a_truncated_file_is_refused(
    tiny: StyleNetwork, tmp_path: Path, suffix: str, share: float
) -> None:
    path = tmp_path / f"model{suffix}"
    save_checkpoint(path, Checkpoint(network=tiny))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(SourceError, match=rf"model{suffix}: expected .*, found .*dama"):
        load_checkpoint(path)


@pytest.mark.parametrize("content", [b"not a checkpoint\n", b"\x89PNG\r\n\x1a\n" + bytes(99)])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(content)

    with pytest.raises(SourceError, match=rf"model{suffix}: expected .*, found .*dama"):
        load_checkpoint(path)


@pytest.mark.parametrize("values", [{"state_dict": {}}, {}, [1, 2], {"format": "other"}])
def test_another_project_s_checkpoint_is_refused(tmp_path: Path, values: object) -> None:
    path = tmp_path / "model.pt"
    torch.save(values, path)

    with pytest.raises(SourceError, match="found another project's file: make one with hsi-train"):
        load_checkpoint(path)


@pytest.mark.parametrize("metadata", [None, {"hsi": "[]"}, {"hsi": "{}"}])
def test_safetensors_of_another_project_are_refused(
    tmp_path: Path, metadata: dict[str, str] | None
) -> None:
    path = tmp_path / "model.safetensors"
    save_file({"weight": torch.zeros(2)}, path, metadata=metadata)

    with pytest.raises(SourceError, match="found another project's file"):
        load_checkpoint(path)


def test_safetensors_with_a_damaged_header_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file({"weight": torch.zeros(2)}, path, metadata={"hsi": "{"})

    with pytest.raises(SourceError, match="expected safetensors, found a damaged file"):
        load_checkpoint(path)


def test_a_newer_version_is_refused(saved: Path) -> None:
    changed(saved, lambda values: values.update(version=2))

    with pytest.raises(SourceError, match=r"expected checkpoint version 1, found 2: .* update"):
        load_checkpoint(saved)


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values.pop("options"),
        lambda values: values.update(options=[1]),
        lambda values: values.update(options=7),
        lambda values: values["options"].update(preset="hsi-huge"),
        lambda values: values["options"].update(injector="raw"),
        lambda values: values["options"]["injector"].update(deviation_floor="much"),
        lambda values: values.update(provenance="here"),
    ],
)
def test_options_that_make_no_network_are_refused(saved: Path, change: Change) -> None:
    with pytest.raises(SourceError, match="expected network options, found nonsense"):
        load_checkpoint(changed(saved, change))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(saved: Path, value: float) -> None:
    changed(saved, lambda values: values["state"]["stem.weight"][0, 0].fill_(value))

    with pytest.raises(SourceError, match=r"NaN, infinity\) in 'stem.weight'"):
        load_checkpoint(saved)


@pytest.mark.parametrize("tensor", [torch.zeros(8, dtype=torch.int64), torch.zeros(8).to_sparse()])
def test_weights_of_another_kind_are_refused(saved: Path, tensor: torch.Tensor) -> None:
    changed(saved, lambda values: values["state"].update({"stem.bias": tensor}))

    with pytest.raises(SourceError, match=r"expected finite numbers, found others .* 'stem.bias'"):
        load_checkpoint(saved)


def test_a_missing_weight_is_named(saved: Path) -> None:
    changed(saved, lambda values: values["state"].pop("head.bias"))

    with pytest.raises(SourceError, match=r"weights of hsi-edge, found none for 'head.bias'"):
        load_checkpoint(saved)


def test_an_unknown_weight_is_named(saved: Path) -> None:
    changed(saved, lambda values: values["state"].update(extra=torch.zeros(1)))

    with pytest.raises(SourceError, match="found 'extra', which it has not"):
        load_checkpoint(saved)


@pytest.mark.parametrize("value", [torch.zeros(9), "eight zeros"])
def test_a_weight_of_another_shape_is_named(saved: Path, value: object) -> None:
    changed(saved, lambda values: values["state"].update({"stem.bias": value}))

    with pytest.raises(SourceError, match=r"found 'stem.bias' in another shape"):
        load_checkpoint(saved)


def test_options_of_a_giant_are_refused_before_memory_is_taken_for_it(saved: Path) -> None:
    # As a real network it would take 10 GB.
    giant = {"body_width": 1024, "stem_width": 1024, "modules": 20, "style_hidden": 1024}
    changed(saved, lambda values: values["options"].update(giant))

    with pytest.raises(SourceError, match="expected the weights of hsi-edge, found none for"):
        load_checkpoint(saved)


def test_safetensors_say_what_they_are(tiny: StyleNetwork, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_checkpoint(path, Checkpoint(network=tiny))

    with safe_open(path, framework="pt") as opened:
        described = json.loads(opened.metadata()["hsi"])

    assert described["format"] == "hsi-edge checkpoint"
    assert described["version"] == 1
    assert described["options"]["preset"] == "hsi-edge"
    assert set(load_file(path)) == set(tiny.state_dict())


def test_presets_are_stored_by_their_options_not_by_their_name(saved: Path) -> None:
    assert load_checkpoint(saved).network.options != PRESETS["hsi-edge"]


def test_a_state_dict_is_read_with_or_without_a_wrapper(tmp_path: Path) -> None:
    state = {"0.weight": torch.ones(2)}
    for name, values in (("plain.pth", state), ("wrapped.pth", {"model": state})):
        torch.save(values, tmp_path / name)

        assert torch.equal(load_tensors(tmp_path / name)["0.weight"], torch.ones(2))


@pytest.mark.parametrize("values", [[1, 2], {"epoch": 3}, {"model": 3}])
def test_what_is_no_state_dict_is_refused(tmp_path: Path, values: object) -> None:
    torch.save(values, tmp_path / "vgg.pth")

    with pytest.raises(SourceError, match=r"vgg.pth: expected a state dict of tensors, found some"):
        load_tensors(tmp_path / "vgg.pth")
