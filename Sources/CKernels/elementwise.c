// Row-wise kernels: the inner kernel of the active instruction set, rows or runs of values split over threads.
#include <string.h>

#include "internal.h"

enum { GRAIN_VALUES = 16384 };  // values worth handing to another thread

static size_t rows_grain(size_t width) { return GRAIN_VALUES / (width + 1) + 1; }

typedef struct {
    const ab_kernels *kernels;
    const float *x, *y, *weight, *bias;
    float *out;
    size_t width, x_stride, y_stride, heads, head_dim, rotary, count;
    float epsilon, offset;
    ab_activation kind;
    const int32_t *positions;
    const float *cos_table, *sin_table;
    bool interleaved;
} rows_job;

static void rmsnorm_range(void *context, size_t begin, size_t end) {
    const rows_job *j = context;
    for (size_t i = begin; i < end; i++)
        j->kernels->rmsnorm(j->x + i * j->width, j->width, j->weight, j->epsilon, j->offset, j->out + i * j->width);
}

void ab_rmsnorm(const float *x, size_t m, size_t d, const float *weight, float epsilon, float weight_offset,
                float *out) {
    rows_job job = {.kernels = ab_active_kernels(), .x = x, .weight = weight, .out = out, .width = d,
                    .epsilon = epsilon, .offset = weight_offset};
    ab_parallel_for(m, rows_grain(d), rmsnorm_range, &job);
}

static void layernorm_range(void *context, size_t begin, size_t end) {
    const rows_job *j = context;
    for (size_t i = begin; i < end; i++)
        j->kernels->layernorm(j->x + i * j->width, j->width, j->weight, j->bias, j->epsilon, j->out + i * j->width);
}

void ab_layernorm(const float *x, size_t m, size_t d, const float *weight, const float *bias, float epsilon, float *out) {
    rows_job job = {.kernels = ab_active_kernels(), .x = x, .weight = weight, .bias = bias, .out = out, .width = d,
                    .epsilon = epsilon};
    ab_parallel_for(m, rows_grain(d), layernorm_range, &job);
}

static void add_range(void *context, size_t begin, size_t end) {
    const rows_job *j = context;
    j->kernels->add(j->out + begin, j->x + begin, j->epsilon, end - begin);
}

void ab_add(float *x, const float *y, float scale, size_t count) {
    rows_job job = {.kernels = ab_active_kernels(), .x = y, .out = x, .epsilon = scale};
    ab_parallel_for(count, 2 * GRAIN_VALUES, add_range, &job);
}

static void gated_range(void *context, size_t begin, size_t end) {
    const rows_job *j = context;
    for (size_t i = begin; i < end; i++)
        j->kernels->gated(j->kind, j->x + i * j->x_stride, j->y + i * j->y_stride, j->width, j->out + i * j->width);
}

void ab_gated(ab_activation kind, const float *gate, size_t gate_stride, const float *up, size_t up_stride, size_t m,
              size_t n, float *out) {
    rows_job job = {.kernels = ab_active_kernels(), .x = gate, .y = up, .out = out, .width = n, .x_stride = gate_stride,
                    .y_stride = up_stride, .kind = kind};
    ab_parallel_for(m, rows_grain(n), gated_range, &job);
}

static void activate_range(void *context, size_t begin, size_t end) {
    const rows_job *j = context;
    j->kernels->activate(j->kind, j->out + begin, end - begin);
}

void ab_activate(ab_activation kind, float *x, size_t count) {
    rows_job job = {.kernels = ab_active_kernels(), .out = x, .kind = kind};
    ab_parallel_for(count, GRAIN_VALUES, activate_range, &job);
}

static void rope_range(void *context, size_t begin, size_t end) {
    const rows_job *j = context;
    const size_t half = j->rotary / 2;
    for (size_t i = begin; i < end; i++) {
        const size_t position = (size_t)j->positions[i];
        j->kernels->rope(j->out + i * j->x_stride, j->heads, j->head_dim, j->rotary, j->cos_table + position * half,
                         j->sin_table + position * half, j->interleaved);
    }
}

void ab_rope(float *x, size_t m, size_t stride, size_t heads, size_t head_dim, size_t rotary, const int32_t *positions,
             const float *cos_table, const float *sin_table, bool interleaved) {
    rows_job job = {.kernels = ab_active_kernels(), .out = x, .x_stride = stride, .heads = heads, .head_dim = head_dim,
                    .rotary = rotary, .positions = positions, .cos_table = cos_table, .sin_table = sin_table,
                    .interleaved = interleaved};
    ab_parallel_for(m, rows_grain(heads * head_dim), rope_range, &job);
}

static void softcap_range(void *context, size_t begin, size_t end) {
    const rows_job *j = context;
    j->kernels->softcap(j->out + begin, end - begin, j->epsilon);
}

void ab_softcap(float *x, size_t count, float cap) {
    rows_job job = {.kernels = ab_active_kernels(), .out = x, .epsilon = cap};
    ab_parallel_for(count, GRAIN_VALUES, softcap_range, &job);
}

// ---------------------------------------------------------------- conversions
void ab_f32_to_bf16(const float *source, uint16_t *destination, size_t count) {
    ab_active_kernels()->f32_to_bf16(source, destination, count);
}

void ab_bf16_to_f32(const uint16_t *source, float *destination, size_t count) {
    ab_active_kernels()->bf16_to_f32(source, destination, count);
}

size_t ab_first_nonfinite(const float *values, size_t count) { return ab_active_kernels()->first_nonfinite(values, count); }
