/* Special fields: per cpu of the kernel. */
#define PER_CPU_OF_THE_KERNEL
#define OTHERS __reject("map 'guardeds' has to have BTF in order to use bpf_spin_lock")
#define FIELDS __accept
#define OBJECTS __reject("bpf_obj_new/bpf_percpu_obj_new requires prog BTF")
#include "fields.h"
