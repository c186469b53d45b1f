// Reductions over the vocabulary. Sums are f64 in 8 lanes per half vector, then a fixed tree.
#include "simd.h"

static size_t AB_NAME(argmax)(const float *x, size_t n) {
    // The largest value first, then its first place: two quick passes.
    v16f best = splat(-INFINITY);
    for (size_t i = 0; i < n; i += 16) best = max16(load_part(x + i, n - i, -INFINITY), best);
    float top = max_lane(best);
    for (size_t i = 0; i < n; i++)
        if (x[i] == top) return i;
    return 0;
}

AB_INLINE float largest(const float *x, size_t n) {
    v16f best = splat(-INFINITY);
    for (size_t i = 0; i < n; i += 16) best = max16(load_part(x + i, n - i, -INFINITY), best);
    return max_lane(best);
}

/// log Σ exp(x − top)
AB_INLINE double log_sum(const float *x, size_t n, double top) {
    v8d low = splat_f64(0), high = splat_f64(0);
    for (size_t i = 0; i < n; i += 16) {
        v16f v = load_part(x + i, n - i, -INFINITY);
        low += exp8(low_f64(v) - top);
        high += exp8(high_f64(v) - top);
    }
    return log(sum8_f64(low + high));
}

static void AB_NAME(log_softmax)(const float *logits, size_t n, float *out) {
    double top = (double)largest(logits, n), shift = log_sum(logits, n, top);
    for (size_t i = 0; i < n; i += 16) {
        v16f v = load_part(logits + i, n - i, 0);
        store_part(out + i, join_f32(low_f64(v) - top - shift, high_f64(v) - top - shift), n - i);
    }
}

/// log Σ exp(x − top), the terms exp(x − top) kept in `terms` (n rounded up to 16), the sum in `total`.
AB_INLINE double log_sum_keeping(const float *x, size_t n, double top, double *terms, double *total) {
    v8d low = splat_f64(0), high = splat_f64(0);
    for (size_t i = 0; i < n; i += 16) {
        v16f v = load_part(x + i, n - i, -INFINITY);
        v8d a = exp8(low_f64(v) - top), b = exp8(high_f64(v) - top);
        *(v8d_unaligned *)(terms + i) = a;
        *(v8d_unaligned *)(terms + i + 8) = b;
        low += a;
        high += b;
    }
    *total = sum8_f64(low + high);
    return log(*total);
}

/// log(1 + u) for u in [0, 1]. With w = 1 + u, or w = (1 + u) / 2 where u > √2 − 1 (and log 2 added), log w = 2 atanh(s)
/// with s = (w − 1) / (w + 1), |s| < 0.172, by its series (remainder below 2^-58).
AB_INLINE v8d log1p_unit(v8d u) {
    const v8l upper = u > 0x1.a827999fcef32p-2;
    v8d s = select8(upper, u - 1.0, u) / select8(upper, u + 3.0, u + 2.0);
    v8d square = s * s, p = splat_f64(1.0 / 21);
    for (int i = 19; i >= 1; i -= 2) p = fma8(p, square, splat_f64(1.0 / i));
    return fma8(s + s, p, select8(upper, splat_f64(0x1.62e42fefa39efp-1), splat_f64(0)));
}

typedef struct {
    v8d kl, reverse, js;
} AB_NAME(divergence_sums);

/// p (log p − log q), q (log q − log p) and the Jensen–Shannon terms, the last from d = log q − log p and
/// e^−|d| = min(p, q) / max(p, q): with m = (p + q) / 2, p / m = 2 / (1 + e^d) and q / m = 2 / (1 + e^−d). A probability
/// of zero contributes zero (0 · log 0 = 0); p > 0 where q = 0 by a logit of −infinity makes that divergence infinite.
AB_INLINE void add_divergence(AB_NAME(divergence_sums) *sums, v8d p, v8d q, v8d d) {
    const v8d zero = splat_f64(0), ln2 = splat_f64(0x1.62e42fefa39efp-1);
    v8l has_p = p != 0.0, has_q = q != 0.0, q_larger = q > p;  // has_*: true for NaN, which must show in the result
    v8d tail = log1p_unit(select8(q_larger, p, q) / select8(q_larger, q, p));
    v8d up = select8(d > 0.0, d, zero) + tail, down = select8(d < 0.0, -d, zero) + tail;
    sums->kl += select8(has_p, -p * d, zero);
    sums->reverse += select8(has_q, q * d, zero);
    sums->js += select8(has_p, p * (ln2 - up), zero) + select8(has_q, q * (ln2 - down), zero);
}

static void AB_NAME(compare)(const float *base, const float *edited, size_t n, int32_t token, ab_divergence *out) {
    const size_t padded = ab_round_up(n, 16);
    double *base_terms = ab_scratch(AB_SCRATCH_TILE, 2 * padded * sizeof(double)), *edited_terms = base_terms + padded;
    if (!base_terms) {  // out of memory: must not pass for a result
        *out = (ab_divergence){.kl = NAN, .reverse_kl = NAN, .js = NAN, .base_top_logprob = NAN,
                               .edited_logprob_of_base_top = NAN, .base_token_logprob = NAN, .edited_token_logprob = NAN};
        return;
    }
    const double base_top = (double)largest(base, n), edited_top = (double)largest(edited, n);
    double base_total, edited_total;
    const double base_sum = log_sum_keeping(base, n, base_top, base_terms, &base_total);
    const double edited_sum = log_sum_keeping(edited, n, edited_top, edited_terms, &edited_total);
    const double base_scale = 1 / base_total, edited_scale = 1 / edited_total;
    AB_NAME(divergence_sums) sums[2] = {{splat_f64(0), splat_f64(0), splat_f64(0)}};
    sums[1] = sums[0];
    for (size_t i = 0; i < n; i += 16) {
        v16f x = load_part(base + i, n - i, -INFINITY), y = load_part(edited + i, n - i, -INFINITY);
#pragma clang loop unroll(full)
        for (int half = 0; half < 2; half++) {
            v8d lp = (half ? high_f64(x) : low_f64(x)) - base_top - base_sum;
            v8d lq = (half ? high_f64(y) : low_f64(y)) - edited_top - edited_sum;
            v8d p = *(const v8d_unaligned *)(base_terms + i + 8 * half) * base_scale;
            v8d q = *(const v8d_unaligned *)(edited_terms + i + 8 * half) * edited_scale;
            add_divergence(&sums[half], p, q, lq - lp);
        }
    }
    const size_t top = AB_NAME(argmax)(base, n);
    out->kl = sum8_f64(sums[0].kl + sums[1].kl);
    out->reverse_kl = sum8_f64(sums[0].reverse + sums[1].reverse);
    out->js = 0.5 * sum8_f64(sums[0].js + sums[1].js);
    out->base_top = (uint32_t)top;
    out->edited_top = (uint32_t)AB_NAME(argmax)(edited, n);
    out->base_top_logprob = (double)base[top] - base_top - base_sum;
    out->edited_logprob_of_base_top = (double)edited[top] - edited_top - edited_sum;
    const bool has_token = token >= 0 && (size_t)token < n;
    out->base_token_logprob = has_token ? (double)base[token] - base_top - base_sum : 0;
    out->edited_token_logprob = has_token ? (double)edited[token] - edited_top - edited_sum : 0;
}
