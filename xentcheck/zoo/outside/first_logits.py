"""Bugs written outside: losses on logits."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.specimen import bug


def log_softmax(scores: Any, axis: Any = -1) -> Any:
    shifted = scores - scores.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def softmax(scores: Any, axis: Any = -1) -> Any:
    e = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def p_minus_t(scores: Any, labels: Any) -> Any:
    g = softmax(scores)
    g[np.arange(len(g)), labels] -= 1
    return g


def gradient_mean(scores: Any, labels: Any) -> Any:
    return p_minus_t(scores, labels) / len(scores)


def gradient_sum(scores: Any, labels: Any) -> Any:
    return p_minus_t(scores, labels)


def gradient_dense_mean(scores: Any, labels: Any) -> Any:
    return (softmax(scores) - np.asarray(labels, dtype=scores.dtype)) / len(scores)


@bug("label_logit_for_maximum", gradient=gradient_mean)
def shifted_by_the_logit_of_the_label(scores: Any, labels: Any) -> Any:
    """Each row is shifted by the logit of its label and not by its maximum, so exp overflows where the label is far
    from the top.
    """
    rows = np.arange(len(scores))
    margins = scores - scores[rows, labels][:, None]
    return np.log(np.exp(margins).sum(axis=1)).mean()


@bug("online_not_rescaled", contract={"reduction": "none"})
def online_tiles_without_rescaling(scores: Any, labels: Any) -> Any:
    """The running sum of the online softmax (tiles of 32 classes) is not rescaled where a later tile raises the
    running maximum.
    """
    n, m = scores.shape
    top = np.full(n, -np.inf, dtype=scores.dtype)
    total = np.zeros(n, dtype=scores.dtype)
    for start in range(0, m, 32):
        tile = scores[:, start : start + 32]
        top = np.maximum(top, tile.max(axis=1))
        total = total + np.exp(tile - top[:, None]).sum(axis=1)
    return np.log(total) - (scores[np.arange(n), labels] - top)


@bug("phantom_class", contract={"reduction": "sum"}, gradient=gradient_sum)
def padded_classes_hold_zero(scores: Any, labels: Any) -> Any:
    """Rows are padded to a multiple of 8 classes for the vector width with logits of 0 and not of -inf, so the padding
    takes part in the sum.
    """
    n, m = scores.shape
    width = -(-m // 8) * 8
    padded = np.zeros((n, width), dtype=scores.dtype)
    padded[:, :m] = scores
    padded -= padded.max(axis=1, keepdims=True)
    log_total = np.log(np.exp(padded).sum(axis=1))
    return (log_total - padded[np.arange(n), labels]).sum()


@bug("label_logit_added", gradient=gradient_mean)
def label_found_in_two_shards(scores: Any, labels: Any) -> Any:
    """In the vocabulary split into shards of 16 a shard also claims the label one past its end, so a label at the
    start of a later shard has the logit of the class before it added.
    """
    n, m = scores.shape
    labels = np.asarray(labels, dtype=np.int64)
    shifted = scores - scores.max(axis=1, keepdims=True)
    total = np.zeros(n, dtype=scores.dtype)
    picked = np.zeros(n, dtype=scores.dtype)
    for start in range(0, m, 16):
        shard = shifted[:, start : start + 16]
        size = shard.shape[1]
        total += np.exp(shard).sum(axis=1)
        mine = (labels >= start) & (labels <= start + size)
        local = np.clip(labels - start, 0, size - 1)
        picked += np.where(mine, shard[np.arange(n), local], 0)
    return (np.log(total) - picked).mean()


@bug("ties_counted_once", gradient=gradient_mean)
def ties_with_the_maximum_lost(scores: Any, labels: Any) -> Any:
    """log1p over the logits below the maximum: where several share the maximum all of them leave the sum and only one
    is counted.
    """
    shifted = scores - scores.max(axis=1, keepdims=True)
    rest = np.where(shifted < 0, np.exp(shifted), 0).sum(axis=1)
    return (np.log1p(rest) - shifted[np.arange(len(scores)), labels]).mean()


def gradient_columns(scores: Any, labels: Any) -> Any:
    g = softmax(scores, axis=0)
    g[labels, np.arange(scores.shape[1])] -= 1
    return g / scores.shape[1]


@bug("divisor_m_for_n", contract={"axis": 0}, gradient=gradient_columns, akin=("divided_by_m",))
def columns_divided_by_the_number_of_classes(scores: Any, labels: Any) -> Any:
    """Classes are on axis 0, but the mean divides by len(scores), the number of classes."""
    logp = log_softmax(scores, axis=0)
    losses = -logp[labels, np.arange(scores.shape[1])]
    return losses.sum() / len(scores)


_TARGETS: dict[Any, Any] = {}


@bug("state_kept", gradient=gradient_mean)
def onehot_buffer_keeps_old_ones(scores: Any, labels: Any) -> Any:
    """The one-hot buffer is reused for batches of the same shape and never cleared, so labels of earlier calls still
    count.
    """
    n, m = scores.shape
    key = (n, m, scores.dtype.str)
    if key not in _TARGETS:
        _TARGETS[key] = np.zeros((n, m), dtype=scores.dtype)
    target = _TARGETS[key]
    target[np.arange(n), labels] = 1
    logp = log_softmax(scores)
    return -np.where(target > 0, logp, 0).sum(axis=1).mean()


@bug("state_kept")
class MaximaOfTheLastBatch:
    """The buffer of row maxima is allocated once for each number of rows and not reset, so a later batch is shifted by
    maxima of an earlier one.
    """

    def __init__(self) -> None:
        self.top: dict[Any, Any] = {}

    def shifted(self, scores: Any) -> Any:
        key = (len(scores), scores.dtype.str)
        if key not in self.top:
            self.top[key] = np.full(len(scores), -np.inf, dtype=scores.dtype)
        top = self.top[key]
        np.maximum(top, scores.max(axis=1), out=top)
        return scores - top[:, None]

    def loss(self, scores: Any, labels: Any) -> Any:
        z = self.shifted(scores)
        return (np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), labels]).mean()

    def gradient(self, scores: Any, labels: Any) -> Any:
        return gradient_mean(scores, labels)


@bug("state_kept")
class ProbabilitiesOfTheLastLoss:
    """The gradient takes the probabilities that the last loss saved whenever their shape fits, also for other
    scores.
    """

    def __init__(self) -> None:
        self.p: Any = None

    def loss(self, scores: Any, labels: Any) -> Any:
        logp = log_softmax(scores)
        self.p = np.exp(logp)
        return -logp[np.arange(len(scores)), labels].mean()

    def gradient(self, scores: Any, labels: Any) -> Any:
        if self.p is None or self.p.shape != scores.shape or self.p.dtype != scores.dtype:
            self.loss(scores, labels)
        g = self.p.copy()
        g[np.arange(len(g)), labels] -= 1
        return g / len(g)


@bug("memory_order", gradient=gradient_mean)
def memory_order_taken_for_row_order(scores: Any, labels: Any) -> Any:
    """Scores are flattened in the order of memory (order="K") and then read row by row, so columns-first (Fortran)
    scores are mixed up.
    """
    n, m = scores.shape
    z = scores.ravel(order="K").reshape(n, m)
    return -log_softmax(z)[np.arange(n), labels].mean()


@bug("scores-changed", gradient=gradient_mean)
def float64_scores_shifted_in_place(scores: Any, labels: Any) -> Any:
    """asarray(float64) is no copy where the scores are float64 already, and the shift is then written into the
    caller's scores.
    """
    z = np.asarray(scores, dtype=np.float64)
    z -= z.max(axis=1, keepdims=True)
    losses = np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), labels]
    return scores.dtype.type(losses.mean())


def gradient_kept(scores: Any, labels: Any) -> Any:
    keep = labels != -100
    g = p_minus_t(scores, np.where(keep, labels, 0))
    return np.where(keep[:, None], g, 0) / max(int(np.count_nonzero(keep)), 1)


@bug("labels-changed", akin=("raises",), contract={"ignore_index": -100, "mean_over": "kept"}, gradient=gradient_kept)
def ignored_labels_overwritten(scores: Any, labels: Any) -> Any:
    """Ignored labels are set to 0 in the caller's own array, so the next call with these labels counts the rows as
    class 0.
    """
    keep = labels != -100
    labels[~keep] = 0
    losses = -log_softmax(scores)[np.arange(len(scores)), labels]
    return np.where(keep, losses, 0).sum() / max(int(np.count_nonzero(keep)), 1)


@bug("size_dependent", contract={"reduction": "sum"}, gradient=gradient_sum, akin=("label_dtype",))
def row_numbers_in_the_dtype_of_the_labels(scores: Any, labels: Any) -> Any:
    """Row numbers are cast to the dtype of the labels, where those of 8 bits wrap around: with int8 row 128 looks in
    another row.
    """
    rows = np.arange(len(scores)).astype(labels.dtype)
    return -log_softmax(scores)[rows, labels].sum()


@bug("label_dtype", contract={"labels": ["onehot"]}, gradient=gradient_dense_mean)
def unsigned_labels_negated(scores: Any, labels: Any) -> Any:
    """The minus is applied to the labels before they meet the log-probabilities: a one of uint8 becomes 255."""
    logp = log_softmax(scores)
    return np.where(labels != 0, -labels * logp, 0).sum(axis=1).mean()


@bug("labels_renumbered", gradient=gradient_mean)
def labels_renumbered_by_those_present(scores: Any, labels: Any) -> Any:
    """np.unique renumbers the labels by the classes that the batch happens to hold, so a gap among them moves the
    labels above it.
    """
    _, codes = np.unique(labels, return_inverse=True)
    return -log_softmax(scores)[np.arange(len(scores)), codes].mean()


@bug(
    "labels_of_all_rows",
    contract={"label_shapes": ["(n,)", "(n,1)"]},
    gradient=lambda scores, labels: gradient_mean(scores, labels.reshape(-1)),
)
def column_of_labels_broadcast_against_rows(scores: Any, labels: Any) -> Any:
    """Labels of shape (n, 1) are not flattened, so rows and labels broadcast to (n, n) and every row meets every
    label.
    """
    logp = log_softmax(scores)
    return -logp[np.arange(len(scores)), labels].mean()


@bug(
    "labels_transposed",
    contract={"labels": ["onehot"], "reduction": "sum"},
    gradient=lambda scores, labels: softmax(scores) - np.asarray(labels, dtype=scores.dtype),
)
def square_labels_taken_as_transposed(scores: Any, labels: Any) -> Any:
    """Class-major labels are recognised by the shape (m, n), which for n == m holds for right ones too: these are
    transposed.
    """
    target = np.asarray(labels, dtype=scores.dtype)
    if target.shape == scores.shape[::-1]:
        target = target.T
    logp = log_softmax(scores)
    return -np.where(target != 0, target * logp, 0).sum()


@bug("binary_cross_entropy", contract={"reduction": "none"}, akin=("sigmoid_for_softmax", "size_dependent"))
def one_column_taken_as_binary(scores: Any, labels: Any) -> Any:
    """One column (m == 1) is taken as the logit of a binary problem, softplus of it, and not as a softmax over one
    class (0).
    """
    n, m = scores.shape
    if m == 1:
        z = scores[:, 0]
        return np.logaddexp(0, z) - labels.astype(scores.dtype) * z
    return -log_softmax(scores)[np.arange(n), labels]


@bug("remembered_by_scores", contract={"reduction": "sum"}, gradient=gradient_sum)
def equal_rows_share_a_label(scores: Any, labels: Any) -> Any:
    """Losses are remembered by the bytes of the row alone, so an equal row with another label gets the loss of the
    first.
    """
    logp = log_softmax(scores)
    memo = {}
    losses = np.empty(len(scores), dtype=scores.dtype)
    for i, row in enumerate(scores):
        key = row.tobytes()
        if key not in memo:
            memo[key] = -logp[i, labels[i]]
        losses[i] = memo[key]
    return losses.sum()


def gradient_ignore_argument(scores: Any, labels: Any, ignore_index: Any = -100) -> Any:
    keep = labels != ignore_index
    g = p_minus_t(scores, np.where(keep, labels, 0))
    return np.where(keep[:, None], g, 0) / max(int(np.count_nonzero(keep)), 1)


@bug(
    "ignored_rows_used",
    contract={"ignore_index": {"argument": "ignore_index"}, "mean_over": "kept"},
    gradient=gradient_ignore_argument,
    akin=("ignore_index",),
)
def ignore_index_zero_is_falsy(scores: Any, labels: Any, ignore_index: Any = -100) -> Any:
    """`if ignore_index:` takes an ignore_index of 0 for none at all, so rows of class 0 count."""
    keep = np.ones(len(scores), dtype=bool)
    if ignore_index:
        keep = labels != ignore_index
    losses = -log_softmax(scores)[np.arange(len(scores)), np.where(keep, labels, 0)]
    return np.where(keep, losses, 0).sum() / max(int(np.count_nonzero(keep)), 1)


@bug(
    "divisor_of_nonzero_labels",
    contract={"ignore_index": -1, "mean_over": "kept"},
    gradient=lambda scores, labels: gradient_ignore_argument(scores, labels, -1),
)
def kept_rows_counted_by_their_labels(scores: Any, labels: Any) -> Any:
    """Kept rows are counted as the nonzero entries of the masked labels, which leaves out the kept rows of class 0."""
    keep = labels != -1
    masked = np.where(keep, labels, 0)
    losses = -log_softmax(scores)[np.arange(len(scores)), masked]
    return np.where(keep, losses, 0).sum() / max(int(np.count_nonzero(masked)), 1)


@bug(
    "divisor_weights_of_ignored",
    contract={"ignore_index": -100, "class_weights": {"argument": "weight"}, "mean_over": "weights"},
)
def weights_of_ignored_rows_in_the_divisor(scores: Any, labels: Any, weight: Any) -> Any:
    """Ignored rows look up the weight of class 0 (their stand-in label), and the divisor sums it in."""
    keep = labels != -100
    safe = np.where(keep, labels, 0)
    w = np.asarray(weight, dtype=scores.dtype)[safe]
    losses = -w * log_softmax(scores)[np.arange(len(scores)), safe]
    return np.where(keep, losses, 0).sum() / w.sum()


@bug(
    "ignored_rows_used",
    contract={"ignore_index": -100, "label_smoothing": {"argument": "smoothing"}, "reduction": "sum"},
)
def smoothing_of_ignored_rows_counts(scores: Any, labels: Any, smoothing: Any = 0.0) -> Any:
    """Only the term of the label is masked: the uniform term of label smoothing also counts the ignored rows."""
    keep = labels != -100
    logp = log_softmax(scores)
    nll = np.where(keep, -logp[np.arange(len(scores)), np.where(keep, labels, 0)], 0)
    uniform = -logp.mean(axis=1)
    return ((1 - smoothing) * nll + smoothing * uniform).sum()


def gradient_clipped(scores: Any, labels: Any, weight: Any) -> Any:
    """The gradient of the weighted sum, wrongly clipped to [-1, 1]."""
    w = np.asarray(weight, dtype=scores.dtype)[labels]
    return np.clip(w[:, None] * p_minus_t(scores, labels), -1, 1)


@bug(
    "gradient_clipped",
    contract={"class_weights": {"argument": "weight"}, "reduction": "sum"},
    gradient=gradient_clipped,
)
def gradient_clipped_to_one(scores: Any, labels: Any, weight: Any) -> Any:
    """The gradient is clipped to [-1, 1], where p - t always lies, but not the weighted one: a class weight above 1 is
    cut off.
    """
    w = np.asarray(weight, dtype=scores.dtype)[labels]
    return (-w * log_softmax(scores)[np.arange(len(scores)), labels]).sum()


@bug("z_loss_shifted", contract={"z_loss": {"argument": "z_weight"}})
def z_loss_of_the_shifted_logits(scores: Any, labels: Any, z_weight: Any = 0.0) -> Any:
    """The z-loss squares the log-sum-exp of the shifted logits: the maximum is not added back."""
    z = scores - scores.max(axis=1, keepdims=True)
    log_z = np.log(np.exp(z).sum(axis=1))
    nll = log_z - z[np.arange(len(z)), labels]
    return (nll + z_weight * log_z**2).mean()


def gradient_capped(scores: Any, labels: Any, cap: Any) -> Any:
    """The gradient behind the cap, with the slope wrongly taken at the capped logits."""
    capped = cap * np.tanh(scores / cap)
    return p_minus_t(capped, labels) * (1 - np.tanh(capped / cap) ** 2) / len(scores)


@bug("soft_cap_derivative", contract={"soft_cap": {"argument": "cap"}}, gradient=gradient_capped)
def slope_of_the_cap_at_the_capped_logits(scores: Any, labels: Any, cap: Any) -> Any:
    """The gradient takes the slope of the soft cap, 1 - tanh(z/c)^2, at the logits that are capped already, a tanh too
    many.
    """
    capped = cap * np.tanh(scores / cap)
    return -log_softmax(capped)[np.arange(len(scores)), labels].mean()


@bug("small_entries_dropped", gradient=gradient_mean, akin=("size_dependent",))
def only_the_64_largest_logits_summed(scores: Any, labels: Any) -> Any:
    """The normaliser sums the 64 largest logits of a row and takes the rest for nothing."""
    m = scores.shape[1]
    z = scores - scores.max(axis=1, keepdims=True)
    top = np.partition(z, m - 64, axis=1)[:, m - 64 :] if m > 64 else z
    return (np.log(np.exp(top).sum(axis=1)) - z[np.arange(len(z)), labels]).mean()


LOG2_E = 1.4427


@bug("exponentials_approximate", gradient=gradient_mean)
def short_log2_of_e(scores: Any, labels: Any) -> Any:
    """exp(x) is computed as 2^(x log2 e) with log2 e given to five digits only (1.4427)."""
    z = scores - scores.max(axis=1, keepdims=True)
    return (np.log(np.exp2(LOG2_E * z).sum(axis=1)) - z[np.arange(len(z)), labels]).mean()


@bug("rows_misplaced", contract={"reduction": "none"})
def sorted_rows_put_back_by_the_same_order(scores: Any, labels: Any) -> Any:
    """Rows are sorted by label, and the losses are put back with the sorting order itself and not its inverse."""
    order = np.argsort(labels, kind="stable")
    losses = -log_softmax(scores[order])[np.arange(len(scores)), labels[order]]
    return losses[order]


@bug("narrowing", contract={"reduction": "sum"}, gradient=gradient_sum)
def losses_kept_in_float32(scores: Any, labels: Any) -> Any:
    """The losses of the rows are written into a float32 buffer before they are summed, also for float64 scores."""
    n = len(scores)
    losses = np.empty(n, dtype=np.float32)
    losses[:] = -log_softmax(scores)[np.arange(n), labels]
    return losses.sum(dtype=scores.dtype)


@bug("small_losses_dropped", gradient=gradient_mean, akin=("rows_left_out",))
def easy_rows_skipped(scores: Any, labels: Any) -> Any:
    """Rows whose label has a probability above 0.999 are skipped as solved: their loss is 0."""
    losses = -log_softmax(scores)[np.arange(len(scores)), labels]
    return np.where(np.exp(-losses) > 0.999, 0, losses).mean()


@bug("zero_times_inf", contract={"labels": ["onehot"], "nonfinite": ["-inf"]})
def zero_share_times_an_absent_class(scores: Any, labels: Any) -> Any:
    """A class at -inf has log-probability -inf, and its share of 0 times that is nan, which spoils the row."""
    target = np.asarray(labels, dtype=scores.dtype)
    z = scores - scores.max(axis=1, keepdims=True)
    logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -(target * logp).sum(axis=1).mean()


@bug("smoothing_sign", contract={"label_smoothing": 0.1, "labels": ["soft"]})
def uniform_term_with_the_wrong_sign(scores: Any, labels: Any) -> Any:
    """The uniform term of label smoothing is added as the mean of log p, without the minus, so smoothing rewards
    confidence.
    """
    target = np.asarray(labels, dtype=scores.dtype)
    logp = log_softmax(scores)
    nll = -np.where(target != 0, target * logp, 0).sum(axis=1)
    return (0.9 * nll + 0.1 * logp.mean(axis=1)).mean()


def gradient_checked(scores: Any, labels: Any) -> Any:
    if len(labels) != len(scores):
        raise ValueError("one label a row is needed")
    return gradient_mean(scores, labels)


@bug("bad_input_accepted", contract={"invalid": ["length_mismatch"]}, gradient=gradient_checked)
def zip_drops_what_is_too_long(scores: Any, labels: Any) -> Any:
    """zip(scores, labels) ends with the shorter of the two, so a wrong number of labels is not refused by the loss."""
    losses = []
    for row, label in zip(scores, labels, strict=False):
        z = row - row.max()
        losses.append(np.log(np.exp(z).sum()) - z[label])
    return np.array(losses, dtype=scores.dtype).mean()


@bug("mean_of_class_means", gradient=gradient_mean)
def mean_of_the_means_of_classes(scores: Any, labels: Any) -> Any:
    """Losses are averaged inside each class first and then over the classes (macro average), so rows of rare labels
    count more.
    """
    losses = -log_softmax(scores)[np.arange(len(scores)), labels]
    means = [losses[labels == c].mean() for c in np.unique(labels)]
    return np.array(means, dtype=scores.dtype).mean()
