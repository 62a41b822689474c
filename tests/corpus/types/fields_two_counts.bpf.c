/* Special fields: two counts. */
#define TWO_COUNTS
#define OTHERS __accept
#define FIELDS __reject("bpf_refcount cannot be accessed directly by load/store")
#define OBJECTS __accept
#include "fields.h"
