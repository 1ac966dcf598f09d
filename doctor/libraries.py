"""Python, this package, and what it cannot do without."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib import metadata

from hsi.doctor.child import tried
from hsi.doctor.finding import Finding, fault, ok, warning

# The distribution that brings a module, and the one line that mends an import.
_BROUGHT_BY = {
    "numpy": ("numpy", "run pip install --force-reinstall 'numpy>=1.26'"),
    "cv2": (
        "opencv-python-headless",
        "run pip uninstall opencv-python opencv-contrib-python, then "
        "pip install --force-reinstall opencv-python-headless",
    ),
    "av": ("av", "run pip install --force-reinstall av"),
    "hsi.runtime": ("hsi-edge", "run pip install --force-reinstall hsi-edge"),
}
_OPENCVS = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)


def version_of(distribution: str) -> str | None:
    """The version of an installed distribution."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def libraries() -> Iterator[Finding]:
    """What loads of the libraries that every run needs."""
    yield ok("python", f"{platform.python_version()} on {platform.platform()}")
    records = tried("libraries")
    for record, (module, (name, mend)) in zip(records, _BROUGHT_BY.items(), strict=False):
        if "error" in record:
            yield fault(name, f"does not load: {record['error']}", mend)
            if "library" not in record:
                return
        elif (version := version_of(name)) is None and record["version"] is None:
            yield warning(name, f"{module} loads, but {name} is not installed as a package", mend)
        else:
            yield ok(name, version or record["version"])
    yield from several_opencvs()


def several_opencvs() -> Iterator[Finding]:
    """OpenCV comes in four packages, of which an environment takes one."""
    found = [name for name in _OPENCVS if version_of(name)]
    if len(found) > 1:
        yield warning(
            "opencv",
            f"{' and '.join(found)} are all installed and overwrite each other's files",
            f"run pip uninstall {' '.join(found)}, then pip install opencv-python-headless",
        )
