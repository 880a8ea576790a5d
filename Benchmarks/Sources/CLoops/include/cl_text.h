/* Sizes as xenstore has them: decimal digits. */
#ifndef CL_TEXT_H
#define CL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether the bytes are a decimal number of at most 20 digits that fits into 64 bits. If so, stores it. */
bool cl_decimal(const uint8_t *bytes, size_t count, uint64_t *number);

#endif
