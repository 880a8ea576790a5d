#include "cl_text.h"

bool cl_decimal(const uint8_t *bytes, size_t count, uint64_t *number)
{
    if (count == 0 || count > 20)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] < '0' || bytes[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, bytes[i] - '0', &value))
            return false;
    }
    *number = value;
    return true;
}
