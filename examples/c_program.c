/* Cross-entropy of rows of logits, for whoever asks through a pipe.

   Read, again and again: rows n and classes m (int64), n x m logits (float64), n labels (int64).
   Written for each: n losses, then n x m derivatives (float64). All in the byte order of the machine.
   A row whose label is no class costs nan. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void row(const double *z, int64_t m, int64_t y, double *loss, double *gradient)
{
    int64_t best = 0;
    double others = 0; /* the sum of exp(z - max) without the largest, which is 1 */
    for (int64_t j = 1; j < m; j++)
        if (z[j] > z[best])
            best = j;
    for (int64_t j = 0; j < m; j++) {
        gradient[j] = exp(z[j] - z[best]);
        others += j == best ? 0 : gradient[j];
    }
    for (int64_t j = 0; j < m; j++)
        gradient[j] /= 1 + others;
    if (y < 0 || y >= m) {
        *loss = NAN;
        return;
    }
    gradient[y] -= 1;
    *loss = log1p(others) - (z[y] - z[best]);
}

int main(void)
{
    int64_t size[2];
    while (fread(size, sizeof *size, 2, stdin) == 2) {
        size_t n = (size_t)size[0], m = (size_t)size[1];
        double *logits = malloc(n * m * sizeof *logits + 1);
        double *answer = malloc(n * (1 + m) * sizeof *answer + 1);
        int64_t *labels = malloc(n * sizeof *labels + 1);
        if (!logits || !answer || !labels)
            return 1;
        if (fread(logits, sizeof *logits, n * m, stdin) < n * m || fread(labels, sizeof *labels, n, stdin) < n)
            return 1;
        for (size_t i = 0; i < n; i++)
            row(logits + i * m, size[1], labels[i], answer + i, answer + n + i * m);
        fwrite(answer, sizeof *answer, n * (1 + m), stdout);
        fflush(stdout);
        free(logits);
        free(answer);
        free(labels);
    }
    return 0;
}
