// The portable instance: no instruction set beyond the compiler's baseline for the processor (SSE2, or NEON on arm64,
// where it is the fast one). Every other instance is compared with this one.
#define AB_NAME(x) x##_scalar
#define AB_TILE_ROWS 2
#define AB_TILE_PANELS 1
#define AB_HAS_BF16_DOT 0
#pragma clang diagnostic ignored "-Wpsabi"
#include "kernels_body.h"
