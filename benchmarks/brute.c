// Every pair of a query and a code within a radius, by comparing all with all: the index's oracle, which shares nothing
// with it. Words of a code lie in planes, one for each place, so that a compiler makes vectors of the loops by itself.

#include <stddef.h>
#include <stdint.h>

enum { WORDS = 4, SOME = 256, BLOCK = 16 * SOME };

static int compare(const uint64_t *planes, size_t count, size_t first, size_t some, const uint64_t *query,
                   uint64_t *distances) {
    uint64_t least = UINT64_MAX;
    const uint64_t *a = planes + first, *b = a + count, *c = b + count, *d = c + count;
    for (size_t k = 0; k < some; k++) {
        const uint64_t bits = (uint64_t)__builtin_popcountll(a[k] ^ query[0]) + __builtin_popcountll(b[k] ^ query[1]) +
                              __builtin_popcountll(c[k] ^ query[2]) + __builtin_popcountll(d[k] ^ query[3]);
        distances[k] = bits;
        least = bits < least ? bits : least;
    }
    return (int)least;
}

// `planes` is WORDS x count, `queries` asked x WORDS. Pairs are query << 32 | position, in no particular order. Returns
// how many there are; those beyond `room` are not written.
size_t brute(const uint64_t *planes, size_t count, const uint64_t *queries, size_t asked, int radius, int64_t *pairs,
             uint8_t *apart, size_t room) {
    uint64_t distances[SOME];
    size_t found = 0;
    for (size_t block = 0; block < count; block += BLOCK) {
        const size_t end = block + BLOCK < count ? block + BLOCK : count;
        for (size_t q = 0; q < asked; q++) {
            for (size_t first = block; first < end; first += SOME) {
                const size_t some = first + SOME < end ? SOME : end - first;
                if (compare(planes, count, first, some, queries + q * WORDS, distances) > radius) continue;
                for (size_t k = 0; k < some; k++) {
                    if (distances[k] > (uint64_t)radius) continue;
                    if (found < room) {
                        pairs[found] = (int64_t)(q << 32 | (first + k));
                        apart[found] = (uint8_t)distances[k];
                    }
                    found++;
                }
            }
        }
    }
    return found;
}
