import pytest

from hsi.model.device import checked_device
from hsi.runtime.errors import OptionError


def test_a_device_that_computes_is_taken() -> None:
    assert checked_device("cpu").type == "cpu"


@pytest.mark.parametrize("name", ["abacus", "cuda:99"])
def test_a_device_that_is_not_there_is_refused_with_its_option(name: str) -> None:
    with pytest.raises(OptionError, match=f"--device must be one torch has here, got '{name}'"):
        checked_device(name, "--device")


def test_a_device_that_computes_nothing_is_refused() -> None:
    with pytest.raises(OptionError, match="device must be one that computes, got 'meta'"):
        checked_device("meta")
