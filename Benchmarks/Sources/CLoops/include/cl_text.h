/* Sizes as xenstore has them: decimal digits. */
#ifndef CL_TEXT_H
#define CL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether the bytes are a number of 20 decimal digits at most that fits; if so, which. */
bool cl_decimal(const uint8_t *bytes, size_t count, uint64_t *number);

#endif
