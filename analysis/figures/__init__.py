"""FIGURES: everything the report draws, by name, in the order of the page."""

from collections.abc import Mapping

from analysis.figures import (
    density,
    final_metric,
    generator_cost,
    gradient_norm,
    images,
    metric_curve,
    points,
    throughput,
    training_signals,
)
from analysis.figures.figure import Figure

FIGURES: Mapping[str, Figure] = {
    "generator_cost": generator_cost.FIGURE,
    "gradient_norm": gradient_norm.FIGURE,
    "training_signals": training_signals.FIGURE,
    "densities_1d": density.FIGURE,
    "sample_grid": images.FIGURE,
    "ring_scatter": points.FIGURE,
    "metric_steps": metric_curve.STEPS,
    "metric_seconds": metric_curve.SECONDS,
    "final_metric": final_metric.FIGURE,
    "throughput": throughput.FIGURE,
}

__all__ = ["FIGURES", "Figure"]
