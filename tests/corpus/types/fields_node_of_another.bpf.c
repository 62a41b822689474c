/* Special fields: node of another. */
#define NODE_OF_ANOTHER
#define OTHERS __reject("map 'guardeds' has to have BTF in order to use bpf_spin_lock")
#define FIELDS __accept
#define OBJECTS __reject("bpf_obj_new/bpf_percpu_obj_new requires prog BTF")
#include "fields.h"
