// AVX-512 with VDPBF16PS.
#if defined(__x86_64__)
#include <immintrin.h>

#define AB_NAME(x) x##_avx512_bf16
#define AB_TILE_ROWS 6
#define AB_TILE_PANELS 4
#define AB_HAS_BF16_DOT 1
#pragma clang diagnostic ignored "-Wpsabi"
#include <math.h>
#include <string.h>

#include "internal.h"
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,f16c,bmi,bmi2"))), apply_to = function)
#include "kernels_body.h"
#pragma clang attribute pop
#endif
