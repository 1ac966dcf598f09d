"""Arrays that lie on the device already, of whatever library: taken as they are, not copied."""

import ctypes
from dataclasses import dataclass
from typing import Any

from hsi.runtime.errors import FrameError

CUDA = 2  # DLPack's number for its memory
UNSIGNED = 1  # DLPack's code for unsigned whole numbers


class _Tensor(ctypes.Structure):
    """DLTensor of DLPack, which versions 0.x and 1.x share."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class DeviceArray:
    """Pixels on the device."""

    address: int
    shape: tuple[int, ...]
    owner: Any  # kept alive as long as this


def device_array(value: Any, what: str, stream: int) -> DeviceArray:
    """An array of uint8 on the device, by `__dlpack__` or `__cuda_array_interface__`.

    Args:
        value: Of PyTorch, CuPy, Numba or any other library with one of the two; C-contiguous.
        what: What to call it in messages.
        stream: Handle of the stream that will use it: work on the array comes before.

    Raises:
        FrameError: It is not on the device, not of uint8 or not contiguous.
    """
    if hasattr(value, "__dlpack__"):
        found = _by_dlpack(value, what, stream)
    elif hasattr(value, "__cuda_array_interface__"):
        found = _by_interface(value, what)
    else:
        raise FrameError(
            f"{what}: expected an array on the device with __dlpack__ or "
            f"__cuda_array_interface__, found {type(value).__name__}"
        )
    return found


def _by_dlpack(value: Any, what: str, stream: int) -> DeviceArray:
    kind, number = value.__dlpack_device__()
    if (kind, number) != (CUDA, 0):
        raise FrameError(
            f"{what}: expected an array on the first CUDA device, found DLPack device "
            f"({int(kind)}, {number}): move it there"
        )
    capsule = value.__dlpack__(stream=stream)
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    tensor = _Tensor.from_address(pointer(capsule, b"dltensor"))
    if (tensor.code, tensor.bits, tensor.lanes) != (UNSIGNED, 8, 1):
        raise FrameError(f"{what}: expected uint8, found another type: convert it first")
    shape = tuple(tensor.shape[: tensor.ndim])
    strides = tuple(tensor.strides[: tensor.ndim]) if tensor.strides else None
    _check_contiguous(shape, strides, what)
    address = (tensor.data or 0) + tensor.byte_offset
    return DeviceArray(address=address, shape=shape, owner=(value, capsule))


def _by_interface(value: Any, what: str) -> DeviceArray:
    told = value.__cuda_array_interface__
    if told["typestr"] != "|u1":
        raise FrameError(f"{what}: expected uint8, found {told['typestr']}: convert it first")
    shape = tuple(told["shape"])
    _check_contiguous(shape, told.get("strides"), what)
    return DeviceArray(address=told["data"][0], shape=shape, owner=value)


def _check_contiguous(shape: tuple[int, ...], strides: tuple[int, ...] | None, what: str) -> None:
    # Elements are of one byte, so both protocols count alike.
    wanted, step = [], 1
    for side in reversed(shape):
        wanted.append(step)
        step *= side
    moved = zip(shape, strides or (), reversed(wanted), strict=False)
    if any(side > 1 and found != right for side, found, right in moved):
        raise FrameError(f"{what}: expected a C-contiguous array, found strides {strides}: copy it")
