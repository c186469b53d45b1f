// Inner parts of attention; the order of work is in attention.c.
#include "simd.h"

AB_INLINE v16f load_row_part(const void *row, size_t offset, size_t left, ab_type type) {
    if (type == AB_F32) return load_part((const float *)row + offset, left, 0);
    const uint16_t *p = (const uint16_t *)row + offset;
    if (__builtin_expect(left >= 16, 1)) return bf16_widen(*(const v16h_unaligned *)p);
    uint16_t lanes[16] = {0};
    memcpy(lanes, p, left * sizeof(uint16_t));
    return bf16_widen(*(const v16h_unaligned *)lanes);
}

/// out(dim, 16) = the transpose of up to 16 rows of `dim` values; missing rows are zero.
static void AB_NAME(transpose_keys)(const void *const *rows, size_t count, size_t dim, ab_type type, float *out) {
    for (size_t d = 0; d < dim; d += 16) {
        size_t left = ab_min(16, dim - d);
        v16f a[16], b[16];
        for (size_t i = 0; i < 16; i++) a[i] = i < count ? load_row_part(rows[i], d, left, type) : splat(0);
        // Four perfect shuffles of rows i and i + 8 transpose a 16 x 16 block.
        for (int stage = 0; stage < 4; stage++) {
#pragma clang loop unroll(full)
            for (int i = 0; i < 8; i++) {
                b[2 * i] = __builtin_shufflevector(
                    a[i], a[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
                b[2 * i + 1] = __builtin_shufflevector(
                    a[i], a[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
            }
#pragma clang loop unroll(full)
            for (int i = 0; i < 16; i++) a[i] = b[i];
        }
        for (size_t i = 0; i < left; i++) store(out + (d + i) * 16, a[i]);
    }
}

static void AB_NAME(load_values)(const void *const *rows, size_t count, size_t dim, ab_type type, float *out,
                                 size_t stride) {
    for (size_t i = 0; i < count; i++)
        for (size_t d = 0; d < dim; d += 16) store(out + i * stride + d, load_row_part(rows[i], d, dim - d, type));
}

/// `scores` starts at a key position that is a multiple of 16, so a key's lane, and the order of the sum, depend on its
/// absolute position alone. Keys outside the range count as −infinity: they add an exact zero.
static float AB_NAME(softmax_row)(float *scores, ab_key_range range, float scale, float softcap, const float *sink) {
    static const int32_t lane_index[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const v16i lanes = *(const v16i *)memcpy(&(v16i){0}, lane_index, sizeof lane_index);
    const size_t first = range.begin & ~(size_t)15;
    v16f largest = splat(-INFINITY);
    for (size_t i = first; i < range.end; i += 16) {
        v16f v = load(scores + i) * scale;
        if (softcap != 0) v = tanh16(v / softcap) * softcap;
        if (i < range.begin) v = select16(lanes < (int32_t)(range.begin - i), splat(-INFINITY), v);
        if (i + 16 > range.end) v = select16(lanes >= (int32_t)(range.end - i), splat(-INFINITY), v);
        store(scores + i, v);
        largest = max16(v, largest);
    }
    float top = max_lane(largest);
    if (sink && *sink > top) top = *sink;
    if (top == -INFINITY) top = 0;
    v16f sum = splat(0);
    for (size_t i = first; i < range.end; i += 16) {
        v16f e = exp16(load(scores + i) - top);
        store(scores + i, e);
        sum += e;
    }
    float total = sum16(sum);
    return sink ? total + exp16(splat(*sink - top))[0] : total;
}

static void AB_NAME(store_row)(ab_type type, const float *x, size_t width, void *out) {
    if (type == AB_F32) {
        memcpy(out, x, width * sizeof(float));
        return;
    }
    AB_NAME(f32_to_bf16)(x, out, width);
}
