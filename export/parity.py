"""Torch against the exported graphs on real frames: an export ends with a measurement."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import onnxruntime as ort
import torch

from hsi.model import StyleNetwork
from hsi.runtime.errors import QualityError
from hsi.runtime.frame import Image
from hsi.runtime.onnxruntime_engine import translated

SIZES = ((512, 512), (641, 479), (1280, 720))  # width, height; the odd one exercises the padding
MAX_DIFFERENCE = 2  # of 255, any value
MAX_SHARE_OVER_ONE = 1e-4  # of all values


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One frame through torch and through the graphs, the worst of those that do the same."""

    size: str  # WIDTHxHEIGHT
    values: int  # compared: pixels times channels
    worst: int  # of 255
    share_over_one: float  # of values that differ by more than 1 of 255

    @property
    def agrees(self) -> bool:
        """Whether the two are the same picture, rounding aside."""
        return self.worst <= MAX_DIFFERENCE and self.share_over_one <= MAX_SHARE_OVER_ONE


class OnnxPair:
    """The two graphs in ONNX Runtime on the CPU, straight from their bytes.

    Raises:
        EngineError: A graph does not load; later, that it does not run.
    """

    def __init__(self, style_encoder: bytes, stylizer: bytes) -> None:
        options = ort.SessionOptions()
        options.log_severity_level = 3
        cpu = ["CPUExecutionProvider"]
        try:
            self._encoder = ort.InferenceSession(style_encoder, options, providers=cpu)
            self._stylizer = ort.InferenceSession(stylizer, options, providers=cpu)
        except Exception as error:
            raise translated(error) from error

    def stylise(self, frame: Image, style: Image, statistics_size: int) -> Image:
        """`(H, W, 3) uint8 BGR` frame and style to the stylised frame."""
        feed = {
            "frame": frame[np.newaxis],
            "statistics": np.zeros((1, statistics_size), np.float32),
            "statistics_weight": np.zeros((1, 1), np.float32),
            "strength": np.ones((1, 1), np.float32),
        }
        try:
            (feed["style_code"],) = self._encoder.run(None, {"style": style[np.newaxis]})
            stylised: Image = self._stylizer.run(["stylised"], feed)[0][0]
        except Exception as error:
            raise translated(error) from error
        return stylised


@torch.no_grad()
def torch_stylise(network: StyleNetwork, frame: Image, style: Image) -> Image:
    """The reference: the network as it was trained, on pixels in [0, 1].

    Raises:
        QualityError: The network gives NaN or infinity, which no comparison of pixels would show.
    """
    code = network.encode_style(_planes(style))
    stylised, _ = network(_planes(frame), code)
    if not torch.isfinite(stylised).all():
        raise QualityError(
            "network: expected pixels, found NaN or infinity: its weights are finite but of no use"
        )
    pixels = stylised[0].permute(1, 2, 0).mul(255).round().clamp(0, 255)
    return np.asarray(pixels.to(torch.uint8).numpy())


def compare(
    network: StyleNetwork, graphs: Sequence[OnnxPair], frame: Image, style: Image
) -> Comparison:
    """One frame both ways, each from its own encoding of the style; the worst of some graphs."""
    wanted = torch_stylise(network, frame, style)
    made = np.stack([one.stylise(frame, style, network.statistics_size) for one in graphs])
    difference = np.abs(made.astype(np.int16) - wanted)
    return Comparison(
        size=f"{frame.shape[1]}x{frame.shape[0]}",
        values=wanted.size,
        worst=int(difference.max()),
        share_over_one=max(float((one > 1).mean()) for one in difference),
    )


def resized(picture: Image, size: tuple[int, int]) -> Image:
    """A picture at `(width, height)`."""
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _planes(picture: Image) -> torch.Tensor:
    return torch.from_numpy(picture).permute(2, 0, 1).unsqueeze(0).float().div(255)
