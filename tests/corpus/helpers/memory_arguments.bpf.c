/* Memory and sizes that helpers are given: sizes of zero, unknown sizes, memory not stored to, of each kind. */
#include "corpus.h"

GPL;
RINGBUF(ring, 4096);
MAP(HASH, hash, u64, u64, 4);
MAP(ARRAY, blocks, u32, char[64], 4);
MAP(PERF_EVENT_ARRAY, events, u32, u32, 4);
char globals[64];
const char constants[64] = { 1, 2, 3 };

/* r6 = the context, r7 = an unknown number */
#define UNKNOWN "r6 = r1; call %[bpf_get_prandom_u32]; r7 = r0;"
#define OUT(name, body)									\
	__naked int name(void)								\
	{										\
		asm volatile(UNKNOWN body "						\
		r0 = 0;									\
		exit;									\
		" :: __imm(bpf_get_prandom_u32), __imm_addr(ring), __imm_addr(globals), __imm_addr(constants),	\
		__imm(bpf_ringbuf_output), __imm(bpf_skb_load_bytes), __imm(bpf_csum_diff), __imm(bpf_get_current_comm),	\
		__imm(bpf_probe_read_kernel), __imm_addr(hash), __imm(bpf_map_lookup_elem), __imm(bpf_skb_store_bytes)	\
		: __clobbers);								\
	}
#define SENDS "r1 = %[ring] ll; r4 = 0; call %[bpf_ringbuf_output];"
#define LOADS "r1 = r6; r2 = 0; call %[bpf_skb_load_bytes];"

SEC("tc") __accept
OUT(perhaps_nothing_sent, "r2 = r10; r2 += -64; r3 = r7; r3 &= 63;" SENDS)
SEC("tc") __accept
OUT(nothing_sent, "r2 = r10; r2 += -64; r3 = 0;" SENDS)
SEC("tc") __accept
OUT(something_sent, "r2 = r10; r2 += -64; r3 = r7; r3 &= 63; r3 += 1;" SENDS)
SEC("tc") __reject("invalid")
OUT(too_much_sent, "r2 = r10; r2 += -63; r3 = r7; r3 &= 63; r3 += 1;" SENDS)
SEC("tc") __reject("R3 min value is negative, either use unsigned or 'var &= const'")
OUT(anything_sent, "r2 = r10; r2 += -64; r3 = r7;" SENDS)
SEC("tc") __reject("R3 min value is negative, either use unsigned or 'var &= const'")
OUT(perhaps_less_than_nothing_sent, "r2 = r10; r2 += -64; r3 = r7; if r3 s> 64 goto 1f;" SENDS "1:")
SEC("tc") __reject("R3 min value is negative")
OUT(less_than_nothing_sent, "r2 = r10; r2 += -64; r3 = -1;" SENDS)
SEC("tc") __reject("R3 !read_ok")
OUT(size_never_written, "r2 = r10; r2 += -64;" SENDS)
SEC("tc") __reject("R3 type=fp expected=scalar")
OUT(size_is_a_pointer, "r2 = r10; r2 += -64; r3 = r10;" SENDS)
SEC("tc") __reject("R2 type=scalar expected=fp")
OUT(memory_is_a_number, "r2 = 5; r3 = 8;" SENDS)
SEC("tc") __reject("R2 type=scalar expected=fp")
OUT(memory_is_nothing, "r2 = 0; r3 = 8;" SENDS)
SEC("tc") __reject("R2 type=scalar expected=fp")
OUT(memory_is_nothing_and_size_is_zero, "r2 = 0; r3 = 0;" SENDS)
SEC("tc") __accept
OUT(globals_sent, "r2 = %[globals] ll; r3 = 64;" SENDS)
SEC("tc") __reject("invalid access to map value, value_size=64 off=0 size=65")
OUT(more_than_globals_sent, "r2 = %[globals] ll; r3 = 65;" SENDS)
SEC("tc") __accept
OUT(part_of_globals_sent, "r2 = %[globals] ll; r3 = r7; r3 &= 31; r3 += 1; r7 >>= 32; r7 &= 31; r2 += r7;" SENDS)
SEC("tc") __accept
OUT(part_of_globals_and_more_sent, "r2 = %[globals] ll; r3 = r7; r3 &= 31; r3 += 2; r8 = r7; r8 >>= 16; r8 &= 31; r2 += r8;" SENDS)
SEC("tc") __accept
OUT(constants_sent, "r2 = %[constants] ll; r3 = 64;" SENDS)
SEC("tc") __reject("write into map forbidden, value_size=64 off=0 size=8")
OUT(loaded_into_constants, "r3 = %[constants] ll; r4 = 8;" LOADS)
SEC("tc") __accept
OUT(loaded_into_globals, "r3 = %[globals] ll; r4 = 64;" LOADS)
SEC("tc") __accept
OUT(loaded_to_the_stack_and_read, "r3 = r10; r3 += -16; r4 = 16;" LOADS "r0 = *(u64 *)(r10 - 16); r0 = *(u8 *)(r10 - 1);")
SEC("tc") __accept
OUT(loaded_over_a_pointer, "*(u64 *)(r10 - 8) = r6; r3 = r10; r3 += -8; r4 = 8;" LOADS "r0 = *(u64 *)(r10 - 8);")
SEC("tc") __reject("R1 invalid mem access 'scalar'")
OUT(loaded_over_a_pointer_and_followed, "*(u64 *)(r10 - 8) = r6; r3 = r10; r3 += -8; r4 = 8;" LOADS "r1 = *(u64 *)(r10 - 8); r0 = *(u32 *)(r1 + 0);")
SEC("tc") __accept
OUT(loaded_over_half_a_pointer, "*(u64 *)(r10 - 8) = r6; r3 = r10; r3 += -4; r4 = 4;" LOADS "r0 = *(u64 *)(r10 - 8);")
SEC("tc") __accept
OUT(loaded_perhaps_over_a_pointer, "*(u64 *)(r10 - 8) = r6; r3 = r10; r3 += -16; r4 = r7; r4 &= 15; r4 += 1;" LOADS "r0 = *(u64 *)(r10 - 8);")
SEC("tc") __accept
OUT(loaded_at_an_unknown_slot, "r7 &= 8; r3 = r10; r3 += -16; r3 += r7; r4 = 8;" LOADS "r0 = *(u64 *)(r10 - 8);")
SEC("tc") __reject("invalid variable-offset")
OUT(loaded_at_an_unknown_slot_too_far, "r7 &= 8; r3 = r10; r3 += -8; r3 += r7; r4 = 8;" LOADS)
SEC("tc") __accept
OUT(sent_although_never_stored, "r2 = r10; r2 += -64; r3 = 64;" SENDS)
SEC("tc") __accept
OUT(pointer_sent, "*(u64 *)(r10 - 8) = r6; r2 = r10; r2 += -8; r3 = 8;" SENDS)
SEC("tc") __accept
OUT(sum_of_nothing, "r1 = 0; r2 = 0; r3 = r10; r3 += -8; r4 = 8; r5 = 0; *(u64 *)(r10 - 8) = 0; call %[bpf_csum_diff];")
SEC("tc") __reject("R1 type=scalar expected=fp")
OUT(sum_of_nothing_of_some_size, "r1 = 0; r2 = 4; r3 = r10; r3 += -8; r4 = 8; r5 = 0; *(u64 *)(r10 - 8) = 0; call %[bpf_csum_diff];")
SEC("tc") __accept
OUT(sum_of_an_unknown_size, "r1 = r10; r1 += -64; r2 = r7; r2 &= 60; r3 = 0; r4 = 0; r5 = 0; call %[bpf_csum_diff];")
SEC("tc") __reject("R1")
OUT(sum_of_a_number, "r1 = r7; r2 = 0; r3 = 0; r4 = 0; r5 = 0; call %[bpf_csum_diff];")
SEC("tc") __accept
OUT(name_of_an_unknown_size, "r1 = r10; r1 += -64; r2 = r7; r2 &= 63; r2 += 1; call %[bpf_get_current_comm];")
SEC("kprobe/do_nanosleep") __accept
OUT(probed_into_nothing_of_no_size, "r1 = r10; r1 += -64; r2 = 0; r3 = 0; call %[bpf_probe_read_kernel];")
SEC("kprobe/do_nanosleep") __accept
OUT(probed_an_unknown_size, "r1 = r10; r1 += -64; r2 = r7; r2 &= 63; r3 = r6; call %[bpf_probe_read_kernel]; r0 = *(u64 *)(r10 - 64);")
SEC("kprobe/do_nanosleep") __reject("R2 min value is negative, either use unsigned or 'var &= const'")
OUT(probed_a_size_bounded_below_only, "r1 = r10; r1 += -64; r2 = r7; if r2 < 8 goto 1f; r3 = r6; call %[bpf_probe_read_kernel]; 1:")
SEC("kprobe/do_nanosleep") __accept
OUT(probed_a_size_bounded_by_a_branch, "r1 = r10; r1 += -64; r2 = r7; if r2 > 64 goto 1f; r3 = r6; call %[bpf_probe_read_kernel]; 1:")
SEC("kprobe/do_nanosleep") __accept
OUT(probed_a_size_bounded_in_its_half, "r1 = r10; r1 += -64; w2 = w7; if w2 > 64 goto 1f; r3 = r6; call %[bpf_probe_read_kernel]; 1:")
SEC("tc") __reject("invalid read from stack R2 off=0 size=8")
OUT(key_above_the_stack, "r2 = r10; r1 = %[hash] ll; call %[bpf_map_lookup_elem];")
SEC("tc") __reject("R2 type=ctx expected=fp, pkt, pkt_meta, map_key, map_value")
OUT(key_in_the_context, "r2 = r6; r1 = %[hash] ll; call %[bpf_map_lookup_elem];")
SEC("tc") __accept
OUT(key_in_globals, "r2 = %[globals] ll; r2 += 56; r1 = %[hash] ll; call %[bpf_map_lookup_elem];")
SEC("tc") __reject("invalid access to map value, value_size=64 off=60 size=8")
OUT(key_across_the_end_of_globals, "r2 = %[globals] ll; r2 += 60; r1 = %[hash] ll; call %[bpf_map_lookup_elem];")
SEC("tc") __accept
OUT(stored_from_globals, "r1 = r6; r2 = 0; r3 = %[globals] ll; r4 = 64; r5 = 0; call %[bpf_skb_store_bytes];")
SEC("tc") __reject("helper access to the packet is not allowed")
OUT(stored_from_the_packet, "r3 = *(u32 *)(r6 + 76); r2 = *(u32 *)(r6 + 80); r1 = r3; r1 += 8; if r1 > r2 goto 1f; r1 = r6; r2 = 0; r4 = 8; r5 = 0; call %[bpf_skb_store_bytes]; 1:")
SEC("tc") __accept
OUT(key_in_the_packet, "r3 = *(u32 *)(r6 + 76); r2 = *(u32 *)(r6 + 80); r1 = r3; r1 += 8; if r1 > r2 goto 1f; r2 = r3; r1 = %[hash] ll; call %[bpf_map_lookup_elem]; 1:")
SEC("tc") __reject("invalid access to packet, off=0 size=8, R2")
OUT(key_in_the_packet_without_check, "r2 = *(u32 *)(r6 + 76); r1 = %[hash] ll; call %[bpf_map_lookup_elem];")
SEC("tc") __reject("helper access to the packet is not allowed")
OUT(packet_sent, "r3 = *(u32 *)(r6 + 76); r2 = *(u32 *)(r6 + 80); r1 = r3; r1 += 64; if r1 > r2 goto 1f; r2 = r3; r3 = r7; r3 &= 63; r3 += 1;" SENDS "1:")
SEC("tc") __reject("helper access to the packet is not allowed")
OUT(more_than_the_packet_sent, "r3 = *(u32 *)(r6 + 76); r2 = *(u32 *)(r6 + 80); r1 = r3; r1 += 64; if r1 > r2 goto 1f; r2 = r3; r3 = r7; r3 &= 63; r3 += 2;" SENDS "1:")
SEC("tc") __reject("R2 type=pkt_end expected=fp")
OUT(end_of_the_packet_sent, "r2 = *(u32 *)(r6 + 80); r3 = 1;" SENDS)
