// The whole C interface of the inference kernels. Shapes are in the comments; row-major unless said otherwise.
//
// Determinism contract. Every output element is a sum over K in one fixed order that depends on the instruction set
// alone: never on the number of rows in the call, on which rows they are, on the thread count or on the tile an element
// falls in. So one row computed alone has the same bits as the same row inside a batch of 64.
//
// Nothing here allocates per element, aborts or prints; sizes are trusted (callers validate files).
#ifndef ABENCH_KERNELS_H
#define ABENCH_KERNELS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// ---------------------------------------------------------------- instruction set (dispatch.c)
typedef enum { AB_ISA_SCALAR = 0, AB_ISA_AVX2, AB_ISA_AVX512, AB_ISA_AVX512_BF16, AB_ISA_NEON } ab_isa;
ab_isa ab_isa_active(void);           // detected once; ABENCH_ISA=scalar|avx2|avx512|avx512bf16 forces a lower one
const char *ab_isa_name(ab_isa isa);  // "avx512-bf16" …
const char *ab_isa_reason(void);      // one sentence: what was found and why this was chosen; for provenance
bool ab_isa_force(ab_isa isa);        // tests and benchmarks; false when the machine lacks it

// ---------------------------------------------------------------- threads (threads.c)
void ab_set_threads(int n);  // 0 = number of cores this process may use; persistent workers
int ab_threads(void);
// body(context, begin, end) over disjoint sub-ranges of [0, count), each at least `grain` long; returns when all ran.
void ab_parallel_for(size_t count, size_t grain, void (*body)(void *context, size_t begin, size_t end), void *context);

// ---------------------------------------------------------------- element types and dequantisation (dequantize.c)
// Numbers are GGUF's ggml_type ids.
typedef enum {
    AB_F32 = 0, AB_F16 = 1, AB_Q4_0 = 2, AB_Q4_1 = 3, AB_Q5_0 = 6, AB_Q5_1 = 7, AB_Q8_0 = 8,
    AB_Q4_K = 12, AB_Q5_K = 13, AB_Q6_K = 14, AB_BF16 = 30
} ab_type;
size_t ab_block_length(ab_type type);  // elements per block: 1, 32 or 256; 0 for an unknown type
size_t ab_block_bytes(ab_type type);   // bytes per block; 0 for an unknown type
bool ab_dequantize(ab_type type, const void *source, float *destination, size_t count);  // count % block length == 0
void ab_f32_to_bf16(const float *source, uint16_t *destination, size_t count);  // round to nearest even, NaN kept
void ab_bf16_to_f32(const uint16_t *source, float *destination, size_t count);
size_t ab_first_nonfinite(const float *values, size_t count);  // index of the first NaN or infinity, or count

// ---------------------------------------------------------------- linear (linear.c)
// y(m, n) = x(m, k) · Wᵀ, W(n, k), optional bias(n). W is packed once at load. The packed layout is private to the
// library and depends on the precision and on the active instruction set.
//   AB_PRECISION_F32   activations and weights f32, f32 accumulation
//   AB_PRECISION_BF16  activations rounded to bf16 on the way in, weights bf16, f32 accumulation
typedef enum { AB_PRECISION_F32 = 0, AB_PRECISION_BF16 = 1 } ab_precision;
size_t ab_packed_bytes(ab_precision precision, size_t n, size_t k);  // allocate 64-byte aligned
// Packs rows [row, row + rows) of W, given as f32 rows(rows, k); any split of the rows gives the same bytes. Padding
// rows and columns must have been zeroed by the caller beforehand (calloc).
void ab_pack_rows(ab_precision precision, size_t n, size_t k, void *packed, const float *rows, size_t row, size_t count);
void ab_unpack_row(ab_precision precision, size_t n, size_t k, const void *packed, size_t row, float *out);  // (k)
void ab_linear(ab_precision precision, const float *x, size_t m, const void *packed, size_t n, size_t k,
               const float *bias, float *y);
// Row m of logits(n) reduced without writing it: index of the largest (lowest index on ties) and its value.
void ab_linear_argmax(ab_precision precision, const float *x, size_t m, const void *packed, size_t n, size_t k,
                      const float *bias, float softcap, int32_t *index, float *value);

// ---------------------------------------------------------------- edits (edits.c): see LinearEdit in Inference/Edits
void ab_dot_rows(const float *x, size_t m, size_t k, const float *a, float *out);          // out(m) = x(m,k) · a(k)
void ab_axpy_rows(float *y, size_t m, size_t n, const float *coefficient, const float *b); // y(m,n) += c(m) bᵀ(n)
void ab_scale_columns(const float *x, size_t m, size_t k, const float *scale, float *out); // out = x · diag(scale)
void ab_matvec_t(const float *w, size_t n, size_t k, const float *r, double *out);          // out(k) += rᵀ W, f64

// ---------------------------------------------------------------- elementwise and norms (elementwise.c)
void ab_rmsnorm(const float *x, size_t m, size_t d, const float *weight, float epsilon, float weight_offset,
                float *out);  // x / rms(x) · (weight + offset); sum of squares in f64; weight may be NULL
void ab_layernorm(const float *x, size_t m, size_t d, const float *weight, const float *bias, float epsilon, float *out);
void ab_add(float *x, const float *y, float scale, size_t count);  // x += scale · y
typedef enum { AB_SILU = 0, AB_GELU_TANH = 1, AB_GELU_ERF = 2, AB_RELU = 3 } ab_activation;
void ab_gated(ab_activation kind, const float *gate, size_t gate_stride, const float *up, size_t up_stride, size_t m,
              size_t n, float *out);  // out(m,n) = act(gate) · up
void ab_activate(ab_activation kind, float *x, size_t count);
// Rotary embedding in place on x(m, heads, head_dim) with row stride `stride`; cos/sin tables (positions, rotary/2).
//   interleaved false: pairs (i, i + rotary/2), Hugging Face's layout; true: pairs (2i, 2i + 1)
void ab_rope(float *x, size_t m, size_t stride, size_t heads, size_t head_dim, size_t rotary, const int32_t *positions,
             const float *cos_table, const float *sin_table, bool interleaved);
void ab_softcap(float *x, size_t count, float cap);  // cap · tanh(x / cap)

// ---------------------------------------------------------------- attention (attention.c)
// Keys and values of one sequence lie in segments (a shared prefix, then its own), each (length, kv_heads, head_dim)
// with `stride` elements between positions. Scores of one (query, head) are summed in key order, whatever the
// segmentation, the number of queries in the call, or the threads.
typedef struct {
    const void *keys, *values;  // kv_type elements
    size_t length, stride;
} ab_kv_segment;
typedef struct {
    const float *q;         // (queries, heads, head_dim), row stride q_stride
    size_t q_stride, queries;
    size_t first_position;  // absolute position of query 0; query i sees keys at positions <= first_position + i
    const ab_kv_segment *segments;
    size_t segment_count;
    float *out;             // (queries, heads, head_dim), row stride out_stride
    size_t out_stride;
} ab_attention_job;
typedef struct {
    size_t heads, kv_heads, head_dim;
    float scale;
    float softcap;          // 0 = none
    size_t window;          // 0 = full; else a query sees the last `window` positions, itself included
    const float *sinks;     // (heads) extra logits that take part in the softmax with no value; NULL = none
    ab_type kv_type;        // AB_F32 or AB_BF16
} ab_attention_shape;
void ab_attention(const ab_attention_job *jobs, size_t count, const ab_attention_shape *shape);
// Writes keys or values of `m` positions, x(m, width) with row stride `stride`, as kv_type.
void ab_store_kv(ab_type kv_type, const float *x, size_t stride, size_t m, size_t width, void *destination,
                 size_t destination_stride);

// ---------------------------------------------------------------- reductions over the vocabulary (softmax.c)
void ab_log_softmax(const float *logits, size_t n, float *out);  // max-shifted, sum in f64; out may alias logits
size_t ab_argmax(const float *x, size_t n);                      // lowest index on ties; NaN never wins
// Divergences of two logit rows, f64: see PositionComparison in Inference/Engine.
typedef struct {
    double kl, reverse_kl, js;
    uint32_t base_top, edited_top;
    double base_top_logprob;        // log p_base(base_top)
    double edited_logprob_of_base_top;
    double base_token_logprob, edited_token_logprob;  // of `token`, when token >= 0
} ab_divergence;
void ab_compare_logits(const float *base, const float *edited, size_t n, int32_t token, ab_divergence *out);
#endif
