// Tiles of a matrix product. Every output element has one accumulator and receives its k values in rising order, one
// fused multiply-add each, whatever the tile: the bits of an element depend on its row of x and its row of W alone.
//
// bf16 takes k in pairs, the odd one first: acc = fma(x[2j], w[2j], fma(x[2j+1], w[2j+1], acc)). That is what VDPBF16PS
// does (found by comparing it with candidates on random input; products of bf16 are exact in f32, so each step rounds
// once). VDPBF16PS also treats denormal inputs as zero and flushes denormal results, the other versions do not: they
// have the same bits unless a value below 2^-126 occurs.
#include "simd.h"

AB_INLINE void begin_tile(v16f *acc, size_t rows, size_t panels, const float *y, size_t y_stride, size_t columns,
                          bool accumulate) {
    if (!accumulate) {
#pragma clang loop unroll(full)
        for (size_t i = 0; i < rows * panels; i++) acc[i] = splat(0);
        return;
    }
#pragma clang loop unroll(full)
    for (size_t r = 0; r < rows; r++)
#pragma clang loop unroll(full)
        for (size_t p = 0; p < panels; p++) {
            size_t left = columns > p * 16 ? columns - p * 16 : 0;
            acc[r * panels + p] = load_part(y + r * y_stride + p * 16, left, 0);
        }
}

AB_INLINE void end_tile(const v16f *acc, size_t rows, size_t panels, float *y, size_t y_stride, size_t columns,
                        const float *bias) {
#pragma clang loop unroll(full)
    for (size_t p = 0; p < panels; p++) {
        size_t left = columns > p * 16 ? columns - p * 16 : 0;
        v16f b = bias ? load_part(bias + p * 16, left, 0) : splat(0);
#pragma clang loop unroll(full)
        for (size_t r = 0; r < rows; r++) {
            v16f v = acc[r * panels + p];
            store_part(y + r * y_stride + p * 16, bias ? v + b : v, left);
        }
    }
}

AB_INLINE void tile_body(const ab_tile *t, const size_t rows, const size_t panels, const bool packed) {
    v16f acc[AB_TILE_ROWS * AB_TILE_PANELS];
    begin_tile(acc, rows, panels, t->y, t->y_stride, t->columns, t->accumulate);
    const float *x = t->x, *w = t->w;
    const size_t depth = t->depth, x_stride = t->x_stride, panel_stride = t->panel_stride, k_stride = t->k_stride;
#pragma clang loop unroll(disable)
    for (size_t k = 0; k < depth; k++) {
        v16f column[AB_TILE_PANELS];
#pragma clang loop unroll(full)
        for (size_t p = 0; p < panels; p++) column[p] = load(w + p * panel_stride);
#pragma clang loop unroll(full)
        for (size_t r = 0; r < rows; r++) {
            v16f value = splat(packed ? x[r] : x[r * x_stride]);
#pragma clang loop unroll(full)
            for (size_t p = 0; p < panels; p++) acc[r * panels + p] = fma16(value, column[p], acc[r * panels + p]);
        }
        x += packed ? rows : 1;
        w += k_stride;
    }
    end_tile(acc, rows, panels, t->y, t->y_stride, t->columns, t->bias);
}

AB_INLINE void tile_bf16_body(const ab_tile_bf16 *t, const size_t rows, const size_t panels) {
    v16f acc[AB_TILE_ROWS * AB_TILE_PANELS];
    begin_tile(acc, rows, panels, t->y, t->y_stride, t->columns, t->accumulate);
    const uint32_t *w = t->w;
    const size_t depth = t->depth, panel_stride = t->panel_stride;
#if AB_HAS_BF16_DOT
    const uint32_t *x = t->x;
#pragma clang loop unroll(disable)
    for (size_t k = 0; k < depth; k++) {
        __m512bh column[AB_TILE_PANELS];
#pragma clang loop unroll(full)
        for (size_t p = 0; p < panels; p++) column[p] = (__m512bh)_mm512_loadu_si512(w + p * panel_stride);
#pragma clang loop unroll(full)
        for (size_t r = 0; r < rows; r++) {
            __m512bh value = (__m512bh)_mm512_set1_epi32((int)x[r]);
#pragma clang loop unroll(full)
            for (size_t p = 0; p < panels; p++)
                acc[r * panels + p] = (v16f)_mm512_dpbf16_ps((__m512)acc[r * panels + p], value, column[p]);
        }
        x += rows;
        w += 16;
    }
#else
    const float *x = t->x;
#pragma clang loop unroll(disable)
    for (size_t k = 0; k < depth; k++) {
#pragma clang loop unroll(full)
        for (size_t p = 0; p < panels; p++) {
            v16u pair = *(const v16u_unaligned *)(w + p * panel_stride);
            v16f odd = (v16f)(pair & 0xffff0000), even = (v16f)(pair << 16);
#pragma clang loop unroll(full)
            for (size_t r = 0; r < rows; r++)
                acc[r * panels + p] = fma16(splat(x[2 * r + 1]), odd, acc[r * panels + p]);
#pragma clang loop unroll(full)
            for (size_t r = 0; r < rows; r++)
                acc[r * panels + p] = fma16(splat(x[2 * r]), even, acc[r * panels + p]);
        }
        x += 2 * rows;
        w += 16;
    }
#endif
    end_tile(acc, rows, panels, t->y, t->y_stride, t->columns, t->bias);
}

#if AB_TILE_PANELS == 4
#define AB_TILE_CASES(R, CALL) CALL(R, 1) CALL(R, 2) CALL(R, 3) CALL(R, 4)
#elif AB_TILE_PANELS == 1
#define AB_TILE_CASES(R, CALL) CALL(R, 1)
#endif
#if AB_TILE_ROWS == 6
#define AB_ALL_TILES(CALL)                                                                           \
    AB_TILE_CASES(1, CALL) AB_TILE_CASES(2, CALL) AB_TILE_CASES(3, CALL) AB_TILE_CASES(4, CALL)      \
    AB_TILE_CASES(5, CALL) AB_TILE_CASES(6, CALL)
#elif AB_TILE_ROWS == 2
#define AB_ALL_TILES(CALL) AB_TILE_CASES(1, CALL) AB_TILE_CASES(2, CALL)
#endif

static void AB_NAME(tile)(const ab_tile *t, size_t rows, size_t panels) {
    switch (rows * 8 + panels) {
#define AB_CALL(R, P) case R * 8 + P: tile_body(t, R, P, true); return;
        AB_ALL_TILES(AB_CALL)
#undef AB_CALL
    }
}

static void AB_NAME(tile_strided)(const ab_tile *t, size_t rows, size_t panels) {
    switch (rows * 8 + panels) {
#define AB_CALL(R, P) case R * 8 + P: tile_body(t, R, P, false); return;
        AB_ALL_TILES(AB_CALL)
#undef AB_CALL
    }
}

static void AB_NAME(tile_bf16)(const ab_tile_bf16 *t, size_t rows, size_t panels) {
    switch (rows * 8 + panels) {
#define AB_CALL(R, P) case R * 8 + P: tile_bf16_body(t, R, P); return;
        AB_ALL_TILES(AB_CALL)
#undef AB_CALL
    }
}

static void AB_NAME(pack_x)(const float *x, size_t rows, size_t k, size_t x_stride, float *out) {
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < k; i++) out[i * rows + r] = x[r * x_stride + i];
}

/// Pairs of one row are `rows` pairs apart; an odd k ends with a pair whose second half is zero.
static void AB_NAME(pack_x_bf16)(const float *x, size_t rows, size_t k, size_t x_stride, void *out) {
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < k; i += 16) {
            size_t left = ab_min(16, k - i);
            uint32_t bits[16];
            *(v16u_unaligned *)bits = bf16_bits(load_part(x + r * x_stride + i, left, 0));
#if AB_HAS_BF16_DOT
            uint32_t *pair = (uint32_t *)out + r;
            for (size_t j = 0; 2 * j < left; j++) pair[(i / 2 + j) * rows] = bits[2 * j] | bits[2 * j + 1] << 16;
#else
            uint32_t *pair = (uint32_t *)out + 2 * r;
            for (size_t j = 0; 2 * j < left; j++) {
                pair[(i / 2 + j) * 2 * rows] = bits[2 * j] << 16;
                pair[(i / 2 + j) * 2 * rows + 1] = bits[2 * j + 1] << 16;
            }
#endif
        }
    }
}

/// columns(2 · pairs, 16) of f32 to out(pairs, 16) of bf16 pairs.
static void AB_NAME(pack_pairs)(const float *columns, size_t pairs, uint32_t *out) {
    for (size_t j = 0; j < pairs; j++)
        *(v16u_unaligned *)(out + j * 16) = bf16_bits(load(columns + j * 32)) | bf16_bits(load(columns + j * 32 + 16)) << 16;
}
