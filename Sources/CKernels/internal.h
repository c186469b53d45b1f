// What the files of this library share: the table of inner kernels, one instance per instruction set, and scratch memory.
//
// Inner kernels are single-threaded. They are written once, over 16-lane vectors (simd.h, *_body.h), and compiled once
// per instruction set (isa_*.c), so the order of every sum is the same everywhere and an instruction set changes speed,
// not bits. The one exception is the bf16 product of AB_ISA_AVX512_BF16; see linear_body.h.
#ifndef ABENCH_INTERNAL_H
#define ABENCH_INTERNAL_H
#include "kernels.h"

#define AB_LANES 16  // output columns per packed panel, floats per vector
#define AB_MAX_PANELS 4  // most panels a tile may have on any instruction set

static inline size_t ab_round_up(size_t value, size_t multiple) { return (value + multiple - 1) / multiple * multiple; }
static inline size_t ab_min(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t ab_max(size_t a, size_t b) { return a > b ? a : b; }

/// One tile of a product: rows x panels accumulators, summed over `depth` values of k.
typedef struct {
    const float *x;         // packed: x[k * rows + row]; else x[row * x_stride + k]
    size_t x_stride;        // used when the rows are not packed
    const float *w;         // w[panel * panel_stride + k * k_stride + lane]
    size_t panel_stride, k_stride, depth;
    float *y;               // y[row * y_stride + panel * 16 + lane]
    size_t y_stride;
    size_t columns;         // valid columns of the tile, <= panels * 16
    bool accumulate;        // start from y, else from zero
    const float *bias;      // added when not NULL, after the last k; indexed like a row of y
} ab_tile;

/// The same for bf16 weights in pairs: w[panel * panel_stride + pair * 16 + lane], a pair in one 32-bit word.
typedef struct {
    const void *x;          // x[pair * rows + row]: bf16 pairs or, for kernels without dot products, pairs of f32
    const uint32_t *w;
    size_t panel_stride, depth;  // depth in pairs
    float *y;
    size_t y_stride, columns;
    bool accumulate;
    const float *bias;
} ab_tile_bf16;

/// Which keys one row sees.
typedef struct {
    size_t begin, end;  // absolute key positions, end exclusive
} ab_key_range;

typedef struct {
    // linear_body.h
    size_t tile_rows, tile_panels;
    void (*tile)(const ab_tile *tile, size_t rows, size_t panels);             // packed x
    void (*tile_strided)(const ab_tile *tile, size_t rows, size_t panels);     // x in rows
    void (*tile_bf16)(const ab_tile_bf16 *tile, size_t rows, size_t panels);
    size_t bf16_x_bytes;  // bytes of one activation as tile_bf16 wants it: 2 (bf16) or 4 (f32)
    void (*pack_x)(const float *x, size_t rows, size_t k, size_t x_stride, float *out);        // out[k * rows + row]
    void (*pack_x_bf16)(const float *x, size_t rows, size_t k, size_t x_stride, void *out);    // rounded; pairs
    void (*pack_pairs)(const float *columns, size_t pairs, uint32_t *out);
    // attention_body.h
    void (*transpose_keys)(const void *const *rows, size_t count, size_t dim, ab_type type, float *out);
    void (*load_values)(const void *const *rows, size_t count, size_t dim, ab_type type, float *out, size_t stride);
    // Scores in [range) become exp(scale * s - max); returns the sum, sink included.
    float (*softmax_row)(float *scores, ab_key_range range, float scale, float softcap, const float *sink);
    void (*store_row)(ab_type type, const float *x, size_t width, void *out);
    // elementwise_body.h
    void (*rmsnorm)(const float *x, size_t d, const float *weight, float epsilon, float offset, float *out);
    void (*layernorm)(const float *x, size_t d, const float *weight, const float *bias, float epsilon, float *out);
    void (*add)(float *x, const float *y, float scale, size_t count);
    void (*gated)(ab_activation kind, const float *gate, const float *up, size_t count, float *out);
    void (*activate)(ab_activation kind, float *x, size_t count);
    void (*rope)(float *x, size_t heads, size_t head_dim, size_t rotary, const float *c, const float *s, bool interleaved);
    void (*softcap)(float *x, size_t count, float cap);
    void (*divide)(const float *x, float divisor, size_t count, float *out);
    float (*dot)(const float *a, const float *b, size_t count);
    void (*multiply)(const float *x, const float *y, size_t count, float *out);
    void (*accumulate_f64)(const float *x, double scale, size_t count, double *out);
    void (*f32_to_bf16)(const float *x, uint16_t *out, size_t count);
    void (*bf16_to_f32)(const uint16_t *x, float *out, size_t count);
    size_t (*first_nonfinite)(const float *x, size_t count);
    // softmax_body.h
    void (*log_softmax)(const float *logits, size_t n, float *out);
    size_t (*argmax)(const float *x, size_t n);
    void (*compare)(const float *base, const float *edited, size_t n, int32_t token, ab_divergence *out);
} ab_kernels;

extern const ab_kernels ab_kernels_scalar;
#if defined(__x86_64__)
extern const ab_kernels ab_kernels_avx2, ab_kernels_avx512, ab_kernels_avx512_bf16;
#endif
const ab_kernels *ab_active_kernels(void);

/// Memory of the calling thread, 64-byte aligned, that lives until the thread ends or asks again for the same slot.
/// Contents are not kept. NULL when memory is out.
enum { AB_SCRATCH_X, AB_SCRATCH_TILE, AB_SCRATCH_SCORES, AB_SCRATCH_KEYS, AB_SCRATCH_BEST, AB_SCRATCH_COUNT };
void *ab_scratch(int slot, size_t bytes);
#endif
