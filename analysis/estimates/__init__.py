"""Estimates and their intervals: arrays in, floats out."""

from analysis.estimates.interval import FEWEST_SEEDS, Array, Interval, finite
from analysis.estimates.mean import interquartile_mean, mean_interval, mean_intervals
from analysis.estimates.median import median_interval
from analysis.estimates.power_law import log_log_slope
from analysis.estimates.share import share_interval

__all__ = [
    "FEWEST_SEEDS",
    "Array",
    "Interval",
    "finite",
    "interquartile_mean",
    "log_log_slope",
    "mean_interval",
    "mean_intervals",
    "median_interval",
    "share_interval",
]
