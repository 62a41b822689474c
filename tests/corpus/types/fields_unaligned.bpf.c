/* Special fields: unaligned. */
#define UNALIGNED
#define OTHERS __accept
#define FIELDS __reject("bpf_spin_lock cannot be accessed directly by load/store")
#define OBJECTS __accept
#include "fields.h"
