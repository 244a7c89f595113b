// Random inputs for a fuzz target where the compiler brings no libFuzzer: `<target> SECONDS [SEED]`.

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

extern "C" void __sanitizer_set_death_callback(void (*)(void)) __attribute__((weak));

namespace {

unsigned long long seed;

void tell() { std::fprintf(stderr, "the input of seed %llu; to see it again: <target> 1 %llu\n", seed, seed); }

}  // namespace

int main(int argc, char** argv) {
    using Clock = std::chrono::steady_clock;
    const double seconds = argc > 1 ? std::atof(argv[1]) : 60;
    std::signal(SIGABRT, [](int) { tell(); });
    if (__sanitizer_set_death_callback) __sanitizer_set_death_callback(tell);
    const unsigned long long first = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : std::random_device()();
    const auto start = Clock::now();
    auto told = start;
    unsigned long long runs = 0;
    for (; Clock::now() - start < std::chrono::duration<double>(seconds); runs++) {
        seed = first + runs;
        std::mt19937_64 random(seed);
        std::vector<uint8_t> input(random() % 4 ? 16 + random() % 240 : random() % 16);
        for (uint8_t& byte : input) byte = static_cast<uint8_t>(random());
        if (Clock::now() - told > std::chrono::seconds(10)) {
            told = Clock::now();
            std::printf("%llu inputs\n", runs);
            std::fflush(stdout);
        }
        LLVMFuzzerTestOneInput(input.data(), input.size());
    }
    std::printf("%llu inputs from seed %llu on; none differs\n", runs, first);
}
