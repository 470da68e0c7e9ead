"""FIGURES: everything the report draws, by name, in the order of the page."""

from collections.abc import Mapping

from analysis.figures import (
    batches,
    comparisons,
    counterfactual,
    density,
    dirac,
    dirac_rates,
    final_metric,
    generator_cost,
    gradient_norm,
    head_start,
    images,
    metric_curve,
    numerics,
    optimum,
    overtrained,
    per_sample,
    performance_profile,
    points,
    spectrum,
    throughput,
    time_to_target,
    training_signals,
)
from analysis.figures.figure import Figure

FIGURES: Mapping[str, Figure] = {
    "generator_cost": generator_cost.FIGURE,
    "numerics": numerics.FIGURE,
    "per_sample": per_sample.FIGURE,
    "gradient_norm": gradient_norm.FIGURE,
    "optimum": optimum.FIGURE,
    "overtrained": overtrained.FIGURE,
    "counterfactual": counterfactual.FIGURE,
    "dirac": dirac.FIGURE,
    "dirac_rates": dirac_rates.FIGURE,
    "spectrum": spectrum.FIGURE,
    "training_signals": training_signals.FIGURE,
    "densities_1d": density.FIGURE,
    "sample_grid": images.FIGURE,
    "ring_scatter": points.FIGURE,
    "metric_steps": metric_curve.STEPS,
    "metric_seconds": metric_curve.SECONDS,
    "final_metric": final_metric.FIGURE,
    "comparisons": comparisons.FIGURE,
    "time_to_target": time_to_target.FIGURE,
    "performance_profile": performance_profile.FIGURE,
    "head_start": head_start.FIGURE,
    "batches": batches.FIGURE,
    "throughput": throughput.FIGURE,
}

__all__ = ["FIGURES", "Figure"]
