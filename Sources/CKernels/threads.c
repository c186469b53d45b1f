// A pool of persistent workers. One parallel region runs at a time; a second one, from another thread or from inside a
// region, runs on its own thread alone. Workers spin for some tens of microseconds after a region (a forward pass is a
// chain of short regions), then sleep.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "internal.h"

enum { MAX_THREADS = 256, SPINS = 4000 };

typedef void (*body_function)(void *context, size_t begin, size_t end);

static struct {
    pthread_mutex_t region;  // held by the thread whose region runs
    pthread_mutex_t mutex;   // guards sleeping and waking
    pthread_cond_t wake, done;
    // generation << 16 | open << 15 | workers inside. A worker enters by raising the count while the region is open, so
    // the owner never waits for a worker that did not start.
    _Atomic uint64_t state;
    _Atomic int sleepers, owner_waits, limit;  // limit: threads that may take part, 0 = not yet set
    int workers;                               // started so far; only changed by the owner of `region`
    body_function body;
    void *context;
    size_t count, pieces;
    _Atomic size_t next;
} pool = {.region = PTHREAD_MUTEX_INITIALIZER,
          .mutex = PTHREAD_MUTEX_INITIALIZER,
          .wake = PTHREAD_COND_INITIALIZER,
          .done = PTHREAD_COND_INITIALIZER};

#define OPEN ((uint64_t)1 << 15)
#define INSIDE(state) ((state) & (OPEN - 1))
#define GENERATION(state) ((state) >> 16)

static _Thread_local bool inside_region;

static inline void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

/// Cores in the affinity mask, lowered to the control group's CPU quota (rounded up).
static int cores_available(void) {
    int cores = 1;
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) cores = CPU_COUNT(&set);
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "r");
    if (file) {
        long quota, period;
        if (fscanf(file, "%ld %ld", &quota, &period) == 2 && quota > 0 && period > 0) {
            long whole = (quota + period - 1) / period;
            if (whole < cores) cores = (int)whole;
        }
        fclose(file);
    }
#else
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    if (online > 0) cores = (int)online;
#endif
    return cores < 1 ? 1 : cores > MAX_THREADS ? MAX_THREADS : cores;
}

void ab_set_threads(int n) {
    if (n <= 0) n = cores_available();
    atomic_store(&pool.limit, n > MAX_THREADS ? MAX_THREADS : n);
}

int ab_threads(void) {
    int limit = atomic_load_explicit(&pool.limit, memory_order_relaxed);
    if (limit == 0) {
        int none = 0;
        atomic_compare_exchange_strong(&pool.limit, &none, cores_available());
        limit = atomic_load(&pool.limit);
    }
    return limit;
}

static void run_pieces(void) {
    const size_t count = pool.count, pieces = pool.pieces;
    for (;;) {
        size_t piece = atomic_fetch_add_explicit(&pool.next, 1, memory_order_relaxed);
        if (piece >= pieces) return;
        // pieces <= count, so this does not overflow for any count below 2^48
        size_t begin = (size_t)((unsigned __int128)count * piece / pieces);
        size_t end = (size_t)((unsigned __int128)count * (piece + 1) / pieces);
        pool.body(pool.context, begin, end);
    }
}

static void *worker(void *argument) {
    const int index = (int)(intptr_t)argument;  // 1 is the first worker; the owner counts as 0
    uint64_t seen = 0;
    inside_region = true;
    for (int spins = 0;;) {
        uint64_t state = atomic_load(&pool.state);
        if ((state & OPEN) && GENERATION(state) != seen && index < atomic_load(&pool.limit)) {
            if (!atomic_compare_exchange_weak(&pool.state, &state, state + 1)) continue;
            seen = GENERATION(state);
            run_pieces();
            state = atomic_fetch_sub(&pool.state, 1) - 1;
            if (INSIDE(state) == 0 && atomic_load(&pool.owner_waits)) {
                pthread_mutex_lock(&pool.mutex);
                pthread_cond_signal(&pool.done);
                pthread_mutex_unlock(&pool.mutex);
            }
            spins = 0;
        } else if (++spins < SPINS) {
            relax();
        } else {
            pthread_mutex_lock(&pool.mutex);
            atomic_fetch_add(&pool.sleepers, 1);
            state = atomic_load(&pool.state);
            if (!((state & OPEN) && GENERATION(state) != seen && index < atomic_load(&pool.limit)))
                pthread_cond_wait(&pool.wake, &pool.mutex);
            atomic_fetch_sub(&pool.sleepers, 1);
            pthread_mutex_unlock(&pool.mutex);
            spins = 0;
        }
    }
    return NULL;
}

static void start_workers(int wanted) {
    for (; pool.workers < wanted; pool.workers++) {
        pthread_t thread;
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        int failed = pthread_create(&thread, &attributes, worker, (void *)(intptr_t)(pool.workers + 1));
        pthread_attr_destroy(&attributes);
        if (failed) return;  // fewer workers; the owner does the rest
    }
}

void ab_parallel_for(size_t count, size_t grain, body_function body, void *context) {
    if (count == 0) return;
    const size_t threads = (size_t)ab_threads();
    const size_t pieces = ab_min(count / ab_max(grain, 1), threads * 4);
    if (pieces <= 1 || threads <= 1 || inside_region || pthread_mutex_trylock(&pool.region) != 0) {
        body(context, 0, count);
        return;
    }
    inside_region = true;
    start_workers((int)threads - 1);
    pool.body = body;
    pool.context = context;
    pool.count = count;
    pool.pieces = pieces;
    atomic_store(&pool.next, 0);
    atomic_store(&pool.state, (GENERATION(atomic_load(&pool.state)) + 1) << 16 | OPEN);
    if (atomic_load(&pool.sleepers) > 0) {
        pthread_mutex_lock(&pool.mutex);
        pthread_cond_broadcast(&pool.wake);
        pthread_mutex_unlock(&pool.mutex);
    }
    run_pieces();
    uint64_t state = atomic_fetch_and(&pool.state, ~OPEN) & ~OPEN;
    for (int spins = 0; INSIDE(state) != 0 && spins < SPINS; spins++) {
        relax();
        state = atomic_load(&pool.state);
    }
    if (INSIDE(state) != 0) {
        pthread_mutex_lock(&pool.mutex);
        atomic_store(&pool.owner_waits, 1);
        while (INSIDE(atomic_load(&pool.state)) != 0) pthread_cond_wait(&pool.done, &pool.mutex);
        atomic_store(&pool.owner_waits, 0);
        pthread_mutex_unlock(&pool.mutex);
    }
    inside_region = false;
    pthread_mutex_unlock(&pool.region);
}

// ---------------------------------------------------------------- scratch memory
typedef struct {
    void *memory[AB_SCRATCH_COUNT];
    size_t bytes[AB_SCRATCH_COUNT];
} scratch_slots;

static pthread_key_t scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;
static bool scratch_key_made;

static void free_scratch(void *pointer) {
    scratch_slots *slots = pointer;
    for (int i = 0; i < AB_SCRATCH_COUNT; i++) free(slots->memory[i]);
    free(slots);
}
static void make_scratch_key(void) { scratch_key_made = pthread_key_create(&scratch_key, free_scratch) == 0; }

void *ab_scratch(int slot, size_t bytes) {
    static _Thread_local scratch_slots *slots;
    if (!slots) {
        pthread_once(&scratch_once, make_scratch_key);
        slots = calloc(1, sizeof *slots);
        if (!slots) return NULL;
        if (scratch_key_made) pthread_setspecific(scratch_key, slots);
    }
    if (slots->bytes[slot] < bytes || !slots->memory[slot]) {
        free(slots->memory[slot]);
        size_t size = ab_round_up(ab_max(bytes + bytes / 4, 4096), 64);
        slots->memory[slot] = aligned_alloc(64, size);
        slots->bytes[slot] = slots->memory[slot] ? size : 0;
    }
    return slots->memory[slot];
}
