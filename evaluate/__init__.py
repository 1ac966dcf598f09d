"""Score arbitrary style transfer: a bundle, or another method's pictures (needs torch)."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hsi.evaluate.evaluation import Evaluation
    from hsi.evaluate.evaluator import evaluate
    from hsi.evaluate.options import EvaluationOptions
    from hsi.evaluate.pair_list import PairList

__all__ = ["Evaluation", "EvaluationOptions", "PairList", "evaluate"]

_PLACES = {
    "Evaluation": "evaluation",
    "EvaluationOptions": "options",
    "PairList": "pair_list",
    "evaluate": "evaluator",
}


def __getattr__(name: str) -> Any:
    # On first use: so that `hsi-eval --help` is quick, and its message clear where torch is not.
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"hsi.evaluate.{_PLACES[name]}"), name)
