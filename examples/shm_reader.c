/* Reads the frames of `hsi-run -o shm://NAME` in another program, in order, without a lock:
 *
 *     cc -O2 -o shm_reader shm_reader.c && ./shm_reader NAME
 *
 * One line a frame: sequence, number at the source, milliseconds since it came, stylised or not,
 * width, height, frames missed before it, and its darkest and brightest value. It waits for the
 * writer, and ends with it. The layout is told in docs/observing.md. */

#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ENDED = 1, MOVED = 2, STYLISED = 1 }; /* of the state; of the flags */

struct header {
    char magic[8];
    uint32_t first, slots;
    uint64_t distance, process;
    _Atomic uint64_t newest, state;
};

struct slot {
    _Atomic uint64_t begun, done;
    uint64_t number;
    double time_s, came_s;
    uint32_t width, height, flags, unused[3];
    uint8_t pixels[]; /* (height, width, 3), BGR */
};

static void rest(long microseconds) {
    struct timespec time = {0, microseconds * 1000};
    nanosleep(&time, NULL);
}

static double now_s(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

static struct header *attach(const char *name) {
    struct stat found;
    int file;
    struct header *header;
    while ((file = shm_open(name, O_RDONLY, 0)) < 0) rest(10000);
    fstat(file, &found);
    header = mmap(NULL, found.st_size, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (header == MAP_FAILED || memcmp(header->magic, "HSISHM1", 8)) {
        fprintf(stderr, "shm_reader: %s: not written by hsi-run\n", name);
        exit(1);
    }
    return header;
}

/* Copies frame `sequence`. Returns 0 where it was overwritten before or meanwhile. */
static int copy(const struct header *header, uint64_t sequence, struct slot *into) {
    uint64_t place = (sequence - 1) % header->slots;
    const char *first = (const char *)header + header->first;
    const struct slot *slot = (const void *)(first + place * header->distance);
    if (atomic_load_explicit(&slot->done, memory_order_acquire) != sequence) return 0;
    memcpy(into, slot, header->distance);
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&slot->begun, memory_order_relaxed) == sequence;
}

static void show(const struct slot *frame, uint64_t sequence, uint64_t missed) {
    uint8_t darkest = 255, brightest = 0;
    for (size_t at = 0; at < (size_t)frame->width * frame->height * 3; at++) {
        if (frame->pixels[at] < darkest) darkest = frame->pixels[at];
        if (frame->pixels[at] > brightest) brightest = frame->pixels[at];
    }
    printf("%llu %llu %.1f %s %u %u %llu %u %u\n", (unsigned long long)sequence,
           (unsigned long long)frame->number, (now_s() - frame->came_s) * 1000,
           frame->flags & STYLISED ? "stylised" : "plain", frame->width, frame->height,
           (unsigned long long)missed, darkest, brightest);
    fflush(stdout);
}

int main(int count, char **words) {
    if (count != 2) return fprintf(stderr, "usage: shm_reader NAME\n"), 2;
    char name[80];
    snprintf(name, sizeof name, "/%s", words[1]);
    uint64_t last = 0; /* frame that was read */
    for (struct header *header = attach(name);;) {
        uint64_t state = atomic_load_explicit(&header->state, memory_order_acquire);
        uint64_t newest = atomic_load_explicit(&header->newest, memory_order_acquire);
        struct slot *frame = malloc(header->distance);
        for (uint64_t next = last; next < newest;) {
            /* Who is too late goes on with the newest. */
            next = newest - next <= header->slots ? next + 1 : newest;
            if (!copy(header, next, frame)) continue;
            show(frame, next, last ? next - last - 1 : 0);
            last = next;
        }
        free(frame);
        if (state == ENDED) return 0;
        if (state == MOVED) header = attach(name); /* larger frames */
        rest(500);
    }
}
