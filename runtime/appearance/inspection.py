"""A cross-image bundle as a page of text."""

import os

from hsi.runtime.appearance.manifest import AppearanceManifest
from hsi.runtime.archive import Archive


def inspected(path: str | os.PathLike[str], *, as_json: bool) -> str:
    """What is inside, after every part's hash was checked.

    Raises:
        BundleError: A part is changed, or the manifest breaks a rule.
    """
    archive = Archive(path, AppearanceManifest.from_json)
    archive.verify()
    manifest = archive.manifest
    if as_json:
        return manifest.to_json()
    made = ", ".join(f"{name} {value}" for name, value in manifest.generator.items())
    lines = [
        str(archive.path),
        f"  network         {manifest.name}, exported {manifest.created}",
        f"  made with       {made}",
        f"  pictures        {manifest.width}x{manifest.height}; latents {manifest.latent_shape}",
        f"  transfers       {manifest.noun or 'anything: the model knows no words'}",
        f"  prediction      {manifest.schedule.prediction}, {manifest.schedule.train_steps} steps",
        f"  FreeU           {'the published variant' if manifest.free_u else 'none'}",
        f"  fingerprint     {manifest.fingerprint[:12]}: that of the banks that fit",
        *(f"  swaps           {layer.name}" for layer in manifest.layers),
        "  parts (every SHA-256 agrees)",
        *(f"    {p.bytes / 1024:9.1f} KiB  {p.sha256[:12]}  {p.name}" for p in manifest.parts),
        "  licences",
        *(f"    {x.what}: {x.terms}" for x in manifest.licences),
    ]
    return "\n".join(lines) + "\n"
