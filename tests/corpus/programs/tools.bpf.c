/* The tools. */
#include "tools.h"
