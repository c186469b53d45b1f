// Speed of the C kernels: for every instruction set of this machine, precision, shape and thread count, GFLOP/s and the
// share of the peak that a loop of independent multiply-adds reaches in the same run on the same threads.
//
//   kernels [linear|attention|rows]...     all three without arguments
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#if AB_HAVE_OPENBLAS
#include <cblas.h>
#endif

#include "kernels.h"

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/// Seconds of one run: the best of `rounds`, each of about `least` seconds.
#define BEST(seconds, rounds, least, ...)                                            \
    do {                                                                             \
        seconds = 1e9;                                                               \
        long times_ = 1;                                                             \
        for (int round_ = 0; round_ < (rounds); round_++) {                          \
            double start_ = now();                                                   \
            for (long i_ = 0; i_ < times_; i_++) { __VA_ARGS__; }                    \
            double each_ = (now() - start_) / (double)times_;                        \
            if (each_ < seconds) seconds = each_;                                    \
            times_ = each_ < (least) ? (long)((least) / each_) + 1 : 1;              \
        }                                                                            \
    } while (0)

static void *memory(size_t bytes) {
    void *p = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!p) exit(1);
    memset(p, 0, (bytes + 63) / 64 * 64);
    return p;
}

static float *values(size_t count, float scale) {
    float *p = memory(count * sizeof(float));
    uint64_t state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        p[i] = ((float)(state >> 40) / (float)(1 << 23) - 1) * scale;
    }
    return p;
}

// ---------------------------------------------------------------- peak
enum { PEAK_STEPS = 200000 };
static volatile float sink;

#if defined(__x86_64__)
#define PEAK(NAME, TARGET, VECTOR, COUNT, INIT, STEP, FIRST)                                              \
    __attribute__((target(TARGET), noinline)) static void NAME(void *context, size_t begin, size_t end) { \
        VECTOR acc[COUNT];                                                                                \
        for (int i = 0; i < COUNT; i++) acc[i] = INIT((float)i);                                          \
        for (size_t range = begin; range < end; range++)                                                  \
            for (int t = 0; t < PEAK_STEPS; t++) {                                                        \
                _Pragma("clang loop unroll(full)") for (int i = 0; i < COUNT; i++) acc[i] = STEP;         \
            }                                                                                             \
        for (int i = 0; i < COUNT; i++) sink = sink + FIRST(acc[i]);                                      \
        (void)context;                                                                                    \
    }
PEAK(peak_avx512, "avx512f", __m512, 24, _mm512_set1_ps,
     _mm512_fmadd_ps(acc[i], _mm512_set1_ps(1e-9f), _mm512_set1_ps(1.5f)), _mm512_cvtss_f32)
PEAK(peak_bf16, "avx512f,avx512bf16", __m512, 24, _mm512_set1_ps,
     _mm512_dpbf16_ps(acc[i], (__m512bh)_mm512_set1_epi32(0x2f802f80), (__m512bh)_mm512_set1_epi32(0x3f803f80)),
     _mm512_cvtss_f32)
PEAK(peak_avx2, "avx2,fma", __m256, 12, _mm256_set1_ps,
     _mm256_fmadd_ps(acc[i], _mm256_set1_ps(1e-9f), _mm256_set1_ps(1.5f)), _mm256_cvtss_f32)
#endif

typedef void (*peak_body)(void *context, size_t begin, size_t end);

/// The loop for an instruction set and its operations per piece; NULL where none is written.
static peak_body peak_loop(ab_isa isa, ab_precision precision, double *operations) {
#if defined(__x86_64__)
    *operations = (isa == AB_ISA_AVX2 ? 12.0 * 16 : 24.0 * 32) * PEAK_STEPS;
    if (isa == AB_ISA_AVX2) return peak_avx2;
    if (isa == AB_ISA_AVX512_BF16 && precision == AB_PRECISION_BF16) {
        *operations *= 2;
        return peak_bf16;
    }
    if (isa == AB_ISA_AVX512 || isa == AB_ISA_AVX512_BF16) return peak_avx512;
#endif
    (void)isa, (void)precision, *operations = 0;
    return NULL;
}

/// GFLOP/s of independent multiply-adds on `threads` threads; 0 where no loop is written for the instruction set.
static double peak(ab_isa isa, ab_precision precision, int threads) {
    double operations, seconds;
    peak_body body = peak_loop(isa, precision, &operations);
    if (!body) return 0;
    const size_t pieces = (size_t)threads;
    BEST(seconds, 8, 0.001, ab_parallel_for(pieces, 1, body, NULL));
    return operations * (double)pieces / seconds / 1e9;
}

// ---------------------------------------------------------------- products
static void linear(ab_isa isa) {
    static const size_t shapes[][2] = {{576, 576}, {1536, 576}, {576, 1536}, {4864, 896}, {49152, 576}};
    static const size_t batches[] = {1, 8, 32, 128, 512};
    for (int precision = 0; precision < 2; precision++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            const size_t n = shapes[s][0], k = shapes[s][1];
            if (isa == AB_ISA_SCALAR && n > 2000) continue;
            float *w = values(n * k, 1);
            void *packed = memory(ab_packed_bytes((ab_precision)precision, n, k));
            ab_pack_rows((ab_precision)precision, n, k, packed, w, 0, n);
            for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
                const size_t m = batches[b];
                if (isa == AB_ISA_SCALAR && m > 8) continue;
                float *x = values(m * k, 1), *y = memory(m * n * sizeof(float));
                const double operations = 2.0 * (double)(m * n * k);
                double one = 0;
                for (int threads = 1; threads <= 2; threads++) {
                    ab_set_threads(threads);
                    double seconds, ceiling = peak(isa, (ab_precision)precision, threads);
                    BEST(seconds, 16, 0.003, ab_linear((ab_precision)precision, x, m, packed, n, k, NULL, y));
                    const double speed = operations / seconds / 1e9;
                    printf("%-12s %-4s n %5zu k %4zu m %3zu threads %d: %7.1f GFLOP/s", ab_isa_name(isa),
                           precision ? "bf16" : "f32", n, k, m, threads, speed);
                    if (ceiling > 0) printf(", %3.0f %% of peak %.0f", 100 * speed / ceiling, ceiling);
                    if (m == 1) printf(", weights at %.1f GB/s", (double)(n * k) * (precision ? 2 : 4) / seconds / 1e9);
                    if (threads == 1) one = speed;
                    else printf(", %.2fx", speed / one);
#if AB_HAVE_OPENBLAS
                    if (!precision && m > 1) {
                        openblas_set_num_threads(threads);
                        BEST(seconds, 16, 0.003, cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)m, (int)n,
                             (int)k, 1, x, (int)k, w, (int)k, 0, y, (int)n));
                        printf(", OpenBLAS sgemm %.1f", operations / seconds / 1e9);
                    }
#endif
                    printf("\n");
                }
                free(x);
                free(y);
            }
            free(w);
            free(packed);
        }
}

// ---------------------------------------------------------------- attention
static void attention(ab_isa isa) {
    static const size_t shapes[][3] = {{9, 3, 64}, {14, 2, 64}, {32, 8, 128}, {8, 4, 256}};
    const size_t length = isa == AB_ISA_SCALAR ? 100 : 1000;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int half = 0; half < 2; half++) {
            const size_t heads = shapes[s][0], kv_heads = shapes[s][1], dim = shapes[s][2], width = kv_heads * dim;
            const ab_type type = half ? AB_BF16 : AB_F32;
            float *q = values(length * heads * dim, 1), *kv = values(length * width, 1);
            float *out = memory(length * heads * dim * sizeof(float));
            void *stored = memory(length * width * 4);
            ab_store_kv(type, kv, width, length, width, stored, width);
            const ab_kv_segment segment = {stored, stored, length, width};
            const ab_attention_shape shape = {.heads = heads, .kv_heads = kv_heads, .head_dim = dim, .scale = 0.1f,
                                              .kv_type = type};
            const ab_attention_job all = {q, heads * dim, length, 0, &segment, 1, out, heads * dim};
            const ab_attention_job last = {q, heads * dim, 1, length - 1, &segment, 1, out, heads * dim};
            for (int threads = 1; threads <= 2; threads++) {
                ab_set_threads(threads);
                double prefill, decode;
                BEST(prefill, 6, 0.004, ab_attention(&all, 1, &shape));
                BEST(decode, 12, 0.002, ab_attention(&last, 1, &shape));
                printf("%-12s attention heads %zu/%zu dim %3zu kv %-4s keys %zu threads %d: all queries %8.2f ms "
                       "(%.0f GFLOP/s), one query %7.1f us\n", ab_isa_name(isa), heads, kv_heads, dim,
                       half ? "bf16" : "f32", length, threads, prefill * 1e3,
                       2.0 * (double)(length * length * heads * dim) / prefill / 1e9, decode * 1e6);
            }
            free(q), free(kv), free(out), free(stored);
        }
}

// ---------------------------------------------------------------- rows
static void rows(ab_isa isa) {
    const size_t m = 64, n = 1536, count = m * n;
    float *a = values(count, 8), *b = values(count, 1), *out = memory(count * 4), *c = values(4096, 1);
    double *wide = memory(count * 8);
    uint16_t *half = memory(count * 4);
    uint8_t *blocks = memory(count * 4);
    int32_t positions[64] = {0};
    ab_divergence divergence;
    ab_set_threads(1);
#define ROW(NAME, ...)                                                                                        \
    do {                                                                                                      \
        double seconds;                                                                                       \
        BEST(seconds, 12, 0.002, __VA_ARGS__);                                                                \
        printf("%-12s %-20s %7.3f ns per value\n", ab_isa_name(isa), NAME, seconds / (double)count * 1e9);    \
    } while (0)
    ROW("rmsnorm", ab_rmsnorm(a, m, n, b, 1e-6f, 0, out));
    ROW("layernorm", ab_layernorm(a, m, n, b, b, 1e-6f, out));
    ROW("gated silu", ab_gated(AB_SILU, a, n, b, n, m, n, out));
    ROW("gated gelu tanh", ab_gated(AB_GELU_TANH, a, n, b, n, m, n, out));
    ROW("gated gelu erf", ab_gated(AB_GELU_ERF, a, n, b, n, m, n, out));
    ROW("rope", ab_rope(a, m, n, 24, 64, 64, positions, c, c, false));
    ROW("softcap", ab_softcap(b, count, 30));
    ROW("add", ab_add(out, a, 0.1f, count));
    ROW("dot_rows", ab_dot_rows(a, m, n, b, out));
    ROW("matvec_t", ab_matvec_t(a, m, n, b, wide));
    ROW("log_softmax", ab_log_softmax(a, count, out));
    ROW("compare_logits", ab_compare_logits(a, b, count, 0, &divergence));
    ROW("argmax", (void)ab_argmax(a, count));
    ROW("f32 to bf16", ab_f32_to_bf16(a, half, count));
    ROW("pack f32", ab_pack_rows(AB_PRECISION_F32, m, n, blocks, a, 0, m));
    ROW("pack bf16", ab_pack_rows(AB_PRECISION_BF16, m, n, blocks, a, 0, m));
    memset(blocks, 0x35, count * 4);
    ROW("dequantise Q4_1", ab_dequantize(AB_Q4_1, blocks, out, count));
    ROW("dequantise Q4_K", ab_dequantize(AB_Q4_K, blocks, out, count));
    ROW("dequantise Q6_K", ab_dequantize(AB_Q6_K, blocks, out, count));
    ROW("dequantise F16", ab_dequantize(AB_F16, blocks, out, count));
    free(a), free(b), free(out), free(c), free(wide), free(half), free(blocks);
}

static bool wanted(int count, char **arguments, const char *name) {
    if (count < 2) return true;
    for (int i = 1; i < count; i++)
        if (strcmp(arguments[i], name) == 0) return true;
    return false;
}

int main(int count, char **arguments) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    const ab_isa best = ab_isa_active();
    printf("%s\n", ab_isa_reason());
    static const ab_isa isas[] = {AB_ISA_AVX512_BF16, AB_ISA_AVX512, AB_ISA_AVX2, AB_ISA_NEON, AB_ISA_SCALAR};
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++) {
        if (getenv("ABENCH_ISA") && isas[i] != best) continue;
        if (!ab_isa_force(isas[i])) continue;
        if (wanted(count, arguments, "linear")) linear(isas[i]);
        if (wanted(count, arguments, "attention")) attention(isas[i]);
        if (wanted(count, arguments, "rows")) rows(isas[i]);
    }
    return 0;
}
