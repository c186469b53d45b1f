// AVX2 with FMA: 6 rows x 16 columns are 12 of the 16 registers.
#if defined(__x86_64__)
#include <immintrin.h>

#define AB_NAME(x) x##_avx2
#define AB_TILE_ROWS 6
#define AB_TILE_PANELS 1
#define AB_HAS_BF16_DOT 0
#pragma clang diagnostic ignored "-Wpsabi"
#include <math.h>
#include <string.h>

#include "internal.h"
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,bmi,bmi2"))), apply_to = function)
#include "kernels_body.h"
#pragma clang attribute pop
#endif
