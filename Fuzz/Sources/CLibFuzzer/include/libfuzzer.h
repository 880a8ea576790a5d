// libFuzzer as a library. The compiler links it for -sanitize=fuzzer, but has no header for it.
#ifndef LIBFUZZER_H
#define LIBFUZZER_H

#include <stddef.h>
#include <stdint.h>

/// Runs the fuzzer with these arguments. `examine` gets each input, and must return 0.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*examine)(const uint8_t *data, size_t size));

#endif
