// clang: -mcpu=v4
/* The tools, compiled for another instruction set. */
#include "tools.h"
