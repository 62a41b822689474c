/* Special fields: two timers. */
#define TWO_TIMERS
#define OTHERS __accept
#define FIELDS __accept
#define OBJECTS __accept
#include "fields.h"
