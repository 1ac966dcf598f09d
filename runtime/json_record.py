"""From JSON to frozen dataclasses, nothing unknown let through."""

from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from hsi.runtime.errors import BundleError


def record_from_json(kind: type[Any], value: Any, where: str) -> Any:
    """A dataclass from a JSON object that has its fields, of the types it declares.

    Args:
        kind: A dataclass of plain values, lists of them, and such dataclasses.
        value: What ``json.loads`` gave.
        where: What to call it in messages.

    Raises:
        BundleError: A field is missing, unknown or of another type.
    """
    if not isinstance(value, dict):
        raise _unfit(where, "an object", value)
    known = {one.name: one for one in fields(kind)}
    needed = {n for n, f in known.items() if f.default is MISSING and f.default_factory is MISSING}
    if missing := sorted(needed - set(value)):
        raise BundleError(f"{where}: expected field {missing[0]!r}, found it missing")
    if unknown := sorted(set(value) - set(known)):
        raise BundleError(f"{where}: expected no field {unknown[0]!r}, found one: update hsi-edge")
    hints = get_type_hints(kind)
    return kind(**{name: _typed(hints[name], v, f"{where}.{name}") for name, v in value.items()})


def _typed(hint: Any, value: Any, where: str) -> Any:
    if isinstance(hint, type) and is_dataclass(hint):
        return record_from_json(hint, value, where)
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise _unfit(where, "a list", value)
        item = get_args(hint)[0]
        return tuple(_typed(item, one, f"{where}[{n}]") for n, one in enumerate(value))
    if get_origin(hint) is dict:
        if not isinstance(value, dict):
            raise _unfit(where, "an object", value)
        item = get_args(hint)[1]
        if item is Any:
            return value
        return {_typed(str, n, where): _typed(item, v, f"{where}.{n}") for n, v in value.items()}
    kinds = (float, int) if hint is float else get_args(hint) or (hint,)
    # Exact types: True is no number. Text is shown on terminals, so it holds no control characters.
    if type(value) not in kinds or (isinstance(value, str) and not value.isprintable()):
        raise _unfit(where, " or ".join(kind.__name__ for kind in kinds), value)
    return value


def _unfit(where: str, expected: str, found: Any) -> BundleError:
    text = repr(found)
    return BundleError(
        f"{where}: expected {expected}, found {text if len(text) < 60 else text[:57] + '...'}"
    )
