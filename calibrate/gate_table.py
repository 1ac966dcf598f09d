"""The gate's report as text."""

from collections.abc import Sequence

from hsi.calibrate.gate_result import GateOptions, GateResult

NO_LOSSES = (
    "style and content loss were not measured: pass --loss-network with the weights of VGG-19"
)


def gate_table(results: Sequence[GateResult]) -> str:
    """Verdicts as text: the least of all pictures of each candidate.

    Args:
        results: At least one.
    """
    lines = [
        f"{'precision':>10s} {'engine':>16s} {'PSNR':>6s} {'SSIM':>7s} {'tile':>6s} "
        f"{'engines':>8s} {'style':>7s} {'content':>8s} {'flicker':>8s}  verdict"
    ]
    for one in results:
        verdict = "passes" if one.passed else "FAILS"
        lines.append(
            f"{one.precision:>10s} {one.engine:>16s} {one.psnr:6.1f} {one.ssim:7.4f} "
            f"{one.worst_tile_psnr:6.1f} {decibel_text(one.agreement):>8s} "
            f"{share_text(one.style_change):>7s} {share_text(one.content_change):>8s} "
            f"{one.flicker.added:+8.2f}  {verdict}"
        )
    return "\n".join([*lines, *_legend(results)])


def share_text(share: float | None) -> str:
    """A change as percent with its sign; a dash where there is none."""
    return "-" if share is None else f"{share:+.1%}"


def decibel_text(value: float | None) -> str:
    """A PSNR in dB; a dash where there is none."""
    return "-" if value is None else f"{value:.1f}"


def _legend(results: Sequence[GateResult]) -> list[str]:
    limits = {one.precision: one.options for one in results}
    lines = [f"expected of {name}: {_limits(one)}" for name, one in limits.items()]
    lines.append(
        f"each in the worst of {len(results[0].scores)} pictures, style and content loss over all"
    )
    if results[0].style_change is None:
        lines.append(NO_LOSSES)
    if any(one.agreement is not None for one in results):
        lines.append("engines: PSNR to the first engine's pictures of the same graph")
    change = results[0].flicker.reference_change
    lines.append(
        "flicker: grey levels that a scene at rest with sensor noise changes more than FP32's "
        f"{change:.2f} from frame to frame"
    )
    return lines


def _limits(limit: GateOptions) -> str:
    engines = f", {limit.min_agreement:g} dB between engines" if limit.min_agreement else ""
    return (
        f"PSNR {limit.min_psnr:g} dB, SSIM {limit.min_ssim:g}, PSNR {limit.min_tile_psnr:g} dB in "
        f"tiles{engines} at least; style loss within {limit.max_style_change:.1%} of FP32's"
    )
