// 16-lane vectors in the compiler's own vector types, and the functions on them that every kernel shares. Included by
// isa_*.c only, after AB_NAME and the target attribute are set.
//
// All functions are branch-free per lane, so a tail computed in a padded vector has the bits of the vector body.
#ifndef ABENCH_SIMD_H
#define ABENCH_SIMD_H
#include <math.h>
#include <string.h>

#include "internal.h"
#define AB_INLINE static inline __attribute__((always_inline))

typedef float v16f __attribute__((vector_size(64)));
typedef int32_t v16i __attribute__((vector_size(64)));
typedef uint32_t v16u __attribute__((vector_size(64)));
typedef uint16_t v16h __attribute__((vector_size(32)));
typedef double v8d __attribute__((vector_size(64)));
typedef int64_t v8l __attribute__((vector_size(64)));
typedef float v8f __attribute__((vector_size(32)));
typedef float v16f_unaligned __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint32_t v16u_unaligned __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint16_t v16h_unaligned __attribute__((vector_size(32), aligned(2), may_alias));
typedef float v8f_unaligned __attribute__((vector_size(32), aligned(4), may_alias));
typedef double v8d_unaligned __attribute__((vector_size(64), aligned(8), may_alias));

AB_INLINE v16f splat(float value) { return (v16f){} + value; }
AB_INLINE v8d splat_f64(double value) { return (v8d){} + value; }
AB_INLINE v16f load(const float *p) { return *(const v16f_unaligned *)p; }
AB_INLINE void store(float *p, v16f v) { *(v16f_unaligned *)p = v; }
AB_INLINE v16f load_tail(const float *p, size_t count, float fill) {
    float lanes[16];
    for (int i = 0; i < 16; i++) lanes[i] = fill;
    memcpy(lanes, p, count * sizeof(float));
    return load(lanes);
}
AB_INLINE void store_tail(float *p, v16f v, size_t count) {
    float lanes[16];
    store(lanes, v);
    memcpy(p, lanes, count * sizeof(float));
}
/// count >= 16: a whole vector; else the first `count` lanes, the others `fill`.
AB_INLINE v16f load_part(const float *p, size_t count, float fill) {
    return __builtin_expect(count >= 16, 1) ? load(p) : load_tail(p, count, fill);
}
AB_INLINE void store_part(float *p, v16f v, size_t count) {
    if (__builtin_expect(count >= 16, 1)) store(p, v);
    else store_tail(p, v, count);
}

AB_INLINE v16f fma16(v16f a, v16f b, v16f c) { return __builtin_elementwise_fma(a, b, c); }
AB_INLINE v8d fma8(v8d a, v8d b, v8d c) { return __builtin_elementwise_fma(a, b, c); }
AB_INLINE v16f select16(v16i mask, v16f yes, v16f no) { return (v16f)((mask & (v16i)yes) | (~mask & (v16i)no)); }
AB_INLINE v8d select8(v8l mask, v8d yes, v8d no) { return (v8d)((mask & (v8l)yes) | (~mask & (v8l)no)); }
AB_INLINE v16f abs16(v16f x) { return (v16f)((v16i)x & 0x7fffffff); }
/// a where a > b, else b (so a NaN in a gives b).
AB_INLINE v16f max16(v16f a, v16f b) { return select16(a > b, a, b); }

/// Sum of the lanes in a fixed tree: halves, quarters, …
AB_INLINE float sum16(v16f v) {
    float t[16];
    store(t, v);
    for (int width = 8; width; width /= 2)
        for (int i = 0; i < width; i++) t[i] += t[i + width];
    return t[0];
}
AB_INLINE double sum8_f64(v8d v) { return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7])); }
AB_INLINE float max_lane(v16f v) {
    float best = v[0];
    for (int i = 1; i < 16; i++) best = v[i] > best ? v[i] : best;
    return best;
}
AB_INLINE v8d low_f64(v16f v) { return __builtin_convertvector(__builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7), v8d); }
AB_INLINE v8d high_f64(v16f v) {
    return __builtin_convertvector(__builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15), v8d);
}
AB_INLINE v16f join_f32(v8d low, v8d high) {
    v8f a = __builtin_convertvector(low, v8f), b = __builtin_convertvector(high, v8f);
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

/// bf16 bits of f32 values in the low half of each lane: round to nearest even, NaN stays a (quiet) NaN.
AB_INLINE v16u bf16_bits(v16f x) {
    v16u u = (v16u)x, rounded = (u + 0x7fff + ((u >> 16) & 1)) >> 16, nan = (u >> 16) | 0x40;
    v16u is_nan = (v16u)((v16i)(u & 0x7fffffff) > 0x7f800000);
    return (is_nan & nan) | (~is_nan & rounded);
}
AB_INLINE v16f bf16_round(v16f x) { return (v16f)(bf16_bits(x) << 16); }
AB_INLINE v16f bf16_widen(v16h bits) { return (v16f)(__builtin_convertvector(bits, v16u) << 16); }

/// exp(x), f32. x = n ln 2 + r with |r| <= ln 2 / 2 (ln 2 in two parts), a degree-7 Taylor polynomial for e^r (its
/// remainder is below 2^-27), and scaling by 2^n in two steps so that results below the normal range round once and
/// overflow gives infinity. exp(-inf) = 0, NaN stays NaN. Measured error: tests state it.
AB_INLINE v16f exp16(v16f x) {
    v16f bounded = select16(x < -104.0f, splat(-104.0f), select16(x > 89.0f, splat(89.0f), x));
    v16f shifted = fma16(bounded, splat(0x1.715476p+0f), splat(0x1.8p+23f));
    v16i n = (v16i)shifted - 0x4b400000;
    v16f nf = shifted - 0x1.8p+23f;
    v16f r = fma16(nf, splat(-0x1.62e4p-1f), bounded);
    r = fma16(nf, splat(-0x1.7f7d1cp-20f), r);
    v16f p = splat(0x1.a01a02p-13f);  // 1/7!
    p = fma16(p, r, splat(0x1.6c16c2p-10f));  // 1/6!
    p = fma16(p, r, splat(0x1.111112p-7f));
    p = fma16(p, r, splat(0x1.555556p-5f));
    p = fma16(p, r, splat(0x1.555556p-3f));
    p = fma16(p, r, splat(0.5f));
    p = fma16(p, r, splat(1.0f));
    p = fma16(p, r, splat(1.0f));
    v16i half = n >> 1;
    v16f result = p * (v16f)((half + 127) << 23) * (v16f)((n - half + 127) << 23);
    return select16(x != x, x, result);
}

/// exp(x), f64, for x <= 0 or small positive x: the same scheme with a degree-13 polynomial. Below -745 the result is 0.
AB_INLINE v8d exp8(v8d x) {
    v8d bounded = select8(x < -745.2, splat_f64(-745.2), select8(x > 709.8, splat_f64(709.8), x));
    v8d shifted = fma8(bounded, splat_f64(0x1.71547652b82fep+0), splat_f64(0x1.8p+52));
    v8l n = (v8l)shifted - 0x4338000000000000;
    v8d nf = shifted - 0x1.8p+52;
    v8d r = fma8(nf, splat_f64(-0x1.62e42fefa38p-1), bounded);
    r = fma8(nf, splat_f64(-0x1.ef35793c7673p-45), r);
    static const double inverse_factorial[] = {  // 1/13! … 1/2!
        0x1.6124613a86d09p-33, 0x1.1eed8eff8d898p-29, 0x1.ae64567f544e4p-26, 0x1.27e4fb7789f5cp-22,
        0x1.71de3a556c734p-19, 0x1.a01a01a01a01ap-16, 0x1.a01a01a01a01ap-13, 0x1.6c16c16c16c17p-10,
        0x1.1111111111111p-7,  0x1.5555555555555p-5,  0x1.5555555555555p-3,  0.5};
    v8d p = splat_f64(inverse_factorial[0]);
    for (int i = 1; i < 12; i++) p = fma8(p, r, splat_f64(inverse_factorial[i]));
    p = fma8(p, r, splat_f64(1.0));
    p = fma8(p, r, splat_f64(1.0));
    v8l half = n >> 1;
    v8d result = p * (v8d)((half + 1023) << 52) * (v8d)((n - half + 1023) << 52);
    return select8(x != x, x, select8(x < -745.2, splat_f64(0.0), result));
}

/// tanh(x) = sign(x) · e / (e + 2), e = exp(2|x|) − 1; below 0.55, where the difference would
/// lose digits, x + x³ P(x²) with P the degree-4 minimax fit of (tanh x / x − 1) / x² (error 1.2e-9).
AB_INLINE v16f tanh16(v16f x) {
    v16f a = abs16(x), square = x * x;
    v16f e = exp16(a + a) - 1.0f;
    v16f large = select16(a > 15.0f, splat(1.0f), e / (e + 2.0f));
    large = (v16f)((v16i)large | ((v16i)x & (int32_t)0x80000000));
    v16f p = splat(-0x1.96cf64p-8f);
    p = fma16(p, square, splat(0x1.58828cp-6f));
    p = fma16(p, square, splat(-0x1.b91370p-5f));
    p = fma16(p, square, splat(0x1.110cb2p-3f));
    p = fma16(p, square, splat(-0x1.55554ap-2f));
    v16f small = fma16(p * square, x, x);
    return select16(x != x, x, select16(a < 0.55f, small, large));
}
#endif
