// clang: -mcpu=v1
/* The tools, compiled for another instruction set. */
#include "tools.h"
