"""Whether a bundle is whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hsi.doctor.finding import Finding, fault, ok

_MEND = "copy it again from where it was exported, or export it again"


def bundle_of(path: Path | None) -> tuple[Path | None, Finding]:
    """Read every byte of a bundle.

    Args:
        path: A `.hsi` file; None for the shipped one.

    Returns:
        Its path, None where it cannot be used, and what was found.
    """
    # Imported here: the libraries it needs may be what is broken.
    from hsi.runtime.bundle import Bundle, shipped_bundle
    from hsi.runtime.errors import BundleError

    try:
        path = path or shipped_bundle()
        bundle = Bundle(path)
        bundle.verify()
    except BundleError as error:
        return None, fault("bundle", str(error), _MEND)
    manifest = bundle.manifest
    precisions = [manifest.stylizer.precision]
    precisions += [v.graph.precision for v in manifest.variants if v.passed]
    text = f"{path} ({manifest.preset}, {', '.join(precisions)}) is as it was written"
    return path, ok("bundle", text)


def whole_bundles(found: Path | None) -> Iterator[Path]:
    """The bundle to try engines with: the one found whole, else the shipped one, if that is."""
    if found is not None:
        yield found
        return
    shipped, _ = bundle_of(None)
    if shipped is not None:
        yield shipped
