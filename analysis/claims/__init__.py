"""The claims ledger: what the theory says, by which rule it is judged, and what was measured."""

from collections.abc import Mapping

from analysis.claims.arms_race import ARMS_RACE
from analysis.claims.batch_size import SMALL_BATCHES_STEPS, SMALL_BATCHES_TIME
from analysis.claims.claim import Claim
from analysis.claims.exponents import (
    LOGIT_LIMITS,
    NON_SATURATING_EXPONENT,
    RATIO_EXPONENT,
    SATURATING_EXPONENT,
)
from analysis.claims.minibatch import BATCH_DIRECTION, BATCH_RATIO
from analysis.claims.optimum import (
    OPTIMAL_DISCRIMINATOR,
    SAME_FIXED_POINT,
    VALUE_AT_OPTIMUM,
    VALUE_OF_THE_GAME,
)
from analysis.claims.overtrained import HEAVY_TAILS, OVERTRAINED_VANISHING
from analysis.claims.ratio import CROSSING_AT_HALF, PER_PARAMETER_RATIO, PER_SAMPLE_RATIO
from analysis.claims.recovery import ADAM_RESCUES, STALLS
from analysis.claims.start import EARLY_NEAR_ZERO, EARLY_NO_GRADIENT

CLAIMS: Mapping[str, Claim] = {
    "optimal_discriminator": OPTIMAL_DISCRIMINATOR,
    "value_of_the_game": VALUE_OF_THE_GAME,
    "value_at_optimum": VALUE_AT_OPTIMUM,
    "same_fixed_point": SAME_FIXED_POINT,
    "per_sample_ratio": PER_SAMPLE_RATIO,
    "per_parameter_ratio": PER_PARAMETER_RATIO,
    "saturating_exponent": SATURATING_EXPONENT,
    "non_saturating_exponent": NON_SATURATING_EXPONENT,
    "ratio_exponent": RATIO_EXPONENT,
    "logit_limits": LOGIT_LIMITS,
    "crossing_at_half": CROSSING_AT_HALF,
    "batch_ratio": BATCH_RATIO,
    "batch_direction": BATCH_DIRECTION,
    "early_near_zero": EARLY_NEAR_ZERO,
    "early_no_gradient": EARLY_NO_GRADIENT,
    "overtrained_vanishing": OVERTRAINED_VANISHING,
    "stalls": STALLS,
    "adam_rescues": ADAM_RESCUES,
    "heavy_tails": HEAVY_TAILS,
    "arms_race": ARMS_RACE,
    "small_batches_steps": SMALL_BATCHES_STEPS,
    "small_batches_time": SMALL_BATCHES_TIME,
}
