// libFuzzer as a library: the compiler brings it along with -sanitize=fuzzer, but no header.
#ifndef LIBFUZZER_H
#define LIBFUZZER_H

#include <stddef.h>
#include <stdint.h>

/// Runs the fuzzer with these arguments; `examine` gets each input, and returns 0.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*examine)(const uint8_t *data, size_t size));

#endif
