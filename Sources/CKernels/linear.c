// Matrix products with packed weights. The packed layout is the same on every instruction set:
//   f32   panel(n / 16) of [k][16]            W[row][i] at panel row / 16, lane row % 16
//   bf16  panel(n / 16) of [k / 2][16][2]     pairs of k side by side, an odd k padded with zero
// A tile is up to 6 rows of x times up to 4 panels. Work is split over threads by groups of panels (and by rows where
// there are few panels); k is cut into pieces whose weights stay in the L2 cache, partial sums resting in y between
// pieces (a store and a load, so no bits change).
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "internal.h"

enum { K_PIECE_F32 = 512, K_PIECE_BF16 = 1024, MAX_PACKED_X = 16 << 20 };

static size_t packed_depth(ab_precision precision, size_t k) { return precision == AB_PRECISION_F32 ? k : (k + 1) / 2; }

/// Elements of one panel are 4 bytes each in both layouts: an f32 or a pair of bf16.
size_t ab_packed_bytes(ab_precision precision, size_t n, size_t k) {
    return ab_round_up(n, AB_LANES) * packed_depth(precision, k) * 4;
}

// ---------------------------------------------------------------- packing
static inline uint16_t bf16_of(float value) {
    uint32_t u;
    memcpy(&u, &value, sizeof u);
    if ((u & 0x7fffffff) > 0x7f800000) return (uint16_t)(u >> 16 | 0x40);
    return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

typedef struct {
    ab_precision precision;
    size_t k, row;
    void *packed;
    const float *rows;
} pack_job;

/// 16 whole rows, some columns at a time.
static void pack_panel_bf16(const ab_kernels *kernels, const float *rows, size_t k, uint32_t *panel) {
    enum { PIECE = 128 };
    float columns[PIECE * AB_LANES];
    for (size_t c = 0; c < k; c += PIECE) {
        const size_t count = ab_min(PIECE, k - c);
        const void *sources[AB_LANES];
        for (size_t r = 0; r < AB_LANES; r++) sources[r] = rows + r * k + c;
        kernels->transpose_keys(sources, AB_LANES, count, AB_F32, columns);
        if (count % 2) memset(columns + count * AB_LANES, 0, AB_LANES * sizeof(float));
        kernels->pack_pairs(columns, (count + 1) / 2, panel + c / 2 * AB_LANES);
    }
}

static void pack_range(void *context, size_t begin, size_t end) {
    const pack_job *job = context;
    const ab_kernels *kernels = ab_active_kernels();
    const size_t k = job->k, depth = packed_depth(job->precision, k);
    for (size_t i = begin; i < end;) {
        const size_t row = job->row + i, lane = row % AB_LANES;
        const float *source = job->rows + i * k;
        if (job->precision == AB_PRECISION_F32) {
            float *panel = (float *)job->packed + row / AB_LANES * depth * AB_LANES;
            if (lane == 0 && i + AB_LANES <= end) {
                const void *sources[AB_LANES];
                for (size_t r = 0; r < AB_LANES; r++) sources[r] = source + r * k;
                kernels->transpose_keys(sources, AB_LANES, k, AB_F32, panel);
                i += AB_LANES;
                continue;
            }
            for (size_t c = 0; c < k; c++) panel[c * AB_LANES + lane] = source[c];
        } else {
            uint16_t *panel = (uint16_t *)job->packed + row / AB_LANES * depth * AB_LANES * 2;
            if (lane == 0 && i + AB_LANES <= end) {
                pack_panel_bf16(kernels, source, k, (uint32_t *)panel);
                i += AB_LANES;
                continue;
            }
            for (size_t c = 0; c < k; c++) panel[(c / 2 * AB_LANES + lane) * 2 + c % 2] = bf16_of(source[c]);
        }
        i++;
    }
}

void ab_pack_rows(ab_precision precision, size_t n, size_t k, void *packed, const float *rows, size_t row, size_t count) {
    (void)n;
    pack_job job = {precision, k, row, packed, rows};
    ab_parallel_for(count, ab_max(AB_LANES, 65536 / (k + 1)), pack_range, &job);
}

void ab_unpack_row(ab_precision precision, size_t n, size_t k, const void *packed, size_t row, float *out) {
    (void)n;
    const size_t depth = packed_depth(precision, k), lane = row % AB_LANES;
    if (precision == AB_PRECISION_F32) {
        const float *panel = (const float *)packed + row / AB_LANES * depth * AB_LANES;
        for (size_t c = 0; c < k; c++) out[c] = panel[c * AB_LANES + lane];
    } else {
        const uint16_t *panel = (const uint16_t *)packed + row / AB_LANES * depth * AB_LANES * 2;
        for (size_t c = 0; c < k; c++) {
            uint32_t u = (uint32_t)panel[(c / 2 * AB_LANES + lane) * 2 + c % 2] << 16;
            memcpy(out + c, &u, sizeof u);
        }
    }
}

// ---------------------------------------------------------------- products
typedef struct {
    const ab_kernels *kernels;
    ab_precision precision;
    const float *x;
    size_t m, n, k, depth;  // depth: k, or pairs of k
    const void *packed;
    const float *bias;
    float *y;
    char *packed_x;      // tiles of `tile_rows` rows (the last one may be shorter), each [depth][rows]
    size_t x_unit;       // bytes of packed x per row and depth step
    size_t group;        // panels per task
    size_t groups, row_splits;
    // argmax only
    float softcap;
    int32_t *index;
    float *value;
    pthread_mutex_t *merge;
} product;

static void pack_x_range(void *context, size_t begin, size_t end) {
    const product *p = context;
    const size_t rows_per_tile = p->kernels->tile_rows;
    for (size_t tile = begin; tile < end; tile++) {
        const size_t row = tile * rows_per_tile, rows = ab_min(rows_per_tile, p->m - row);
        char *out = p->packed_x + row * p->depth * p->x_unit;
        const float *x = p->x + row * p->k;
        if (p->precision == AB_PRECISION_F32) p->kernels->pack_x(x, rows, p->k, p->k, (float *)out);
        else p->kernels->pack_x_bf16(x, rows, p->k, p->k, out);
    }
}

/// Rows [row_begin, row_end) (row_begin a multiple of the tile) times `panels` panels from `first`, into y(rows, stride).
static void run_group(const product *p, size_t first, size_t panels, size_t row_begin, size_t row_end, float *y,
                      size_t y_stride) {
    const size_t rows_per_tile = p->kernels->tile_rows, panel_stride = p->depth * AB_LANES;
    const size_t columns = ab_min(panels * AB_LANES, p->n - first * AB_LANES);
    const float *bias = p->bias ? p->bias + first * AB_LANES : NULL;
    const size_t piece = p->precision == AB_PRECISION_F32 ? K_PIECE_F32 : K_PIECE_BF16 / 2;
    for (size_t k = 0; k < p->depth || k == 0; k += piece) {
        const size_t depth = ab_min(piece, p->depth - k);
        const bool last = k + depth >= p->depth;
        const char *w = (const char *)p->packed + (first * panel_stride + k * AB_LANES) * 4;
        for (size_t row = row_begin; row < row_end; row += rows_per_tile) {
            const size_t rows = ab_min(rows_per_tile, p->m - row);
            const char *x = p->packed_x + (row * p->depth + k * rows) * p->x_unit;
            float *out = y + (row - row_begin) * y_stride;
            if (p->precision == AB_PRECISION_F32) {
                ab_tile tile = {.x = (const float *)x, .w = (const float *)w, .panel_stride = panel_stride,
                                .k_stride = AB_LANES, .depth = depth, .y = out, .y_stride = y_stride,
                                .columns = columns, .accumulate = k > 0, .bias = last ? bias : NULL};
                p->kernels->tile(&tile, rows, panels);
            } else {
                ab_tile_bf16 tile = {.x = x, .w = (const uint32_t *)w, .panel_stride = panel_stride, .depth = depth,
                                     .y = out, .y_stride = y_stride, .columns = columns, .accumulate = k > 0,
                                     .bias = last ? bias : NULL};
                p->kernels->tile_bf16(&tile, rows, panels);
            }
        }
    }
}

/// The rows of split `split`, whole tiles.
static void split_rows(const product *p, size_t split, size_t *begin, size_t *end) {
    const size_t tile = p->kernels->tile_rows, tiles = (p->m + tile - 1) / tile;
    *begin = tiles * split / p->row_splits * tile;
    *end = ab_min(p->m, tiles * (split + 1) / p->row_splits * tile);
}

static void linear_range(void *context, size_t begin, size_t end) {
    const product *p = context;
    const size_t panels = (p->n + AB_LANES - 1) / AB_LANES;
    for (size_t task = begin; task < end; task++) {
        size_t row_begin, row_end, first = task / p->row_splits * p->group;
        split_rows(p, task % p->row_splits, &row_begin, &row_end);
        run_group(p, first, ab_min(p->group, panels - first), row_begin, row_end,
                  p->y + row_begin * p->n + first * AB_LANES, p->n);
    }
}

static inline bool beats(float value, int32_t index, float best, int32_t best_index) {
    if (value != value) return false;
    return best_index < 0 || value > best || (value == best && index < best_index);
}

static void argmax_range(void *context, size_t begin, size_t end) {
    const product *p = context;
    const size_t panels = (p->n + AB_LANES - 1) / AB_LANES, stride = AB_MAX_PANELS * AB_LANES;
    float *tile = ab_scratch(AB_SCRATCH_TILE, p->m * stride * sizeof(float));
    float *best = ab_scratch(AB_SCRATCH_BEST, p->m * (sizeof(float) + sizeof(int32_t)));
    if (!tile || !best) return;  // rows stay at index -1, reported by the caller as NaN
    int32_t *best_index = (int32_t *)(best + p->m);
    for (size_t row = 0; row < p->m; row++) best_index[row] = -1;
    for (size_t task = begin; task < end; task++) {
        const size_t first = task * p->group, width = ab_min(p->group, panels - first);
        const size_t columns = ab_min(width * AB_LANES, p->n - first * AB_LANES);
        run_group(p, first, width, 0, p->m, tile, stride);
        for (size_t row = 0; row < p->m; row++) {
            float *logits = tile + row * stride;
            if (p->softcap != 0) p->kernels->softcap(logits, columns, p->softcap);
            const size_t at = p->kernels->argmax(logits, columns);
            const int32_t index = (int32_t)(first * AB_LANES + at);
            if (beats(logits[at], index, best[row], best_index[row])) {
                best[row] = logits[at];
                best_index[row] = index;
            }
        }
    }
    pthread_mutex_lock(p->merge);
    for (size_t row = 0; row < p->m; row++)
        if (best_index[row] >= 0 && beats(best[row], best_index[row], p->value[row], p->index[row])) {
            p->value[row] = best[row];
            p->index[row] = best_index[row];
        }
    pthread_mutex_unlock(p->merge);
}

/// Tasks shorter than some tens of microseconds are not worth handing to another thread.
static size_t task_grain(const product *p, size_t tasks) {
    const double operations = 2.0 * (double)p->m * (double)p->n * (double)p->k / (double)ab_max(tasks, 1);
    return operations >= 400000 ? 1 : (size_t)(400000 / (operations + 1)) + 1;
}

static bool prepare(product *p) {
    const size_t tile = p->kernels->tile_rows, panels = (p->n + AB_LANES - 1) / AB_LANES;
    const size_t threads = (size_t)ab_threads(), tiles = (p->m + tile - 1) / tile;
    p->depth = packed_depth(p->precision, p->k);
    p->x_unit = p->precision == AB_PRECISION_F32 ? 4 : 2 * p->kernels->bf16_x_bytes;
    p->packed_x = ab_scratch(AB_SCRATCH_X, ab_max(p->m * p->depth * p->x_unit, 64));
    if (!p->packed_x) return false;
    ab_parallel_for(tiles, ab_max(1, 32768 / (tile * p->k + 1)), pack_x_range, p);
    p->group = p->kernels->tile_panels;
    while (threads > 1 && p->group > 1 && tiles == 1 && panels / p->group < 8 * threads) p->group /= 2;
    p->groups = (panels + p->group - 1) / p->group;
    p->row_splits = 1;
    if (threads > 1 && p->groups < 8 * threads) p->row_splits = ab_min(tiles, (8 * threads + p->groups - 1) / p->groups);
    return true;
}

/// Rows per call of the inner product such that the packed activations stay within MAX_PACKED_X.
static size_t rows_per_pass(const ab_kernels *kernels, size_t k) {
    const size_t rows = MAX_PACKED_X / (ab_max(k, 1) * 4) / kernels->tile_rows * kernels->tile_rows;
    return ab_max(rows, kernels->tile_rows);
}

void ab_linear(ab_precision precision, const float *x, size_t m, const void *packed, size_t n, size_t k,
               const float *bias, float *y) {
    const ab_kernels *kernels = ab_active_kernels();
    const size_t pass = rows_per_pass(kernels, k);
    for (size_t row = 0; row < m && n > 0; row += pass) {
        product p = {.kernels = kernels, .precision = precision, .x = x + row * k, .m = ab_min(pass, m - row), .n = n,
                     .k = k, .packed = packed, .bias = bias, .y = y + row * n};
        if (!prepare(&p)) {
            for (size_t i = 0; i < p.m * n; i++) p.y[i] = NAN;  // out of memory: must not pass for a result
            continue;
        }
        const size_t tasks = p.groups * p.row_splits;
        ab_parallel_for(tasks, task_grain(&p, tasks), linear_range, &p);
    }
}

void ab_linear_argmax(ab_precision precision, const float *x, size_t m, const void *packed, size_t n, size_t k,
                      const float *bias, float softcap, int32_t *index, float *value) {
    const ab_kernels *kernels = ab_active_kernels();
    const size_t pass = ab_min(rows_per_pass(kernels, k), 256 * kernels->tile_rows);
    for (size_t row = 0; row < m; row += pass) {
        pthread_mutex_t merge = PTHREAD_MUTEX_INITIALIZER;
        product p = {.kernels = kernels, .precision = precision, .x = x + row * k, .m = ab_min(pass, m - row), .n = n,
                     .k = k, .packed = packed, .bias = bias, .softcap = softcap, .index = index + row,
                     .value = value + row, .merge = &merge};
        for (size_t i = 0; i < p.m; i++) {
            p.index[i] = -1;
            p.value[i] = NAN;
        }
        if (n > 0 && prepare(&p)) {
            p.row_splits = 1;
            ab_parallel_for(p.groups, task_grain(&p, p.groups), argmax_range, &p);
        }
        for (size_t i = 0; i < p.m; i++) p.index[i] = p.index[i] < 0 ? 0 : p.index[i];
    }
}
