"""The loop over rows: maximum, exponentials, their sum, and the gradient, while a row is in the nearest cache.

The formulas are those of `one_class`, but for the gradient at the label, (exp(d) - 1 - s) / S with d = z_y - M. It
needs no expm1: s has exp(d) among its terms unless the label is the top class, whose exp(d) is 1, so nothing cancels.
Where a logit is nan, or M not finite, some z - M is nan, and with it s and the whole row of the answer.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.reference.compiled.exponential import Format
from xentcheck.reference.compiled.passes import exponentials, maximum, multiply, subtract, total

TILE = 1024
"""Elements that are worked on at a time: several rows if they are short, since a vector may be longer than a row.

So many of a row are summed in the working dtype, and the sums added in float64, as in `rows.row_sums`.
"""


def row_loop(form: Format) -> Any:
    """Return the function that `kernel` describes, for a format."""
    F, Int = form.real, form.signed
    top, add_up = maximum(form), total(form)
    exponentiate_less, exponentiate = exponentials(form)

    def loop(z: Any, y: Any, factors: Any, s: Any, d: Any, gradient: Any) -> None:
        n, m = z.shape
        rows, width = max(1, TILE // m), min(TILE, m)
        maxima, ones = np.empty(rows, F), np.empty(rows, np.int64)
        wanted = len(gradient) == n
        e = gradient.reshape(-1) if wanted else np.empty(rows * width, F)
        given = z.reshape(-1)
        bits = given.view(Int)
        for first in range(0, n, rows):
            last = min(n, first + rows)
            for i in range(first, last):
                M = top(bits, i * m, m)
                maxima[i - first], ones[i - first], s[i] = M, -1, 0.0
                d[i] = np.float64(given[i * m + y[i]]) - np.float64(M)
            for begin in range(0, m, width):
                count = min(width, m - begin)
                to = first * m + begin if wanted else 0
                if rows == 1:
                    exponentiate_less(given, first * m + begin, count, maxima[0], e, to)
                else:
                    for i in range(first, last):
                        subtract(given, i * m, m, maxima[i - first], e, to + (i - first) * m)
                    exponentiate(e, to, (last - first) * m)
                for i in range(first, last):
                    part, more = add_up(e, to + (i - first) * count, count)
                    s[i] += part
                    ones[i - first] += more
            for i in range(first, last):
                s[i] += ones[i - first]
                if wanted:
                    label = i * m + y[i]
                    scale = factors[i] / (1.0 + s[i])
                    slope = ((np.float64(e[label]) - 1.0) - s[i]) * scale
                    multiply(e, i * m, m, F(scale))
                    e[label] = slope

    return loop
