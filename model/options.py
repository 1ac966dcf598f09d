"""Named choices: what the paper leaves open, and the size of each preset."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from hsi.runtime.errors import OptionError

QueryNorm = Literal["none", "instance", "layer"]
Residual = Literal["raw", "instance"]
ValueSource = Literal["value", "key", "mean"]
DynamicHead = Literal["joint", "split"]
Transfer = Literal["hsi", "moments"]
Relation = Literal["dynamic", "local", "global"]
RelationMap = Literal["half", "clamp"]
Activation = Literal["sigmoid", "tanh"]
Palette = Literal["none", "channels", "covariance"]
Preset = Literal["hsi-edge", "hsi-vgg"]

STATISTICS = ("mean", "variance", "skewness", "kurtosis")


def _known(cls: type, values: dict[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(values) - {field.name for field in fields(cls)})
    if unknown:
        raise OptionError(f"unknown option {unknown[0]!r}: this version does not know it, update")
    return values


def _check_literals(options: Any) -> None:
    for name, hint in get_type_hints(type(options)).items():
        allowed = get_args(hint)
        if get_origin(hint) is Literal and getattr(options, name) not in allowed:
            raise OptionError(
                f"{name} must be one of {', '.join(map(str, allowed))}, "
                f"got {getattr(options, name)!r}"
            )


@dataclass(frozen=True, kw_only=True)
class InjectorOptions:
    """The choices inside one HSI module (arXiv 2502.04369) which the paper does not settle."""

    query_norm: QueryNorm = "instance"  # what Q sees in the local relation; Q_c never sees a norm
    residual: Residual = "raw"  # F_cs = F_c + O, or IN(F_c) + O, which stylises more strongly
    value_source: ValueSource = "value"  # V_s from the moments of V, of K, or GAP(V)
    dynamic_head: DynamicHead = "joint"  # W and b from [GAP; GMP], or W from GAP and b from GMP
    relation: Relation = "dynamic"  # "local" and "global" are the paper's ablations
    relation_map: RelationMap = "half"  # cosine to [0, 1]: (1 + cos) / 2, or clamp(cos, 0, 1)
    activation: Activation = "sigmoid"  # the normalisation between F_qk and V
    statistics: tuple[str, ...] = STATISTICS  # a subset of STATISTICS is the paper's ablation
    deviation_floor: float = 1e-3  # added to the variance: flat scenes are not blown up to noise

    def __post_init__(self) -> None:
        _check_literals(self)
        unknown = sorted(set(self.statistics) - set(STATISTICS))
        if unknown or not self.statistics:
            raise OptionError(
                f"statistics must be a non-empty subset of {', '.join(STATISTICS)}, "
                f"got {', '.join(self.statistics) or 'nothing'}"
            )
        if self.deviation_floor <= 0:
            raise OptionError(f"deviation_floor must be positive, got {self.deviation_floor}")


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """Everything needed to build a network: stored in its checkpoint."""

    preset: Preset = "hsi-edge"
    transfer: Transfer = "hsi"  # "moments" is AdaIN in the place of HSI modules, to compare with
    injector: InjectorOptions = InjectorOptions()
    modules: int = 3  # cascaded HSI modules at the deepest level
    stem_width: int = 32  # hsi-edge: channels at stride 4
    body_width: int = 64  # hsi-edge: channels at stride 8
    head_width: int = 16  # hsi-edge: channels at stride 2
    style_hidden: int = 64  # width of the dynamic networks' heads
    skip: bool = False  # hsi-vgg: relu3_1 reaches the decoder too, through a module of its own
    refinements: int = 0  # hsi-vgg: how often relu2_1 of the picture is given the style's moments
    add_frame: bool = False  # pictures are what the network draws and a learned share of the frame
    match_palette: Palette = "none"  # what of the painting's colours pictures take
    code_hidden: int = 0  # width of the layers that correct a code as a whole; 0 for none

    def __post_init__(self) -> None:
        _check_literals(self)
        for name in ("modules", "stem_width", "body_width", "head_width", "style_hidden"):
            value = getattr(self, name)
            if not isinstance(value, int) or not 1 <= value <= 1024:
                raise OptionError(f"{name} must be a whole number from 1 to 1024, got {value!r}")
        if not isinstance(self.skip, bool) or (self.skip and self.preset != "hsi-vgg"):
            raise OptionError(
                f"skip must be true or false, true for hsi-vgg alone, got {self.skip!r}"
            )
        most = 4 if self.preset == "hsi-vgg" else 0
        if not isinstance(self.refinements, int) or not 0 <= self.refinements <= most:
            raise OptionError(
                "refinements must be a whole number from 0 to 4, 0 for hsi-edge, "
                f"got {self.refinements!r}"
            )
        if not isinstance(self.add_frame, bool):
            raise OptionError(f"add_frame must be true or false, got {self.add_frame!r}")
        if not isinstance(self.code_hidden, int) or not 0 <= self.code_hidden <= 1024:
            raise OptionError(
                f"code_hidden must be a whole number from 0 to 1024, got {self.code_hidden!r}"
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain values only, for a checkpoint or JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "NetworkOptions":
        """Rebuild options written by :meth:`to_dict`.

        Raises:
            OptionError: A name is unknown or a value is out of range.
        """
        values = dict(values)
        if isinstance(values.get("match_palette"), bool):  # before there were two kinds
            values["match_palette"] = "covariance" if values["match_palette"] else "none"
        injector = dict(values.pop("injector", {}))
        injector["statistics"] = tuple(injector.get("statistics", STATISTICS))
        chosen = InjectorOptions(**_known(InjectorOptions, injector))
        return cls(injector=chosen, **_known(cls, values))


PRESETS: dict[str, NetworkOptions] = {
    "hsi-edge": NetworkOptions(
        preset="hsi-edge", injector=InjectorOptions(residual="instance"), modules=3, code_hidden=256
    ),
    "hsi-vgg": NetworkOptions(
        preset="hsi-vgg", injector=InjectorOptions(residual="instance"), style_hidden=256
    ),
}
