/* SGD between two losses, one of them with a pit: W in the end, of many chains.

   A coin of one uniform number says which loss a step descends. Numbers are counted by Philox 4x64-10
   (Salmon and others 2011), or carried on by xoshiro256+ (Blackman and Vigna 2018). */
#include <math.h>
#include <stdint.h>

static inline double slope(double W, int has_pit)
{
    double g = 2 * (W - 2) * exp(-(W - 2) * (W - 2));
    if (has_pit) g += 200 * (W - 1) * exp(-100 * (W - 1) * (W - 1));
    return g;
}

static inline void philox(uint64_t a, uint64_t b, uint64_t k, uint64_t l, uint64_t *made)
{
    uint64_t c = 0, d = 0;
    for (int i = 0; i < 10; i++) {
        __uint128_t e = (__uint128_t)a * 0xD2E7470EE14C6C93, f = (__uint128_t)c * 0xCA5A826395121157;
        a = (uint64_t)(f >> 64) ^ b ^ k, b = (uint64_t)f;
        c = (uint64_t)(e >> 64) ^ d ^ l, d = (uint64_t)e;
        k += 0x9E3779B97F4A7C15, l += 0xBB67AE8584CAA73B;
    }
    made[0] = a, made[1] = b, made[2] = c, made[3] = d;
}

void counted(long chains, long steps, double rate, double start, uint64_t k, uint64_t l, double *end)
{
#pragma omp parallel for schedule(static)
    for (long j = 0; j < chains; j++) {
        double W = start;
        uint64_t made[4];
        for (long i = 0; i < steps; i++) {
            if (i % 4 == 0) philox(4 * j + i % 16 / 4 + 1, i / 16, k, l, made);
            W -= rate * slope(W, (made[i % 4] >> 11) * 0x1p-53 >= 0.5);
        }
        end[j] = W;
    }
}

static inline uint64_t mixed(uint64_t *x)
{
    uint64_t z = (*x += 0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9, z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
}

void carried(long chains, long steps, double rate, double start, uint64_t k, uint64_t l, double *end)
{
#pragma omp parallel for schedule(static)
    for (long j = 0; j < chains; j++) {
        double W = start;
        uint64_t seed = k ^ l ^ (uint64_t)j * 0xD2E7470EE14C6C93, s[4];
        for (int i = 0; i < 4; i++) s[i] = mixed(&seed);
        for (long i = 0; i < steps; i++) {
            uint64_t made = s[0] + s[3], t = s[1] << 17;
            s[2] ^= s[0], s[3] ^= s[1], s[1] ^= s[2], s[0] ^= s[3], s[2] ^= t;
            s[3] = s[3] << 45 | s[3] >> 19;
            W -= rate * slope(W, (made >> 11) * 0x1p-53 >= 0.5);
        }
        end[j] = W;
    }
}
