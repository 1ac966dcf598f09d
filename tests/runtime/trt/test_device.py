"""The driver is asked before anything else, by a library that is built here."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hsi.runtime.errors import EngineError
from hsi.runtime.trt.device import Device, find_device


def test_the_first_device_is_found_with_what_a_plan_depends_on(driver: Callable[..., str]) -> None:
    assert find_device(driver()) == Device(name="Fake GPU", compute_capability="8.9", driver="13.1")


def test_a_machine_without_a_driver_says_so() -> None:
    with pytest.raises(EngineError, match=r"expected an NVIDIA driver, found no libnone\.so\.1: "):
        find_device("libnone.so.1")


def test_a_driver_without_a_device_says_so(driver: Callable[..., str]) -> None:
    with pytest.raises(EngineError, match="expected a GPU, found a driver without one: check nvid"):
        find_device(driver(count=0))


def test_a_driver_that_does_not_start_is_named_with_its_error(driver: Callable[..., str]) -> None:
    with pytest.raises(EngineError, match="driver refused cuInit with error 100: check that nvid"):
        find_device(driver(refusal=100))
