"""Cross-Image Attention: the structure of one picture in the appearance of another (2311.03335).

The whole method in NumPy. A :class:`Model` runs the U-Net: one by torch is in `hsi.appearance`, one
by ONNX Runtime here.
"""

from hsi.runtime.appearance.adain import adain
from hsi.runtime.appearance.appearance_stylizer import AppearanceStylizer, Transferred, load
from hsi.runtime.appearance.attention_view import AttentionView
from hsi.runtime.appearance.bank import Bank, make_bank
from hsi.runtime.appearance.bank_file import load_bank, save_bank
from hsi.runtime.appearance.denoiser import (
    AttentionLayer,
    Controls,
    LayerFeatures,
    Model,
    Prediction,
)
from hsi.runtime.appearance.inversion import Role, Trajectory, invert, reconstruct, replay
from hsi.runtime.appearance.onnx_model import OnnxModel
from hsi.runtime.appearance.options import TransferOptions
from hsi.runtime.appearance.plan import plan
from hsi.runtime.appearance.schedule import NoiseSchedule, Step
from hsi.runtime.appearance.transfer import TransferResult, transfer

__all__ = [
    "AppearanceStylizer",
    "AttentionLayer",
    "AttentionView",
    "Bank",
    "Controls",
    "LayerFeatures",
    "Model",
    "NoiseSchedule",
    "OnnxModel",
    "Prediction",
    "Role",
    "Step",
    "Trajectory",
    "TransferOptions",
    "TransferResult",
    "Transferred",
    "adain",
    "invert",
    "load",
    "load_bank",
    "make_bank",
    "plan",
    "reconstruct",
    "replay",
    "save_bank",
    "transfer",
]
