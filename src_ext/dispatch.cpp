// The one file that knows CPUs.

#include "core.h"

namespace hashmatch {

extern const Kernels kPortable;
#if defined(__x86_64__)
extern const Kernels kAvx2, kAvx512;
#elif defined(__aarch64__)
extern const Kernels kNeon;
#endif

namespace {

const Variant kVariants[] = {
    {&kPortable, [] { return true; }},
#if defined(__x86_64__)
    {&kAvx2, [] { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }},
    {&kAvx512, [] {
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vnni") &&
               __builtin_cpu_supports("avx512vpopcntdq");
    }},
#elif defined(__aarch64__)
    {&kNeon, [] { return true; }},  // the ABI has it
#endif
};

}  // namespace

const Variant* variants(size_t& count) {
    count = sizeof kVariants / sizeof *kVariants;
    return kVariants;
}

}  // namespace hashmatch
