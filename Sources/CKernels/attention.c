// Attention over segmented keys and values. One task is one (sequence, key-value head, block of queries); its rows are
// the queries of the block times the query heads that share the key-value head, so keys are loaded once per group.
//
// Scores: keys in blocks of 64 at absolute positions, transposed to panels of 16; each score is one chain of fused
// multiply-adds over head_dim. Softmax: lane = position mod 16, then a fixed tree. Output: one chain over the visible
// keys in rising order, then one division. None of these orders depends on segments, queries per call or threads.
#include <math.h>
#include <string.h>

#include "internal.h"

enum { KEY_BLOCK = 64, TARGET_ROWS = 48 };

typedef struct {
    const ab_attention_job *jobs;
    size_t count;
    const ab_attention_shape *shape;
    const ab_kernels *kernels;
    size_t group, queries_per_block;
} attention;

typedef struct {
    const attention *all;
    const ab_attention_job *job;
    size_t kv_head, first_query, queries, rows;
    size_t origin, limit, width;  // keys [origin, limit), origin a multiple of KEY_BLOCK; width of a row of scores
    float *scores, *out, *sums, *q, *block;
    ab_key_range *ranges;         // per row, absolute
} attention_task;

static size_t job_length(const ab_attention_job *job) {
    size_t length = 0;
    for (size_t i = 0; i < job->segment_count; i++) length += job->segments[i].length;
    return length;
}

static size_t element_bytes(ab_type type) { return type == AB_F32 ? 4 : 2; }

/// Addresses of this head's keys (or values) at positions [begin, end).
static void find_rows(const attention_task *task, size_t begin, size_t end, bool values, const void **rows) {
    const ab_attention_shape *shape = task->all->shape;
    const size_t bytes = element_bytes(shape->kv_type), offset = task->kv_head * shape->head_dim;
    size_t start = 0, position = begin;
    for (size_t i = 0; i < task->job->segment_count && position < end; i++) {
        const ab_kv_segment *segment = &task->job->segments[i];
        const char *base = values ? segment->values : segment->keys;
        for (; position < end && position < start + segment->length; position++)
            rows[position - begin] = base + ((position - start) * segment->stride + offset) * bytes;
        start += segment->length;
    }
}

static void compute_scores(attention_task *task) {
    const ab_kernels *kernels = task->all->kernels;
    const ab_attention_shape *shape = task->all->shape;
    const size_t dim = shape->head_dim, tile_rows = kernels->tile_rows;
    const void *rows[KEY_BLOCK];
    for (size_t begin = task->origin; begin < task->limit; begin += KEY_BLOCK) {
        const size_t end = ab_min(begin + KEY_BLOCK, task->limit), panels = (end - begin + AB_LANES - 1) / AB_LANES;
        find_rows(task, begin, end, false, rows);
        for (size_t p = 0; p < panels; p++)
            kernels->transpose_keys(rows + p * AB_LANES, ab_min(AB_LANES, end - begin - p * AB_LANES), dim,
                                    shape->kv_type, task->block + p * dim * AB_LANES);
        for (size_t row = 0; row < task->rows; row += tile_rows) {
            const size_t count = ab_min(tile_rows, task->rows - row);
            // Ranges rise with the row: the first row starts first, the last one ends last.
            if (task->ranges[row].begin >= end || task->ranges[row + count - 1].end <= begin) continue;
            for (size_t p = 0; p < panels; p += kernels->tile_panels) {
                const size_t width = ab_min(kernels->tile_panels, panels - p);
                ab_tile tile = {.x = task->q + row * dim, .w = task->block + p * dim * AB_LANES,
                                .panel_stride = dim * AB_LANES, .k_stride = AB_LANES, .depth = dim,
                                .y = task->scores + row * task->width + (begin - task->origin) + p * AB_LANES,
                                .y_stride = task->width, .columns = width * AB_LANES};
                kernels->tile(&tile, count, width);
            }
        }
    }
}

/// out[rows] += weights · values for the keys [begin, end) of the loaded block that starts at `block_begin`.
static void add_values(attention_task *task, size_t row, size_t count, size_t block_begin, size_t begin, size_t end,
                       size_t padded) {
    if (begin >= end) return;
    const ab_kernels *kernels = task->all->kernels;
    for (size_t p = 0; p < padded / AB_LANES; p += kernels->tile_panels) {
        const size_t width = ab_min(kernels->tile_panels, padded / AB_LANES - p);
        ab_tile tile = {.x = task->scores + row * task->width + (begin - task->origin), .x_stride = task->width,
                        .w = task->block + (begin - block_begin) * padded + p * AB_LANES, .panel_stride = AB_LANES,
                        .k_stride = padded, .depth = end - begin, .y = task->out + row * padded + p * AB_LANES,
                        .y_stride = padded, .columns = width * AB_LANES, .accumulate = true};
        kernels->tile_strided(&tile, count, width);
    }
}

static void weigh_values(attention_task *task, size_t padded) {
    const ab_kernels *kernels = task->all->kernels;
    const ab_attention_shape *shape = task->all->shape;
    const size_t tile_rows = kernels->tile_rows;
    const void *rows[KEY_BLOCK];
    memset(task->out, 0, task->rows * padded * sizeof(float));
    for (size_t begin = task->origin; begin < task->limit; begin += KEY_BLOCK) {
        const size_t end = ab_min(begin + KEY_BLOCK, task->limit);
        find_rows(task, begin, end, true, rows);
        kernels->load_values(rows, end - begin, shape->head_dim, shape->kv_type, task->block, padded);
        for (size_t row = 0; row < task->rows; row += tile_rows) {
            const size_t count = ab_min(tile_rows, task->rows - row);
            // Keys that all rows of the tile see go together; the ragged ends row by row, so that a key outside a row's
            // range never touches it (a zero weight times an infinity would).
            const ab_key_range *ranges = task->ranges + row;
            size_t common_begin = ab_max(ranges[count - 1].begin, begin), common_end = ab_min(ranges[0].end, end);
            if (common_begin >= common_end) common_begin = common_end = end;
            for (size_t r = 0; r < count; r++)
                add_values(task, row + r, 1, begin, ab_max(ranges[r].begin, begin),
                           ab_min(ranges[r].end, common_begin), padded);
            add_values(task, row, count, begin, common_begin, common_end, padded);
            for (size_t r = 0; r < count; r++)
                add_values(task, row + r, 1, begin, ab_max(ranges[r].begin, common_end), ab_min(ranges[r].end, end),
                           padded);
        }
    }
}

static void run_task(attention_task *task) {
    const attention *all = task->all;
    const ab_attention_shape *shape = all->shape;
    const ab_attention_job *job = task->job;
    const ab_kernels *kernels = all->kernels;
    const size_t dim = shape->head_dim, padded = ab_round_up(dim, AB_LANES), length = job_length(job);
    task->rows = task->queries * all->group;

    const size_t last = ab_min(job->first_position + task->first_query + task->queries, length);
    const size_t earliest = job->first_position + task->first_query + 1;
    task->origin = (shape->window && earliest > shape->window ? earliest - shape->window : 0) / KEY_BLOCK * KEY_BLOCK;
    task->limit = ab_max(last, task->origin);
    task->width = ab_round_up(task->limit - task->origin, KEY_BLOCK);

    const size_t rows = task->rows;
    float *memory = ab_scratch(AB_SCRATCH_SCORES, rows * ((task->width + padded + 1) * sizeof(float) + sizeof(ab_key_range)));
    task->q = ab_scratch(AB_SCRATCH_X, 2 * rows * dim * sizeof(float));
    task->block = ab_scratch(AB_SCRATCH_KEYS, KEY_BLOCK * padded * sizeof(float));
    const size_t head = task->kv_head * all->group;
    if (!memory || !task->q || !task->block) {
        for (size_t i = 0; i < task->queries; i++)
            for (size_t d = 0; d < all->group * dim; d++)
                job->out[(task->first_query + i) * job->out_stride + head * dim + d] = NAN;
        return;
    }
    task->ranges = (ab_key_range *)memory;
    task->scores = (float *)(task->ranges + rows);
    task->out = task->scores + rows * task->width;
    task->sums = task->out + rows * padded;

    float *gathered = task->q + rows * dim;
    for (size_t row = 0; row < rows; row++) {
        const size_t query = task->first_query + row / all->group, position = job->first_position + query + 1;
        task->ranges[row].begin = shape->window && position > shape->window ? position - shape->window : 0;
        task->ranges[row].end = ab_min(position, length);
        memcpy(gathered + row * dim, job->q + query * job->q_stride + (head + row % all->group) * dim,
               dim * sizeof(float));
    }
    for (size_t row = 0; row < rows; row += kernels->tile_rows)
        kernels->pack_x(gathered + row * dim, ab_min(kernels->tile_rows, rows - row), dim, dim, task->q + row * dim);

    compute_scores(task);
    for (size_t row = 0; row < rows; row++) {
        const ab_key_range range = {task->ranges[row].begin - task->origin, task->ranges[row].end - task->origin};
        const float *sink = shape->sinks ? shape->sinks + head + row % all->group : NULL;
        task->sums[row] = kernels->softmax_row(task->scores + row * task->width, range, shape->scale, shape->softcap, sink);
    }
    weigh_values(task, padded);
    for (size_t row = 0; row < rows; row++)
        kernels->divide(task->out + row * padded, task->sums[row], dim,
                        job->out + (task->first_query + row / all->group) * job->out_stride +
                            (head + row % all->group) * dim);
}

static size_t query_blocks(const attention *all, const ab_attention_job *job) {
    return (job->queries + all->queries_per_block - 1) / all->queries_per_block;
}

static void attention_range(void *context, size_t begin, size_t end) {
    const attention *all = context;
    const size_t kv_heads = all->shape->kv_heads;
    size_t start = 0;  // number of the job's first task
    for (size_t j = 0; j < all->count && start < end; j++) {
        const ab_attention_job *job = &all->jobs[j];
        const size_t tasks = query_blocks(all, job) * kv_heads;
        for (size_t t = ab_max(begin, start); t < ab_min(end, start + tasks); t++) {
            const size_t block = (t - start) / kv_heads;
            attention_task task = {.all = all, .job = job, .kv_head = (t - start) % kv_heads,
                                   .first_query = block * all->queries_per_block};
            task.queries = ab_min(all->queries_per_block, job->queries - task.first_query);
            run_task(&task);
        }
        start += tasks;
    }
}

void ab_attention(const ab_attention_job *jobs, size_t count, const ab_attention_shape *shape) {
    if (shape->kv_heads == 0 || shape->head_dim == 0) return;
    attention all = {.jobs = jobs, .count = count, .shape = shape, .kernels = ab_active_kernels(),
                     .group = shape->heads / shape->kv_heads};
    all.queries_per_block = ab_max(1, TARGET_ROWS / ab_max(all.group, 1));
    size_t tasks = 0;
    double operations = 0;
    for (size_t j = 0; j < count; j++) {
        tasks += query_blocks(&all, &jobs[j]) * shape->kv_heads;
        operations += 4.0 * (double)jobs[j].queries * (double)job_length(&jobs[j]) * (double)(shape->heads * shape->head_dim);
    }
    if (tasks == 0) return;
    const double per_task = operations / (double)tasks;
    ab_parallel_for(tasks, per_task >= 200000 ? 1 : (size_t)(200000 / (per_task + 1)) + 1, attention_range, &all);
}

typedef struct {
    ab_type type;
    const float *x;
    size_t stride, width, destination_stride;
    char *destination;
    const ab_kernels *kernels;
} store_job;

static void store_range(void *context, size_t begin, size_t end) {
    const store_job *job = context;
    for (size_t i = begin; i < end; i++)
        job->kernels->store_row(job->type, job->x + i * job->stride, job->width,
                                job->destination + i * job->destination_stride * element_bytes(job->type));
}

void ab_store_kv(ab_type kv_type, const float *x, size_t stride, size_t m, size_t width, void *destination,
                 size_t destination_stride) {
    store_job job = {kv_type, x, stride, width, destination_stride, destination, ab_active_kernels()};
    ab_parallel_for(m, 65536 / (width + 1) + 1, store_range, &job);
}
