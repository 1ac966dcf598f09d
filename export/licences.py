"""Whose work is inside a bundle."""

from hsi.runtime.manifest import Licence

VGG = Licence(
    what="VGG-19 features",
    terms="CC-BY-4.0",
    source="Visual Geometry Group, University of Oxford",
)
SMALL_VGG = Licence(
    what="VGG-19 compressed 16 times (style encoder of hsi-edge)",
    terms="MIT",
    source="github.com/MingSun-Tse/Collaborative-Distillation",
)
GOLDEN = (
    Licence(
        what="golden frame", terms="released for unrestricted usage", source="Kodak image suite"
    ),
    Licence(what="golden style", terms="public domain", source="a painter dead 70 years or more"),
)


def licences_of(preset: str) -> tuple[Licence, ...]:
    """Licences of a preset's own weights, of those inside them, and of the golden pictures."""
    own = Licence(what=f"{preset} weights", terms="those of the checkpoint's author")
    inside = (SMALL_VGG, VGG) if preset == "hsi-edge" else (VGG,)
    return (own, *inside, *GOLDEN)
