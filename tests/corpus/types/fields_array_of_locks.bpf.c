/* Special fields: array of locks. */
#define ARRAY_OF_LOCKS
#define OTHERS __accept
#define FIELDS __accept
#define OBJECTS __accept
#include "fields.h"
