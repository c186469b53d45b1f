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

/// log(1 + u) for u in [0, 1]: 2 atanh(s), s = u / (2 + u) <= 1/3, by its series (remainder below 2^-54).
AB_INLINE v8d log1p_unit(v8d u) {
    v8d s = u / (u + 2.0), square = s * s, p = splat_f64(1.0 / 33);
    for (int i = 31; i >= 1; i -= 2) p = fma8(p, square, splat_f64(1.0 / i));
    return (s + s) * p;
}

typedef struct {
    v8d kl, reverse, js;
} AB_NAME(divergence_sums);

/// p (log p − log q), q (log q − log p) and the Jensen–Shannon terms, all from d = log q − log p:
/// p / m = 2 / (1 + e^d) and q / m = 2 / (1 + e^−d) with m = (p + q) / 2. A probability of zero contributes zero
/// (0 · log 0 = 0); p > 0 where q = 0 makes that divergence infinite.
AB_INLINE void add_divergence(AB_NAME(divergence_sums) *sums, v8d lp, v8d lq) {
    const v8d zero = splat_f64(0), ln2 = splat_f64(0x1.62e42fefa39efp-1);
    v8d p = exp8(lp), q = exp8(lq), d = lq - lp;
    v8l has_p = p != 0.0, has_q = q != 0.0;  // true for NaN, which must show in the result
    v8d size = (v8d)((v8l)d & 0x7fffffffffffffff);
    v8d tail = log1p_unit(exp8(-size));
    v8d up = select8(d > 0.0, d, zero) + tail, down = select8(d < 0.0, -d, zero) + tail;
    sums->kl += select8(has_p, -p * d, zero);
    sums->reverse += select8(has_q, q * d, zero);
    sums->js += select8(has_p, p * (ln2 - up), zero) + select8(has_q, q * (ln2 - down), zero);
}

static void AB_NAME(compare)(const float *base, const float *edited, size_t n, int32_t token, ab_divergence *out) {
    const double base_top = (double)largest(base, n), edited_top = (double)largest(edited, n);
    const double base_sum = log_sum(base, n, base_top), edited_sum = log_sum(edited, n, edited_top);
    AB_NAME(divergence_sums) low = {splat_f64(0), splat_f64(0), splat_f64(0)}, high = low;
    for (size_t i = 0; i < n; i += 16) {
        v16f p = load_part(base + i, n - i, -INFINITY), q = load_part(edited + i, n - i, -INFINITY);
        add_divergence(&low, low_f64(p) - base_top - base_sum, low_f64(q) - edited_top - edited_sum);
        add_divergence(&high, high_f64(p) - base_top - base_sum, high_f64(q) - edited_top - edited_sum);
    }
    const size_t top = AB_NAME(argmax)(base, n);
    out->kl = sum8_f64(low.kl + high.kl);
    out->reverse_kl = sum8_f64(low.reverse + high.reverse);
    out->js = 0.5 * sum8_f64(low.js + high.js);
    out->base_top = (uint32_t)top;
    out->edited_top = (uint32_t)AB_NAME(argmax)(edited, n);
    out->base_top_logprob = (double)base[top] - base_top - base_sum;
    out->edited_logprob_of_base_top = (double)edited[top] - edited_top - edited_sum;
    const bool has_token = token >= 0 && (size_t)token < n;
    out->base_token_logprob = has_token ? (double)base[token] - base_top - base_sum : 0;
    out->edited_token_logprob = has_token ? (double)edited[token] - edited_top - edited_sum : 0;
}
