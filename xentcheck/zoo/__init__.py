"""The zoo: planted bugs and unusual but right implementations, with which the suite tests itself.

`BUGS` and `RIGHT` are tuples of `Specimen`, and `OUTSIDE` has further sets of bugs by their names. Each specimen is
also a target by its location, ``xentcheck check xentcheck.zoo.bugs_overflow:no_maximum``.
"""

from __future__ import annotations

from xentcheck.zoo import (
    bugs_axes,
    bugs_cancellation,
    bugs_chunked,
    bugs_divisor,
    bugs_entropy,
    bugs_exclusive,
    bugs_extra_axes,
    bugs_forward_mode,
    bugs_gradients,
    bugs_guards,
    bugs_ignoring,
    bugs_invalid,
    bugs_kernels,
    bugs_label_dtypes,
    bugs_labels,
    bugs_log_probabilities,
    bugs_masks,
    bugs_memory,
    bugs_overflow,
    bugs_p_minus_t,
    bugs_rare,
    bugs_reductions,
    bugs_row_weights,
    bugs_second_order,
    bugs_shapes,
    bugs_smoothing,
    bugs_soft_cap,
    bugs_state,
    bugs_temperature,
    bugs_unchecked,
    bugs_weights,
    bugs_widths,
    right_algorithms,
    right_calls,
    right_divisor,
    right_entropy,
    right_exclusive,
    right_extra_axes,
    right_forward_mode,
    right_gradients,
    right_label_dtypes,
    right_log_probabilities,
    right_options,
    right_p_minus_t,
    right_probabilities,
    right_reductions,
    right_refusals,
    right_row_weights,
    right_soft_cap,
    right_temperature,
)
from xentcheck.zoo.outside import OUTSIDE
from xentcheck.zoo.specimen import Specimen, specimens_of

BUGS: tuple[Specimen, ...] = tuple(
    specimen
    for module in (
        bugs_overflow,
        bugs_cancellation,
        bugs_guards,
        bugs_masks,
        bugs_reductions,
        bugs_ignoring,
        bugs_weights,
        bugs_row_weights,
        bugs_divisor,
        bugs_exclusive,
        bugs_smoothing,
        bugs_soft_cap,
        bugs_temperature,
        bugs_axes,
        bugs_extra_axes,
        bugs_labels,
        bugs_label_dtypes,
        bugs_widths,
        bugs_chunked,
        bugs_kernels,
        bugs_state,
        bugs_memory,
        bugs_gradients,
        bugs_p_minus_t,
        bugs_second_order,
        bugs_forward_mode,
        bugs_log_probabilities,
        bugs_entropy,
        bugs_shapes,
        bugs_invalid,
        bugs_unchecked,
        bugs_rare,
    )
    for specimen in specimens_of(module)
)
RIGHT: tuple[Specimen, ...] = tuple(
    specimen
    for module in (
        right_algorithms,
        right_reductions,
        right_gradients,
        right_p_minus_t,
        right_forward_mode,
        right_options,
        right_row_weights,
        right_divisor,
        right_exclusive,
        right_soft_cap,
        right_temperature,
        right_probabilities,
        right_log_probabilities,
        right_entropy,
        right_label_dtypes,
        right_calls,
        right_extra_axes,
        right_refusals,
    )
    for specimen in specimens_of(module)
)

__all__ = ["BUGS", "OUTSIDE", "RIGHT", "Specimen"]
