"""What the kernel tells of a machine, in files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The folder that holds `proc`, `sys` and `dev`. Elsewhere than on Linux they are missing."""

    root: Path = Path("/")

    def path(self, name: str) -> Path:
        """Where a file of the kernel is, such as `proc/meminfo`."""
        return self.root / name

    def text(self, name: str) -> str | None:
        """What a file says, without white space around it; None where it cannot be read."""
        try:
            return self.path(name).read_text(errors="replace").strip()
        except OSError:
            return None

    def number(self, name: str) -> int | None:
        """The whole number in a file; None where there is none."""
        try:
            return int(self.text(name) or "")
        except ValueError:
            return None

    def has_pci(self, vendor: str, pci_class: str) -> bool:
        """Whether a PCI device is there, of a vendor such as `0x10de`, whose class begins so."""
        return any(
            self.text(f"sys/bus/pci/devices/{one.name}/vendor") == vendor
            and (self.text(f"sys/bus/pci/devices/{one.name}/class") or "").startswith(pci_class)
            for one in self.entries("sys/bus/pci/devices")
        )

    def entries(self, folder: str) -> list[Path]:
        """What a folder holds, by name; nothing where it is missing or closed."""
        try:
            return sorted(self.path(folder).iterdir())
        except OSError:
            return []
