/* The hot loops of Sources/VNodeBalloon in plain C, for comparison: they have the same input, the same output and the
   same checks. */
#ifndef CLOOPS_H
#define CLOOPS_H

#include "cl_about.h"
#include "cl_extents.h"
#include "cl_pagemap.h"
#include "cl_text.h"

#endif
