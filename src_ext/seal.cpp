// The seal of a hashing process: the list of what it may still ask of the kernel. Linux on x86-64 and AArch64.
#include "seal.h"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace hashmatch {
namespace {

#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
constexpr uint32_t kX32 = 0x40000000;  // calls of the x32 ABI have this bit, and other numbers
#elif defined(__aarch64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr uint32_t kArchitecture = 0;
#endif

// Memory, time, locks, this process itself, and descriptors that are already open.
constexpr uint32_t kAllowed[] = {
    SYS_brk, SYS_munmap, SYS_mremap, SYS_madvise,
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_lseek, SYS_close,
    SYS_recvfrom, SYS_recvmsg, SYS_sendto, SYS_sendmsg, SYS_ppoll,
    SYS_futex, SYS_sched_yield, SYS_sched_getaffinity, SYS_getcpu,
    SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday,
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack, SYS_restart_syscall,
    SYS_getpid, SYS_gettid, SYS_getrandom, SYS_getrusage, SYS_sysinfo, SYS_uname, SYS_exit, SYS_exit_group,
#if defined(__x86_64__)
    SYS_poll, SYS_time,
#endif
};

// What libraries try by themselves and can do without: they are told that it is not permitted.
constexpr uint32_t kRefused[] = {
    SYS_openat, SYS_newfstatat, SYS_statx, SYS_fstat, SYS_faccessat, SYS_readlinkat, SYS_getcwd, SYS_ioctl, SYS_fcntl,
    SYS_dup, SYS_dup3, SYS_pipe2, SYS_memfd_create, SYS_prctl, SYS_prlimit64, SYS_clone, SYS_sched_setaffinity,
#if defined(__x86_64__)
    SYS_open, SYS_stat, SYS_lstat, SYS_access, SYS_readlink, SYS_dup2, SYS_pipe, SYS_getrlimit, SYS_fork, SYS_vfork,
#endif
};

// What the C library asks for in a thread that starts.
constexpr uint32_t kInThreads[] = {SYS_set_robust_list, SYS_rseq};

class Program {
  public:
    explicit Program(bool threads) {
        load(offsetof(seccomp_data, arch));
        add(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0);
        finish(SECCOMP_RET_KILL_PROCESS);
        load(offsetof(seccomp_data, nr));
#if defined(__x86_64__)
        add(BPF_JMP | BPF_JGE | BPF_K, kX32, 0, 1);
        finish(SECCOMP_RET_KILL_PROCESS);
#endif
        for (uint32_t call : kAllowed) answer(call, SECCOMP_RET_ALLOW);
        if (threads) {
            for (uint32_t call : kInThreads) answer(call, SECCOMP_RET_ALLOW);
            allow_if_any(SYS_clone, 0, CLONE_THREAD, SECCOMP_RET_ERRNO | EPERM);
        }
        for (uint32_t call : kRefused) answer(call, SECCOMP_RET_ERRNO | EPERM);
        answer(SYS_clone3, SECCOMP_RET_ERRNO | ENOSYS);  // the C library then tries clone
        refuse_if_any(SYS_mmap, 2, PROT_EXEC);
        refuse_if_any(SYS_mprotect, 2, PROT_EXEC);
        // An abort is a signal to oneself.
        allow_if(SYS_tgkill, 0, static_cast<uint32_t>(getpid()));
        finish(SECCOMP_RET_KILL_PROCESS);
    }

    sock_fprog compiled() { return {static_cast<unsigned short>(code_.size()), code_.data()}; }

  private:
    void add(uint16_t code, uint32_t value, uint8_t if_true = 0, uint8_t if_false = 0) {
        code_.push_back({code, if_true, if_false, value});
    }
    void load(size_t offset) { add(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset)); }
    void load_argument(int index) { load(offsetof(seccomp_data, args) + sizeof(uint64_t) * index); }  // its low half
    void finish(uint32_t action) { add(BPF_RET | BPF_K, action); }

    // The number of the call stays loaded from one of these to the next.
    void answer(uint32_t call, uint32_t action) {
        add(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1);
        finish(action);
    }
    void refuse_if_any(uint32_t call, int argument, uint32_t bits) {
        add(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 4);
        load_argument(argument);
        add(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1);
        finish(SECCOMP_RET_KILL_PROCESS);
        finish(SECCOMP_RET_ALLOW);
    }
    void allow_if_any(uint32_t call, int argument, uint32_t bits, uint32_t otherwise) {
        add(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 4);
        load_argument(argument);
        add(BPF_JMP | BPF_JSET | BPF_K, bits, 1, 0);
        finish(otherwise);
        finish(SECCOMP_RET_ALLOW);
    }
    void allow_if(uint32_t call, int argument, uint32_t value) {
        add(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 4);
        load_argument(argument);
        add(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0);
        finish(SECCOMP_RET_KILL_PROCESS);
        finish(SECCOMP_RET_ALLOW);
    }

    std::vector<sock_filter> code_;
};

long drop_capabilities() {
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct none[2] = {};
    return syscall(SYS_capset, &header, none);
}

long install_filter(bool threads) {
    if (kArchitecture == 0) {
        errno = ENOSYS;
        return -1;
    }
    Program program(threads);
    sock_fprog compiled = program.compiled();
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &compiled);
}

}  // namespace

Seal seal(int parent, bool filter, bool threads) {
    if (drop_capabilities() != 0) return {"capset", errno};
    if (prctl(PR_SET_DUMPABLE, 0) != 0) return {"PR_SET_DUMPABLE", errno};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return {"PR_SET_NO_NEW_PRIVS", errno};
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return {"PR_SET_PDEATHSIG", errno};
    if (getppid() != parent) return {"the parent process is gone", 0};
    if (filter && install_filter(threads) != 0) return {"seccomp", errno};
    return {nullptr, 0};
}

}  // namespace hashmatch
