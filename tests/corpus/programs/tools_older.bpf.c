// clang: -mcpu=v2
/* The tools, compiled for another instruction set. */
#include "tools.h"
