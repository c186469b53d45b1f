// Norms, activations, rotary embedding and small vector work, one row or one run of values at a time.
#include "simd.h"

static void AB_NAME(f32_to_bf16)(const float *x, uint16_t *out, size_t count) {
    for (size_t i = 0; i < count; i += 16) {
        size_t left = ab_min(16, count - i);
        v16h bits = __builtin_convertvector(bf16_bits(load_part(x + i, left, 0)), v16h);
        memcpy(out + i, &bits, left * sizeof(uint16_t));
    }
}

static void AB_NAME(bf16_to_f32)(const uint16_t *x, float *out, size_t count) {
    for (size_t i = 0; i < count; i += 16) {
        size_t left = ab_min(16, count - i);
        uint16_t lanes[16] = {0};
        memcpy(lanes, x + i, left * sizeof(uint16_t));
        store_part(out + i, bf16_widen(*(const v16h_unaligned *)lanes), left);
    }
}

static size_t AB_NAME(first_nonfinite)(const float *x, size_t count) {
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        v16i bad = ((v16i)load(x + i) & 0x7f800000) == 0x7f800000;
        int32_t any = 0;
        for (int lane = 0; lane < 16; lane++) any |= bad[lane];
        if (any) break;
    }
    for (; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        if ((bits & 0x7f800000) == 0x7f800000) return i;
    }
    return count;
}

static void AB_NAME(rmsnorm)(const float *x, size_t d, const float *weight, float epsilon, float offset, float *out) {
    v8d low = splat_f64(0), high = splat_f64(0);
    for (size_t i = 0; i < d; i += 16) {
        v16f v = load_part(x + i, d - i, 0);
        v8d a = low_f64(v), b = high_f64(v);
        low = fma8(a, a, low);
        high = fma8(b, b, high);
    }
    float inverse = (float)(1.0 / sqrt(sum8_f64(low + high) / (double)d + (double)epsilon));
    for (size_t i = 0; i < d; i += 16) {
        v16f v = load_part(x + i, d - i, 0) * inverse;
        if (weight) v *= load_part(weight + i, d - i, 0) + offset;
        store_part(out + i, v, d - i);
    }
}

static void AB_NAME(layernorm)(const float *x, size_t d, const float *weight, const float *bias, float epsilon,
                               float *out) {
    v8d low = splat_f64(0), high = splat_f64(0);
    for (size_t i = 0; i < d; i += 16) {
        v16f v = load_part(x + i, d - i, 0);
        low += low_f64(v);
        high += high_f64(v);
    }
    double mean = sum8_f64(low + high) / (double)d;
    low = high = splat_f64(0);
    for (size_t i = 0; i < d; i += 16) {
        v16f v = load_part(x + i, d - i, 0);
        v8d a = low_f64(v) - mean, b = high_f64(v) - mean;
        if (d - i < 16) {  // padding lanes must not count
            static const double index[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
            v8d left = splat_f64((double)(d - i));
            a = select8(*(const v8d_unaligned *)index < left, a, splat_f64(0));
            b = select8(*(const v8d_unaligned *)(index + 8) < left, b, splat_f64(0));
        }
        low = fma8(a, a, low);
        high = fma8(b, b, high);
    }
    double inverse = 1.0 / sqrt(sum8_f64(low + high) / (double)d + (double)epsilon);
    for (size_t i = 0; i < d; i += 16) {
        v16f v = load_part(x + i, d - i, 0);
        v = join_f32((low_f64(v) - mean) * inverse, (high_f64(v) - mean) * inverse);
        if (weight) v *= load_part(weight + i, d - i, 0);
        if (bias) v += load_part(bias + i, d - i, 0);
        store_part(out + i, v, d - i);
    }
}

static void AB_NAME(add)(float *x, const float *y, float scale, size_t count) {
    for (size_t i = 0; i < count; i += 16) {
        size_t left = count - i;
        store_part(x + i, fma16(splat(scale), load_part(y + i, left, 0), load_part(x + i, left, 0)), left);
    }
}

/// silu(x) = x / (1 + e^−x); gelu_tanh(x) = x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))); gelu_erf(x) = x/2 (1 + erf(x/√2)).
AB_INLINE v16f activation16(ab_activation kind, v16f x) {
    switch (kind) {
    case AB_SILU: return x / (exp16(-x) + 1.0f);
    case AB_GELU_TANH: {
        v16f inner = fma16(x * x * x, splat(0.044715f), x) * 0x1.988454p-1f;
        return x * 0.5f * (tanh16(inner) + 1.0f);
    }
    case AB_GELU_ERF: {
        float lanes[16];
        store(lanes, x * 0x1.6a09e6p-1f);
        for (int i = 0; i < 16; i++) lanes[i] = erff(lanes[i]);
        return x * 0.5f * (load(lanes) + 1.0f);
    }
    case AB_RELU: return select16(x < 0.0f, splat(0), x);
    }
    return x;
}

static void AB_NAME(gated)(ab_activation kind, const float *gate, const float *up, size_t count, float *out) {
    for (size_t i = 0; i < count; i += 16) {
        size_t left = count - i;
        store_part(out + i, activation16(kind, load_part(gate + i, left, 0)) * load_part(up + i, left, 0), left);
    }
}

static void AB_NAME(activate)(ab_activation kind, float *x, size_t count) {
    for (size_t i = 0; i < count; i += 16) store_part(x + i, activation16(kind, load_part(x + i, count - i, 0)), count - i);
}

/// (a, b) becomes (a cos − b sin, b cos + a sin) with one rounding per product and one per sum, as PyTorch computes it.
static void AB_NAME(rope)(float *x, size_t heads, size_t head_dim, size_t rotary, const float *c, const float *s,
                          bool interleaved) {
    const size_t half = rotary / 2;
    for (size_t h = 0; h < heads; h++, x += head_dim) {
        if (interleaved) {
            for (size_t i = 0; i < half; i++) {
                float a = x[2 * i], b = x[2 * i + 1];
                x[2 * i] = a * c[i] - b * s[i];
                x[2 * i + 1] = b * c[i] + a * s[i];
            }
        } else {
            for (size_t i = 0; i < half; i++) {
                float a = x[i], b = x[i + half];
                x[i] = a * c[i] - b * s[i];
                x[i + half] = b * c[i] + a * s[i];
            }
        }
    }
}

static void AB_NAME(softcap)(float *x, size_t count, float cap) {
    for (size_t i = 0; i < count; i += 16)
        store_part(x + i, tanh16(load_part(x + i, count - i, 0) / cap) * cap, count - i);
}

static void AB_NAME(divide)(const float *x, float divisor, size_t count, float *out) {
    for (size_t i = 0; i < count; i += 16) store_part(out + i, load_part(x + i, count - i, 0) / divisor, count - i);
}

/// Four accumulators of 16 lanes, value i in accumulator i / 16 mod 4, then a fixed tree.
static float AB_NAME(dot)(const float *a, const float *b, size_t count) {
    v16f sum[4] = {splat(0), splat(0), splat(0), splat(0)};
    for (size_t i = 0; i < count; i += 64)
#pragma clang loop unroll(full)
        for (size_t j = 0; j < 4; j++) {
            size_t at = i + j * 16;
            if (at < count) sum[j] = fma16(load_part(a + at, count - at, 0), load_part(b + at, count - at, 0), sum[j]);
        }
    return sum16((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

static void AB_NAME(multiply)(const float *x, const float *y, size_t count, float *out) {
    for (size_t i = 0; i < count; i++) out[i] = x[i] * y[i];
}

static void AB_NAME(accumulate_f64)(const float *x, double scale, size_t count, double *out) {
    for (size_t i = 0; i < count; i++) out[i] = __builtin_fma(scale, (double)x[i], out[i]);
}
