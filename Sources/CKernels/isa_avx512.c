// AVX-512 without bf16 products: bf16 weights are widened to f32.
#if defined(__x86_64__)
#include <immintrin.h>

#define AB_NAME(x) x##_avx512
#define AB_TILE_ROWS 6
#define AB_TILE_PANELS 4
#define AB_HAS_BF16_DOT 0
#pragma clang diagnostic ignored "-Wpsabi"
#include <math.h>
#include <string.h>

#include "internal.h"
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi,bmi2"))), apply_to = function)
#include "kernels_body.h"
#pragma clang attribute pop
#endif
