"""A network small enough to export in seconds, and its export, made once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import pytest
import torch
from torch import nn

from hsi.export import ExportOptions, ExportReport, export, exporter
from hsi.model import PRESETS, NetworkOptions, StyleNetwork, VggNetwork, build_network
from hsi.model.checkpoint import Checkpoint, save_checkpoint
from hsi.runtime.bundle import Bundle
from hsi.runtime.frame import Image
from hsi.train.first_weights import fresh_network

ROOT = Path(__file__).resolve().parents[2]
Vectors = npt.NDArray[np.float32]
DECODER = ("narrow", "fuse", "fine")
OPTIONS = NetworkOptions(modules=1, stem_width=8, body_width=8, style_hidden=8)


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    # These networks are too small to share; and whoever runs the tests has other work to do.
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def network() -> StyleNetwork:
    """An hsi-edge of a few channels whose random weights let styles and frames through."""
    torch.manual_seed(0)
    network = build_network(OPTIONS).eval().requires_grad_(False)
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv2d) and ("encoder" in name or name in DECODER):
            nn.init.kaiming_normal_(layer.weight)
    return network


@pytest.fixture(scope="session")
def checkpoint(network: StyleNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The network as a file."""
    path = tmp_path_factory.mktemp("checkpoint") / "tiny.pt"
    save_checkpoint(path, Checkpoint(network=network, provenance={"steps": 12}))
    return path


@pytest.fixture(scope="session")
def exported(
    checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[ExportReport, list[str]]:
    """The report of one real export, and the steps it told."""
    steps: list[str] = []
    out = tmp_path_factory.mktemp("exported") / "tiny.hsi"
    return export(ExportOptions(model=checkpoint, out=out), steps.append), steps


@pytest.fixture(scope="session")
def bundle(exported: tuple[ExportReport, list[str]]) -> Bundle:
    """The bundle that the export wrote."""
    return Bundle(exported[0].out)


@pytest.fixture(scope="session")
def hsi_vgg(vgg: Path, tmp_path_factory: pytest.TempPathFactory) -> ExportReport:
    """The report of an export of the large preset, untrained."""
    found = ROOT.parent / "shared" / "data" / "vgg" / "vgg_normalised_relu4_1.pth"
    network = fresh_network(
        replace(
            PRESETS["hsi-vgg"],
            skip=True,
            refinements=1,
            add_frame=True,
            match_palette="covariance",
        ),
        found if found.exists() else vgg,
        0,
    ).eval()
    assert isinstance(network, VggNetwork)
    for refiner in network.refiners:  # fresh ones draw changes larger than pictures
        refiner.get_parameter("steps.5.weight").data.mul_(0.1)
    folder = tmp_path_factory.mktemp("hsi_vgg")
    save_checkpoint(folder / "vgg.pt", Checkpoint(network=network))
    return export(
        ExportOptions(model=folder / "vgg.pt", out=folder / "vgg.hsi", sizes=((96, 80), (131, 97)))
    )


@pytest.fixture
def quick_exports(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let exports take the graphs that were made already: writing them takes seconds."""
    for name in ("style_encoder", "stylizer"):
        data = bundle.read(f"{name}.onnx")
        monkeypatch.setattr(f"hsi.export.exporter.{name}_onnx", lambda network, data=data: data)


@pytest.fixture
def small_comparisons(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command compare small frames only: large ones take seconds."""
    options = exporter.ExportOptions

    def small(**given: Any) -> ExportOptions:
        return options(sizes=((96, 80), (131, 97)), **given)

    monkeypatch.setattr(exporter, "ExportOptions", small)


@pytest.fixture(scope="session")
def codes(bundle: Bundle, photo: Image) -> Vectors:
    """The codes of two styles, `(2, K)`, by the exported style encoder."""
    session = _session(bundle, "style_encoder.onnx")
    styles = np.stack([photo[:96, :128], photo[200:296, 500:628]])
    made: Vectors = session.run(None, {"style": styles})[0]
    return made


@pytest.fixture(scope="session")
def run(bundle: Bundle, codes: Vectors) -> Callable[..., tuple[Image, Vectors]]:
    """Run the exported stylizer on frames `(N, H, W, 3)`; its statistics come back too."""
    session = _session(bundle, "stylizer.onnx")

    def run(
        frames: Image,
        *,
        styles: Vectors = codes[:1],
        fed: Vectors | None = None,
        weight: float = 1.0,
        strength: float = 1.0,
    ) -> tuple[Image, Vectors]:
        count = len(frames)
        size = (count, bundle.manifest.statistics_size)
        feed: dict[str, Any] = {
            "frame": frames,
            "style_code": styles,
            "statistics": np.zeros(size, np.float32) if fed is None else fed,
            "statistics_weight": np.full((count, 1), 0 if fed is None else weight, np.float32),
            "strength": np.full((count, 1), strength, np.float32),
        }
        stylised, used = session.run(["stylised", "statistics_used"], feed)
        return stylised, used

    return run


def _session(bundle: Bundle, part: str) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(bundle.read(part), options, providers=["CPUExecutionProvider"])
