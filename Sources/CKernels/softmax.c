#include "internal.h"

void ab_log_softmax(const float *logits, size_t n, float *out) { ab_active_kernels()->log_softmax(logits, n, out); }

size_t ab_argmax(const float *x, size_t n) { return ab_active_kernels()->argmax(x, n); }

void ab_compare_logits(const float *base, const float *edited, size_t n, int32_t token, ab_divergence *out) {
    ab_active_kernels()->compare(base, edited, n, token, out);
}
