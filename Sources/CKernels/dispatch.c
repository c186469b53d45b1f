#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <pthread.h>

#include "internal.h"

static _Atomic int active_isa = -1;
static pthread_once_t detect_once = PTHREAD_ONCE_INIT;
static int best_isa;
static char reason[256];

const char *ab_isa_name(ab_isa isa) {
    switch (isa) {
    case AB_ISA_SCALAR: return "scalar";
    case AB_ISA_AVX2: return "avx2";
    case AB_ISA_AVX512: return "avx512";
    case AB_ISA_AVX512_BF16: return "avx512-bf16";
    case AB_ISA_NEON: return "neon";
    }
    return "unknown";
}

/// The best instance this machine can run.
static int detect_best(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    // The compiler's run-time check includes that the operating system saves the wide registers.
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
    bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (avx512 && __builtin_cpu_supports("avx512bf16")) return AB_ISA_AVX512_BF16;
    if (avx512) return AB_ISA_AVX512;
    if (avx2) return AB_ISA_AVX2;
    return AB_ISA_SCALAR;
#elif defined(__aarch64__)
    return AB_ISA_NEON;
#else
    return AB_ISA_SCALAR;
#endif
}

static bool is_available(int isa) {
#if defined(__aarch64__)
    return isa == AB_ISA_NEON || isa == AB_ISA_SCALAR;
#else
    return isa >= AB_ISA_SCALAR && isa <= best_isa && isa != AB_ISA_NEON;
#endif
}

/// -1 for a name that is not known. Dashes are optional: avx512bf16, avx512-bf16.
static int isa_named(const char *text) {
    char name[32];
    size_t length = 0;
    for (const char *c = text; *c && length + 1 < sizeof name; c++)
        if (*c != '-' && *c != '_') name[length++] = *c;
    name[length] = 0;
    static const struct { const char *name; int isa; } names[] = {
        {"scalar", AB_ISA_SCALAR},   {"avx2", AB_ISA_AVX2}, {"avx512", AB_ISA_AVX512},
        {"avx512bf16", AB_ISA_AVX512_BF16}, {"neon", AB_ISA_NEON}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(name, names[i].name) == 0) return names[i].isa;
    return -1;
}

static void detect(void) {
    best_isa = detect_best();
    int chosen = best_isa;
    const char *wish = getenv("ABENCH_ISA");
    if (!wish || !*wish) {
        snprintf(reason, sizeof reason, "%s: the best instruction set this processor offers", ab_isa_name(chosen));
    } else {
        int wanted = isa_named(wish);
        if (wanted < 0)
            snprintf(reason, sizeof reason, "%s: the best instruction set here; ABENCH_ISA=%.40s names none of scalar, avx2, "
                     "avx512, avx512bf16, neon and was ignored", ab_isa_name(chosen), wish);
        else if (!is_available(wanted))
            snprintf(reason, sizeof reason, "%s: the best instruction set here; ABENCH_ISA=%.40s is not available on this "
                     "processor", ab_isa_name(chosen), wish);
        else {
            chosen = wanted;
            snprintf(reason, sizeof reason, "%s: asked for by ABENCH_ISA; the processor offers %s", ab_isa_name(chosen),
                     ab_isa_name(best_isa));
        }
    }
    atomic_store(&active_isa, chosen);
}

ab_isa ab_isa_active(void) {
    pthread_once(&detect_once, detect);
    return (ab_isa)atomic_load_explicit(&active_isa, memory_order_relaxed);
}

const char *ab_isa_reason(void) {
    pthread_once(&detect_once, detect);
    return reason;
}

bool ab_isa_force(ab_isa isa) {
    pthread_once(&detect_once, detect);
    if (!is_available((int)isa)) return false;
    atomic_store(&active_isa, (int)isa);
    return true;
}

const ab_kernels *ab_active_kernels(void) {
    switch (ab_isa_active()) {
#if defined(__x86_64__)
    case AB_ISA_AVX512_BF16: return &ab_kernels_avx512_bf16;
    case AB_ISA_AVX512: return &ab_kernels_avx512;
    case AB_ISA_AVX2: return &ab_kernels_avx2;
#endif
    default: return &ab_kernels_scalar;
    }
}
