/* The compiler that made the C of this package. */
#ifndef CL_ABOUT_H
#define CL_ABOUT_H

const char *cl_compiler(void);

#endif
