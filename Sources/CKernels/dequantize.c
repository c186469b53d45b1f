// Dequantisation of GGUF's block formats, written from the format: every block starts with (or, for Q6_K, ends with) its
// f16 scales. Each value takes the same single-precision roundings as the gguf Python package's reference.
#include <string.h>

#include "internal.h"

size_t ab_block_length(ab_type type) {
    switch (type) {
    case AB_F32: case AB_F16: case AB_BF16: return 1;
    case AB_Q4_0: case AB_Q4_1: case AB_Q5_0: case AB_Q5_1: case AB_Q8_0: return 32;
    case AB_Q4_K: case AB_Q5_K: case AB_Q6_K: return 256;
    }
    return 0;
}

size_t ab_block_bytes(ab_type type) {
    switch (type) {
    case AB_F32: return 4;
    case AB_F16: case AB_BF16: return 2;
    case AB_Q4_0: return 2 + 16;                  // d, 4-bit values
    case AB_Q4_1: return 2 + 2 + 16;              // d, m
    case AB_Q5_0: return 2 + 4 + 16;              // d, fifth bits
    case AB_Q5_1: return 2 + 2 + 4 + 16;          // d, m, fifth bits
    case AB_Q8_0: return 2 + 32;                  // d, signed bytes
    case AB_Q4_K: return 2 + 2 + 12 + 128;        // d, dmin, 6-bit scales and minima, values
    case AB_Q5_K: return 2 + 2 + 12 + 32 + 128;   // d, dmin, scales, fifth bits, values
    case AB_Q6_K: return 128 + 64 + 16 + 2;       // low 4 bits, high 2 bits, signed scales, d
    }
    return 0;
}

/// f16 bits to f32, exact; subnormals, infinities and NaN included. The exponent and fraction moved into place make a
/// number 2^112 too small, and the product with 2^112 is exact for normal and subnormal f16 alike.
static inline float f16(const uint8_t *p) {
    const uint32_t bits = (uint32_t)p[0] | (uint32_t)p[1] << 8, magnitude = (bits & 0x7fff) << 13;
    float value;
    uint32_t out;
    memcpy(&value, &magnitude, sizeof value);
    value *= 0x1p112f;
    memcpy(&out, &value, sizeof out);
    out |= (bits & 0x8000) << 16 | (magnitude >= 0x0f800000 ? 0x7f800000 : 0);
    memcpy(&value, &out, sizeof value);
    return value;
}

static inline uint32_t u32(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void q4_0(const uint8_t *b, float *y) {
    const float d = f16(b);
    for (int i = 0; i < 16; i++) {
        y[i] = d * (float)((b[2 + i] & 15) - 8);
        y[i + 16] = d * (float)((b[2 + i] >> 4) - 8);
    }
}

static void q4_1(const uint8_t *b, float *y) {
    const float d = f16(b), m = f16(b + 2);
    for (int i = 0; i < 16; i++) {
        y[i] = d * (float)(b[4 + i] & 15) + m;
        y[i + 16] = d * (float)(b[4 + i] >> 4) + m;
    }
}

static void q5_0(const uint8_t *b, float *y) {
    const float d = f16(b);
    const uint32_t high = u32(b + 2);
    for (int i = 0; i < 16; i++) {
        y[i] = d * (float)((int)((b[6 + i] & 15) | (high >> i & 1) << 4) - 16);
        y[i + 16] = d * (float)((int)((b[6 + i] >> 4) | (high >> (i + 16) & 1) << 4) - 16);
    }
}

static void q5_1(const uint8_t *b, float *y) {
    const float d = f16(b), m = f16(b + 2);
    const uint32_t high = u32(b + 4);
    for (int i = 0; i < 16; i++) {
        y[i] = d * (float)((b[8 + i] & 15) | (high >> i & 1) << 4) + m;
        y[i + 16] = d * (float)((b[8 + i] >> 4) | (high >> (i + 16) & 1) << 4) + m;
    }
}

static void q8_0(const uint8_t *b, float *y) {
    const float d = f16(b);
    for (int i = 0; i < 32; i++) y[i] = (float)(int8_t)b[2 + i] * d;
}

/// Scale and minimum of sub-block j (of 8): 6 bits each. Bytes 0…3 and 4…7 hold those of sub-blocks 0…3 in their low six
/// bits; bytes 8…11 hold the low four bits of sub-blocks 4…7, whose top two bits sit on top of bytes 0…3 and 4…7.
static inline void k_scale(const uint8_t *s, int j, uint8_t *scale, uint8_t *minimum) {
    if (j < 4) {
        *scale = s[j] & 63;
        *minimum = s[j + 4] & 63;
    } else {
        *scale = (uint8_t)((s[j + 4] & 15) | (s[j - 4] >> 6) << 4);
        *minimum = (uint8_t)((s[j + 4] >> 4) | (s[j] >> 6) << 4);
    }
}

/// Q4_K and Q5_K: 8 sub-blocks of 32; a run of 32 bytes holds sub-blocks 2c (low nibbles) and 2c + 1 (high nibbles).
static void q45_k(const uint8_t *b, float *y, bool fifth_bit) {
    const float d = f16(b), dmin = f16(b + 2);
    const uint8_t *high = b + 16, *values = fifth_bit ? b + 48 : b + 16;
    for (int j = 0; j < 8; j++) {
        uint8_t scale, minimum;
        k_scale(b + 4, j, &scale, &minimum);
        const float ds = d * (float)scale, dm = dmin * (float)minimum;
        for (int i = 0; i < 32; i++) {
            int q = values[j / 2 * 32 + i] >> (j % 2 * 4) & 15;
            if (fifth_bit) q |= (high[i] >> j & 1) << 4;
            y[j * 32 + i] = ds * (float)q - dm;
        }
    }
}

/// Q6_K: two halves of 128; in each, 64 bytes of low nibbles and 32 bytes of high pairs make four runs of 32 values.
static void q6_k(const uint8_t *b, float *y) {
    const float d = f16(b + 208);
    const int8_t *scales = (const int8_t *)(b + 192);
    for (int run = 0; run < 8; run++) {
        const int half = run / 4, part = run % 4;
        const uint8_t *low = b + half * 64 + part % 2 * 32, *high = b + 128 + half * 32;
        for (int i = 0; i < 32; i++) {
            const int q = ((low[i] >> part / 2 * 4 & 15) | (high[i] >> part * 2 & 3) << 4) - 32;
            y[run * 32 + i] = d * (float)scales[run * 2 + i / 16] * (float)q;
        }
    }
}

typedef struct {
    ab_type type;
    const uint8_t *source;
    float *destination;
} dequantize_job;

static void dequantize_range(void *context, size_t begin, size_t end) {
    const dequantize_job *job = context;
    const size_t bytes = ab_block_bytes(job->type), length = ab_block_length(job->type);
    const uint8_t *b = job->source + begin * bytes;
    float *y = job->destination + begin * length;
    switch (job->type) {
    case AB_F32: memcpy(y, b, (end - begin) * sizeof(float)); return;
    case AB_F16: for (size_t i = begin; i < end; i++, b += 2) *y++ = f16(b); return;
    case AB_BF16:
        for (size_t i = begin; i < end; i++, b += 2, y++) {
            const uint32_t bits = (uint32_t)b[0] << 16 | (uint32_t)b[1] << 24;
            memcpy(y, &bits, sizeof bits);
        }
        return;
    default: break;
    }
    for (size_t i = begin; i < end; i++, b += bytes, y += length)
        switch (job->type) {
        case AB_Q4_0: q4_0(b, y); break;
        case AB_Q4_1: q4_1(b, y); break;
        case AB_Q5_0: q5_0(b, y); break;
        case AB_Q5_1: q5_1(b, y); break;
        case AB_Q8_0: q8_0(b, y); break;
        case AB_Q4_K: q45_k(b, y, false); break;
        case AB_Q5_K: q45_k(b, y, true); break;
        case AB_Q6_K: q6_k(b, y); break;
        default: break;
        }
}

bool ab_dequantize(ab_type type, const void *source, float *destination, size_t count) {
    const size_t length = ab_block_length(type);
    if (length == 0 || count % length != 0) return false;
    dequantize_job job = {type, source, destination};
    ab_parallel_for(count / length, 65536 / length, dequantize_range, &job);
    return true;
}
