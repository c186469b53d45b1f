// One instance of every inner kernel, for the instruction set whose isa_*.c includes this after setting
//   AB_NAME(x)         x with the instance's suffix
//   AB_TILE_ROWS, AB_TILE_PANELS, AB_HAS_BF16_DOT
#include "elementwise_body.h"
#include "attention_body.h"
#include "linear_body.h"
#include "softmax_body.h"

const ab_kernels AB_NAME(ab_kernels) = {
    .tile_rows = AB_TILE_ROWS,
    .tile_panels = AB_TILE_PANELS,
    .tile = AB_NAME(tile),
    .tile_strided = AB_NAME(tile_strided),
    .tile_bf16 = AB_NAME(tile_bf16),
    .bf16_x_bytes = AB_HAS_BF16_DOT ? 2 : 4,
    .pack_x = AB_NAME(pack_x),
    .pack_x_bf16 = AB_NAME(pack_x_bf16),
    .pack_pairs = AB_NAME(pack_pairs),
    .transpose_keys = AB_NAME(transpose_keys),
    .load_values = AB_NAME(load_values),
    .softmax_row = AB_NAME(softmax_row),
    .store_row = AB_NAME(store_row),
    .rmsnorm = AB_NAME(rmsnorm),
    .layernorm = AB_NAME(layernorm),
    .add = AB_NAME(add),
    .gated = AB_NAME(gated),
    .activate = AB_NAME(activate),
    .rope = AB_NAME(rope),
    .softcap = AB_NAME(softcap),
    .divide = AB_NAME(divide),
    .dot = AB_NAME(dot),
    .multiply = AB_NAME(multiply),
    .accumulate_f64 = AB_NAME(accumulate_f64),
    .f32_to_bf16 = AB_NAME(f32_to_bf16),
    .bf16_to_f32 = AB_NAME(bf16_to_f32),
    .first_nonfinite = AB_NAME(first_nonfinite),
    .log_softmax = AB_NAME(log_softmax),
    .argmax = AB_NAME(argmax),
    .compare = AB_NAME(compare),
};
