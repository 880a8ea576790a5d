/* The hot loops of Sources/VNodeBalloon once more in plain C, to measure them against: the same input, the same output,
   the same checks. */
#ifndef CLOOPS_H
#define CLOOPS_H

#include "cl_about.h"
#include "cl_extents.h"
#include "cl_pagemap.h"
#include "cl_text.h"

#endif
