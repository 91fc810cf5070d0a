"""The allowances: the formulas of docs/bounds.md transcribed again in mpmath."""

from __future__ import annotations

import ml_dtypes
import mpmath
import numpy as np
import pytest

from tests.truth.bounding import Row, allowances, bounds
from xentcheck.contract import Contract
from xentcheck.truth.conditions import conditions
from xentcheck.truth.problem import pose

ROWS = ([0.3, -1.2, 2.0], [1e3, 1e3 - 4, 1e3 + 2], [0.0, -60.0, -80.0], [0.0, 0.0, 0.0], [0.0, -7.55, -7.65])
FORMATS = {
    "float16": (11, -14, -24),
    "bfloat16": (8, -126, -133),
    "float32": (24, -126, -149),
    "float64": (53, -1022, -1074),
}
DTYPES = {"bfloat16": ml_dtypes.bfloat16}


def second_order(row, u, u_sum, shift, k_e, k_l):
    """1/(1 - 2 x), x = u (shift D + 2 k_e + 2 k_l + 4) + u_sum h."""
    return 1 / (1 - 2 * (u * (shift * row.D + 2 * k_e + 2 * k_l + 4) + u_sum * row.h))


def agree(got, expected, slack=1e-6):
    """Assert agreement to six digits."""
    assert abs(float(got) - float(expected)) <= slack * float(expected), (float(got), float(expected))


def running_maxima(row, u):
    """Return what a maximum that rises from class to class may add, by a walk to both sides of each class."""
    added = []
    for j in range(row.m):
        run, between = [j], [False, False]
        for side, ways in enumerate((range(j - 1, -1, -1), range(j + 1, row.m))):
            for i in ways:
                if row.d[i] < row.d[j]:
                    break
                between[side] |= row.d[i] == row.d[j]
                run.append(i)
        assert not all(between) or row.m == 3  # of three equal ones the next is one step away
        steps = 2 if all(between) else len(run) - 1
        passes = [sum(row.d[i] < min(row.d[:i]) for i in range(j + 1, row.m))]
        passes.append(sum(row.d[i] < min(row.d[i + 1 :]) for i in range(j)))
        added.append(u * (mpmath.fsum(row.p[i] for i in run) * (4 * steps + 8) + 3 * max(passes) * row.p[j]))
    return added


def vanishing(row, u, eta):
    """Return how many exponentials are below 8 eta; all, where they are nothing beside u."""
    return row.m if row.m * eta < u / 2**20 else sum(mpmath.exp(-d) < 8 * eta for d in row.d)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("z", ROWS)
def test_formulas_of_the_loss(name, z):
    """B*, C* and R*, and the tight R, B and C, in every format, elementwise results rounded to it."""
    precision, normal, smallest = FORMATS[name]
    kept = {"reduction": "none", "compute": "same"}
    row_z = np.array([z]).astype(DTYPES.get(name, name))
    with mpmath.workdps(60):
        u = mpmath.mpf(2) ** -precision
        u_sum = min(u, mpmath.mpf(2) ** -24)
        for y in range(3):
            row = Row(row_z[0], np.eye(3)[y])
            D, q, l, gap, L, h, m = row.D, row.q, row.l, row.gap, row.L, row.h, row.m  # noqa: E741
            eta, tiny = mpmath.mpf(2) ** normal, mpmath.mpf(2) ** smallest
            factor = second_order(row, u, u_sum, 3, 6, 4)
            log_softmax = 8 * u * min(L, -mpmath.log(eta))
            b = u * (3 * D + 12 + 8 * l + 4 * gap + L + 2) + u_sum * h + log_softmax
            under = vanishing(row, u, eta) * 13 * eta
            agree(allowances(row_z, [y], **kept).loss[0], b * factor + under + 0.3 * m * u * u)
            largest = max(abs(row.lse), max(abs(x) for x in row.z))
            c = b + 4 * u * abs(row.lse) + (u_sum * h + 4 * u) * largest
            if u * abs(row.lse) < 1:
                agree(allowances(row_z, [y], **kept, accuracy="C").loss[0], c * factor + under + 0.3 * m * u * u)
            r = u * (3 * D + 12 * q + 8 * l + 4 * gap + L + 2 * q) + u_sum * h * q
            agree(allowances(row_z, [y], **kept, accuracy="B+").loss[0], r * factor + under + eta)
            own, spare = bounds(row_z, [y], **kept), 2 if u > u_sum else 0
            factor, under = second_order(row, u, u_sum, 1, 4, 4), vanishing(row, u, tiny) * 9 * tiny
            common = D + 8 * q + 8 * l + gap + L
            agree(own["R"].loss[0], (u * (common + spare * q) + u_sum * h * q) * factor + under + tiny)
            b = u * (common + spare) + u_sum * h
            agree(own["B"].loss[0], b * factor + under + 0.3 * m * u * u)
            agree(own["C"].loss[0], (b + u * abs(row.lse)) * factor + under + 0.3 * m * u * u)


@pytest.mark.parametrize("name", ["float32", "float64"])
@pytest.mark.parametrize("z", ROWS)
def test_formulas_of_the_gradient(name, z):
    """Other classes, the label by subtraction and by complement, class C; conformance and tight."""
    precision, normal, smallest = FORMATS[name]
    row_z = np.array([z], name)
    with mpmath.workdps(60):
        u = mpmath.mpf(2) ** -precision
        for y in range(3):
            row = Row(row_z[0], np.eye(3)[y])
            rest = mpmath.fsum(x for j, x in enumerate(row.p) if j != y)
            own = bounds(row_z, [y], reduction="sum")
            for form, k_e, shift, eta, found in (
                ("B*", 6, 3, mpmath.mpf(2) ** normal, allowances(row_z, [y], reduction="sum")),
                ("R*", 6, 3, mpmath.mpf(2) ** normal, allowances(row_z, [y], reduction="sum", accuracy="B+")),
                ("C*", 6, 3, mpmath.mpf(2) ** normal, allowances(row_z, [y], reduction="sum", accuracy="C")),
                ("R", 4, 1, mpmath.mpf(2) ** smallest, own["R"]),
                ("B", 4, 1, mpmath.mpf(2) ** smallest, own["B"]),
                ("C", 4, 1, mpmath.mpf(2) ** smallest, own["C"]),
            ):
                exact_maximum = form not in ("B*", "C*")
                sg = shift * row.D + 2 * k_e * (row.q if exact_maximum else 1) + row.h
                factor = second_order(row, u, u, shift, k_e, 4)
                further = mpmath.mpf(0)
                if form == "C":
                    further = u * abs(row.lse)
                if form == "C*":
                    largest = max(abs(row.lse), max(abs(x) for x in row.z))
                    further = 4 * u * abs(row.lse) + u * (row.h + 4) * largest
                errors = []
                for j in range(3):
                    if shift == 3:
                        a, floor = 3 * row.d[j] + sg + 9 * row.l + 2 * k_e + 4, (2 * k_e + 2) * eta
                    else:
                        a = max(row.d[j] + sg + 2 * k_e + 2, 2 * row.d[j] + sg + 9 * row.l + 2 * k_e)
                        floor = (2 * k_e + 1) * eta
                    a = u * a * factor
                    floor = floor if min(row.p[j], rest if j == y else 1) < 2 * mpmath.mpf(2) ** normal else 0
                    errors.append(row.p[j] * (a + a * a + mpmath.expm1(further)) + floor)
                others = mpmath.fsum(row.p[j] * (shift * row.d[j] + 2 * k_e) for j in range(3) if j != y)
                complement = u * (others + rest * (sg + row.h + 2)) * factor
                complement += rest * mpmath.expm1(further)
                complement += (3 * (2 * k_e + 1) + (rest < 2 * mpmath.mpf(2) ** normal)) * eta
                subtraction = errors[y] + u * rest
                parts = [*errors[:y], subtraction, *errors[y + 1 :]]
                errors[y] = complement if form in ("R", "R*") else max(subtraction, complement)
                if form in ("B*", "C*"):  # the maximum may be differentiated, too
                    tops = [j for j in range(3) if row.d[j] == 0]
                    residual = mpmath.fsum(parts) + u * row.h * 2 * (1 - row.p[y])
                    for j, running in enumerate(running_maxima(row, u)):
                        share = residual / (1 if j in (tops[0], tops[-1]) else len(tops)) if j in tops else 0
                        errors[j] += max(share, running)
                for j in range(3):
                    agree(found.gradient[0, j], errors[j], 1e-4)


def test_formula_of_soft_labels():
    """Several coefficients: (h + 1) L more in the loss, (h + 3) T p + |g| + 3 c in the gradient."""
    z, t = np.array([[0.3, -1.2, 2.0]], np.float32), np.array([[0.5, 0.25, 0.75]], np.float32)
    with mpmath.workdps(60):
        u, eta = mpmath.mpf(2) ** -24, mpmath.mpf(2) ** -126
        row = Row(z[0], t[0])
        T, L, h, m = row.T, row.L, row.h, row.m
        factor = second_order(row, u, u, 3, 6, 4)
        loss = u * (T * (3 * row.D + 12 + h + 2 + 8 * row.l) + 4 * row.gap + (h + 2) * L + 8 * L)
        found = allowances(z, t, "soft", reduction="none", soft_rows="any")
        agree(found.loss[0], loss * factor + eta * (T * m * 13 + m + 1) + T * 0.3 * m * u * u)
        g = [abs(T * row.p[j] - row.t[j]) for j in range(3)]
        errors = []
        for j in range(3):
            a = u * (3 * row.d[j] + 3 * row.D + 12 + h + 9 * row.l + 16) * factor
            errors.append(
                T * row.p[j] * (a + a * a) + u * ((h + 3) * T * row.p[j] + g[j] + 3 * row.t[j]) + 14 * eta * T
            )
        residual = mpmath.fsum(errors) + u * h * mpmath.fsum(g)  # the maximum, differentiated, too
        for j, running in enumerate(running_maxima(row, u)):
            errors[j] += max(residual if j == 2 else 0, T * running)
        for j in range(3):
            agree(found.gradient[0, j], errors[j])
        tightest = bounds(z, t, "soft", reduction="none", soft_rows="any")["B"]
        factor = second_order(row, u, u, 1, 4, 4)
        loss = u * (T * (row.D + 8 * row.q + h + 8 * row.l) + row.gap + (h + 2) * L)
        agree(tightest.loss[0], loss * factor + T * 0.3 * m * u * u)


def test_formula_of_labels_read_back():
    """What class C allows soft labels that are read back from their logarithms, more than rows of any sum."""
    z, t = np.array([[0.3, -1.2, 2.0]], np.float32), np.array([[0.5, 0.375, 0.125]], np.float32)
    read_back, as_given = (
        allowances(z, t, "soft", reduction="none", accuracy="C", soft_rows=rows).loss[0]
        for rows in ("normalised", "any")
    )
    with mpmath.workdps(60):
        u, row = mpmath.mpf(2) ** -24, Row(z[0], t[0])
        logs = [-mpmath.log(share) for share in row.t]
        H, k_l, k_e = mpmath.fsum(share * log for share, log in zip(row.t, logs, strict=True)), 4, 6
        more = 2 * (row.h + 3) * u * row.L  # two sums of the size of the loss, KL and H
        for share, log, distance in zip(row.t, logs, row.d, strict=True):
            error = share * u * ((2 * k_l + 2) * log + (4 * k_l + 3) * H + 4 * k_e + row.h)
            more += error * (distance + row.l)  # as of any coefficient, in the shifted form
            more += error * (max(map(abs, row.z)) + abs(row.lse))  # and in T lse - sum c z
            more += error * (log + 1)
        agree(read_back - as_given, more, 1e-5)


def test_formula_of_the_reductions():
    """Sum E + h_n u sum L, h_n = 2 (n - 1); divided by n, with 2 u |mean|; the weighted mean has its own two sums."""
    rng = np.random.default_rng(0)
    z, y, w = rng.standard_normal((6, 4)), rng.integers(0, 4, 6), (0.5, 1.0, 2.0, 3.0)
    u, tiny = 2.0**-53, 2.0**-1022
    rows = allowances(z, y, reduction="none")
    L = conditions(pose(Contract(), z, y, "sparse")).L
    hn, hw = 10 * u / (1 - 10 * u), 5 * u / (1 - 5 * u)
    agree(allowances(z, y, reduction="sum").loss, rows.loss.sum() + hn * L.sum())
    agree(allowances(z, y).loss, (rows.loss.sum() + hn * L.sum()) / 6 + 2 * u * L.mean() + tiny)
    weighted = allowances(z, y, reduction="none", class_weights=w)
    W, wL = np.array(w)[y].sum(), np.array(w)[y] * L
    mean = wL.sum() / W
    expected = (weighted.loss.sum() + (hn + u) * wL.sum()) / W + (hw + 2 * u) * mean
    agree(allowances(z, y, class_weights=w, mean_over="weights").loss, expected)
    kept = np.array([1, 1, 1, 1, 0, 0], bool)
    ignored = np.where(kept, y, -1)
    parts = allowances(z, ignored, reduction="none", ignore_index=-1)
    assert (parts.loss[~kept] == 0).all()
    assert (parts.gradient[~kept] == 0).all()
    expected = (parts.loss.sum() + hn * L[kept].sum()) / 4 + 2 * u * L[kept].mean()
    agree(allowances(z, ignored, ignore_index=-1, mean_over="kept").loss, expected)


def test_formula_of_a_sum_of_all_terms():
    """h_n is N - 1 for N coefficients that are not 0, and n - 1 for log S, for a z-loss, for the maximum in class C."""
    rng = np.random.default_rng(0)
    z, y, u = rng.standard_normal((6, 4)), np.zeros(6, int), 2.0**-53
    t = np.eye(4)[[0, 1, 2, 3, 0, 1]] / 2 + np.eye(4)[[0, 0, 2, 2, 3, 3]] / 2
    for given, labels, form, stated, terms in (
        (z, t, "soft", {}, 10 + 5),
        (z, y, "sparse", {"label_smoothing": 0.1}, 24 + 5),
        (z, y, "sparse", {"z_loss": 0.1}, 6 + 5 + 5),
        (z, y, "sparse", {"boundary": {"add": 1e-9}}, 6),
        (np.exp(z), y, "sparse", {"input": "probabilities"}, 6),
        (-np.exp(z), t, "soft", {"input": "log_probabilities"}, 10),
    ):
        L = conditions(pose(Contract(labels=[form], **stated), given, labels, form)).L
        rows = allowances(given, labels, form, reduction="none", **stated)
        hn = (terms - 1) * u / (1 - (terms - 1) * u)
        got = allowances(given, labels, form, reduction="sum", **stated).loss
        agree(got, rows.loss.sum() + hn * np.abs(L).sum())
    rows, on = allowances(z, y, reduction="none", accuracy="C"), conditions(pose(Contract(), z, y, "sparse"))
    sizes = np.maximum(on.L, np.abs(on.lse) + np.abs(z[:, 0]))
    hn = 15 * u / (1 - 15 * u)
    agree(allowances(z, y, reduction="sum", accuracy="C").loss, rows.loss.sum() + (hn + 2 * u) * sizes.sum())


def test_formula_of_a_scaled_gradient():
    """S E + u s (k + 1)(T p + c) + (k + 1) u |g| + 14 eta, for one factor and for three."""
    z, y, w = np.array([[0.5, -1.0, 2.0], [1.0, 0.0, 3.0]]), [0, 2], (0.5, 1.0, 2.0)
    u, eta = 2.0**-53, 2.0**-1022
    raw = allowances(z, y, reduction="sum")
    on = conditions(pose(Contract(), z, np.array(y), "sparse"))
    g = on.p - on.c
    expected = raw.gradient / 2 + u * (on.p + on.c) + 2 * u * np.abs(g) / 2 + 14 * eta
    assert allowances(z, y).gradient == pytest.approx(expected, rel=1e-6, abs=0)
    s = np.array(w)[y][:, None] * 4.0 / np.array(w)[y].sum()
    own = allowances(z, y, class_weights=w, mean_over="weights", upstream=np.array(4.0))
    plain = 4 * u * ((on.p + on.c) + np.abs(g)) * s + u * np.abs(g) * s
    assert own.gradient == pytest.approx(raw.gradient * s + plain, rel=1e-6, abs=0)
