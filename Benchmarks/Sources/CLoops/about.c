#include "cl_about.h"

const char *cl_compiler(void) { return __VERSION__; }
