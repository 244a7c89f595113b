// What a process gives up for good before it is handed a stranger's bytes.
#pragma once

namespace hashmatch {

// Where sealing failed, and the kernel's reason; `step` is null where it did not.
struct Seal {
    const char* step;
    int error;
};

// Gives up capabilities, new privileges, core dumps and life after the parent process `parent`; with `filter` also
// every system call but those that decoding needs, among them with `threads` those that start threads. The calling process must have one thread.
Seal seal(int parent, bool filter, bool threads);

}  // namespace hashmatch
