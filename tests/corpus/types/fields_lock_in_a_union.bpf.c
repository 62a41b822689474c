/* Special fields: lock in a union. */
#define LOCK_IN_A_UNION
#define OTHERS __accept
#define FIELDS __accept
#define OBJECTS __accept
#include "fields.h"
