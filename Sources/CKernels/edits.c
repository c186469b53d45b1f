// The vector products of weight edits: see LinearEdit in Inference/Edits.
#include "internal.h"

typedef struct {
    const ab_kernels *kernels;
    const float *x, *a;
    float *out;
    double *sum;
    size_t width, n;
} edit_job;

static size_t rows_grain(size_t width) { return 32768 / (width + 1) + 1; }

static void dot_range(void *context, size_t begin, size_t end) {
    const edit_job *j = context;
    for (size_t i = begin; i < end; i++) j->out[i] = j->kernels->dot(j->x + i * j->width, j->a, j->width);
}

void ab_dot_rows(const float *x, size_t m, size_t k, const float *a, float *out) {
    edit_job job = {.kernels = ab_active_kernels(), .x = x, .a = a, .out = out, .width = k};
    ab_parallel_for(m, rows_grain(k), dot_range, &job);
}

static void axpy_range(void *context, size_t begin, size_t end) {
    const edit_job *j = context;
    for (size_t i = begin; i < end; i++) j->kernels->add(j->out + i * j->width, j->a, j->x[i], j->width);
}

void ab_axpy_rows(float *y, size_t m, size_t n, const float *coefficient, const float *b) {
    edit_job job = {.kernels = ab_active_kernels(), .x = coefficient, .a = b, .out = y, .width = n};
    ab_parallel_for(m, rows_grain(n), axpy_range, &job);
}

static void scale_range(void *context, size_t begin, size_t end) {
    const edit_job *j = context;
    for (size_t i = begin; i < end; i++)
        j->kernels->multiply(j->x + i * j->width, j->a, j->width, j->out + i * j->width);
}

void ab_scale_columns(const float *x, size_t m, size_t k, const float *scale, float *out) {
    edit_job job = {.kernels = ab_active_kernels(), .x = x, .a = scale, .out = out, .width = k};
    ab_parallel_for(m, rows_grain(k), scale_range, &job);
}

/// Columns are split over threads; each column's sum runs over the rows in order.
static void matvec_range(void *context, size_t begin, size_t end) {
    const edit_job *j = context;
    for (size_t row = 0; row < j->n; row++)
        j->kernels->accumulate_f64(j->x + row * j->width + begin, (double)j->a[row], end - begin, j->sum + begin);
}

void ab_matvec_t(const float *w, size_t n, size_t k, const float *r, double *out) {
    edit_job job = {.kernels = ab_active_kernels(), .x = w, .a = r, .sum = out, .width = k, .n = n};
    ab_parallel_for(k, 65536 / (n + 1) + 64, matvec_range, &job);
}
