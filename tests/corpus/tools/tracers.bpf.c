/* What tools that trace do: histograms, records of variable size, arguments, paths, states between two probes. */
#include "corpus.h"

GPL;
#define SLOTS 27
#define MOST_ARGUMENTS 20
#define SIZE_OF_ARGUMENT 128

struct hist { u32 slots[SLOTS]; };
struct event { u32 pid; u32 uid; s32 result; u32 count; u32 size; char comm[16]; char text[2560]; };
struct start { u64 time; u64 bytes; u32 flags; };

RINGBUF(ring, 65536);
MAP(HASH, starts, u32, struct start, 1024);
MAP(HASH, hists, u64, struct hist, 64);
MAP(PERCPU_ARRAY, scratch, u32, struct event, 1);
MAP(PERF_EVENT_ARRAY, events, u32, u32, 4);
MAP(LRU_HASH, recent, u32, u64, 128);

const volatile u32 wanted_pid;
const volatile bool in_milliseconds = true;
const volatile u64 least_time = 1000;
struct hist empty;

struct qstr { const unsigned char *name; } __attribute__((preserve_access_index));
struct dentry___walked { struct qstr d_name; struct dentry___walked *d_parent; } __attribute__((preserve_access_index));
struct fs_struct { u32 umask; } __attribute__((preserve_access_index));
struct task_struct___more { struct fs_struct *fs; struct task_struct___more *real_parent; int tgid; int exit_code; } __attribute__((preserve_access_index));

static __always_inline u64 log2_of(u32 value)
{
	u32 result, shift;

	result = (value > 0xffff) << 4;
	value >>= result;
	shift = (value > 0xff) << 3;
	value >>= shift;
	result |= shift;
	shift = (value > 0xf) << 2;
	value >>= shift;
	result |= shift;
	shift = (value > 0x3) << 1;
	value >>= shift;
	result |= shift;
	result |= value >> 1;
	return result;
}

static __always_inline u64 log2_of_long(u64 value)
{
	u32 high = value >> 32;

	return high ? log2_of(high) + 32 : log2_of(value);
}

SEC("kprobe/do_nanosleep") __accept
int begins(struct pt_regs *regs)
{
	u32 id = bpf_get_current_pid_tgid();
	struct start start = {};

	if (wanted_pid && wanted_pid != id)
		return 0;
	start.time = bpf_ktime_get_ns();
	start.flags = regs->si;
	bpf_map_update_elem(&starts, &id, &start, BPF_ANY);
	return 0;
}

SEC("kretprobe/do_nanosleep") __accept
int ends_in_a_histogram(struct pt_regs *regs)
{
	u32 id = bpf_get_current_pid_tgid();
	struct start *start = bpf_map_lookup_elem(&starts, &id);
	struct hist *hist;
	u64 key, slot;
	s64 delta;

	if (!start)
		return 0;
	delta = bpf_ktime_get_ns() - start->time;
	if (delta < 0)
		goto out;
	if (in_milliseconds)
		delta /= 1000000;
	else
		delta /= 1000;
	key = start->flags & 7;
	hist = bpf_map_lookup_elem(&hists, &key);
	if (!hist) {
		bpf_map_update_elem(&hists, &key, &empty, BPF_NOEXIST);
		hist = bpf_map_lookup_elem(&hists, &key);
		if (!hist)
			goto out;
	}
	slot = log2_of_long(delta);
	if (slot >= SLOTS)
		slot = SLOTS - 1;
	__sync_fetch_and_add(&hist->slots[slot], 1);
out:
	bpf_map_delete_elem(&starts, &id);
	return 0;
}

SEC("kretprobe/do_nanosleep") __reject("invalid access to map value")
int ends_in_a_histogram_without_limit(struct pt_regs *regs)
{
	u64 key = 0, slot;
	struct hist *hist = bpf_map_lookup_elem(&hists, &key);

	if (!hist)
		return 0;
	slot = log2_of_long(regs->ax);
	__sync_fetch_and_add(&hist->slots[slot], 1);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_execve") __accept
int arguments_of_a_new_program(u64 *context)
{
	const char **arguments = (const char **)context[3];
	const char *argument;
	struct event *event;
	u32 key = 0, i;
	int length;

	event = bpf_map_lookup_elem(&scratch, &key);
	if (!event)
		return 0;
	event->pid = bpf_get_current_pid_tgid() >> 32;
	event->uid = bpf_get_current_uid_gid();
	event->count = 0;
	event->size = 0;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	length = bpf_probe_read_user_str(event->text, SIZE_OF_ARGUMENT, (void *)context[2]);
	if (length < 0 || length > SIZE_OF_ARGUMENT)
		return 0;
	event->size += length;
	event->count++;
	for (i = 1; i < MOST_ARGUMENTS; i++) {
		bpf_probe_read_user(&argument, sizeof(argument), &arguments[i]);
		if (!argument)
			break;
		if (event->size > sizeof(event->text) - SIZE_OF_ARGUMENT)
			break;
		length = bpf_probe_read_user_str(&event->text[event->size], SIZE_OF_ARGUMENT, argument);
		if (length < 0 || length > SIZE_OF_ARGUMENT)
			break;
		event->count++;
		event->size += length;
	}
	length = offsetof(struct event, text) + event->size;
	if (length <= sizeof(*event))
		bpf_perf_event_output(context, &events, BPF_F_CURRENT_CPU, event, length);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_execve") __accept
int arguments_with_the_size_in_a_register(u64 *context)
{
	const char **arguments = (const char **)context[3];
	const char *argument;
	struct event *event;
	u32 key = 0, i, size = 0;
	int length;

	event = bpf_map_lookup_elem(&scratch, &key);
	if (!event)
		return 0;
	for (i = 0; i < 8; i++) {
		bpf_probe_read_user(&argument, sizeof(argument), &arguments[i]);
		if (!argument || size > sizeof(event->text) - SIZE_OF_ARGUMENT)
			break;
		length = bpf_probe_read_user_str(event->text + size, SIZE_OF_ARGUMENT, argument);
		if (length <= 0)
			break;
		size += length;
	}
	event->size = size;
	return 0;
}

SEC("kprobe/vfs_unlink") __accept
int names_of_the_way_up(struct pt_regs *regs)
{
	struct dentry___walked *dentry = (void *)regs->dx, *up;
	const unsigned char *name;
	struct event *event;
	u32 i, size = 0;
	long length;

	event = bpf_ringbuf_reserve(&ring, sizeof(*event), 0);
	if (!event)
		return 0;
	for (i = 0; i < 16; i++) {
		bpf_probe_read_kernel(&name, sizeof(name), &dentry->d_name.name);
		length = bpf_probe_read_kernel_str(&event->text[size & 2047], 255, name);
		if (length < 0)
			break;
		size += length;
		if (size > 2047)
			break;
		bpf_probe_read_kernel(&up, sizeof(up), &dentry->d_parent);
		if (up == dentry)
			break;
		dentry = up;
	}
	event->size = size;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("raw_tp/sched_process_exit") __accept
int ancestors_of_a_task_that_ends(struct bpf_raw_tracepoint_args *context)
{
	struct task_struct___more *task = (void *)context->args[0], *up;
	u32 ids[8] = {}, i;
	int id;

	for (i = 0; i < 8; i++) {
		bpf_probe_read_kernel(&up, sizeof(up), &task->real_parent);
		bpf_probe_read_kernel(&id, sizeof(id), &up->tgid);
		ids[i] = id;
		if (id <= 1)
			break;
		task = up;
	}
	bpf_ringbuf_output(&ring, ids, sizeof(ids), 0);
	return 0;
}

SEC("kprobe/tcp_sendmsg") __accept
int bytes_per_task(struct pt_regs *regs)
{
	u32 id = bpf_get_current_pid_tgid() >> 32;
	u64 size = regs->dx, *sum;

	sum = bpf_map_lookup_elem(&recent, &id);
	if (sum)
		*sum += size;
	else
		bpf_map_update_elem(&recent, &id, &size, 0);
	return 0;
}

SEC("tp_btf/sched_switch") __accept
int time_off_the_processor(unsigned long long *arguments)
{
	struct task_struct *before = (void *)arguments[1], *after = (void *)arguments[2];
	u32 id = before->pid;
	struct start fresh = {}, *start;
	u64 now = bpf_ktime_get_ns();

	if (id) {
		fresh.time = now;
		fresh.flags = before->flags;
		bpf_map_update_elem(&starts, &id, &fresh, 0);
	}
	id = after->pid;
	if (!id)
		return 0;
	start = bpf_map_lookup_elem(&starts, &id);
	if (!start)
		return 0;
	if (now - start->time >= least_time) {
		struct event *event = bpf_ringbuf_reserve(&ring, sizeof(*event), 0);

		if (event) {
			event->pid = id;
			event->size = now - start->time;
			__builtin_memcpy(event->comm, after->comm, sizeof(event->comm));
			bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
		}
	}
	bpf_map_delete_elem(&starts, &id);
	return 0;
}

SEC("kprobe/do_nanosleep") __accept
int text_of_variable_size_sent(struct pt_regs *regs)
{
	u32 key = 0;
	struct event *event = bpf_map_lookup_elem(&scratch, &key);
	long length;

	if (!event)
		return 0;
	length = bpf_probe_read_user_str(event->text, sizeof(event->text), (void *)regs->di);
	if (length <= 0)
		return 0;
	bpf_ringbuf_output(&ring, event, offsetof(struct event, text) + length, 0);
	return 0;
}

SEC("kprobe/do_nanosleep") __accept
int text_masked_and_sent(struct pt_regs *regs)
{
	u32 key = 0, length = regs->si;
	struct event *event = bpf_map_lookup_elem(&scratch, &key);

	if (!event)
		return 0;
	length &= 2047;
	if (bpf_probe_read_user(event->text, length, (void *)regs->di))
		return 0;
	bpf_perf_event_output(regs, &events, BPF_F_CURRENT_CPU, event->text, length);
	return 0;
}

SEC("kprobe/do_nanosleep") __accept
int text_compared_by_bytes(struct pt_regs *regs)
{
	static const char wanted[8] = "nanosle";
	char name[8] = {};
	u32 i;

	bpf_get_current_comm(name, sizeof(name));
	for (i = 0; i < sizeof(name); i++) {
		if (name[i] != wanted[i])
			return 0;
		if (!name[i])
			break;
	}
	return 1;
}

SEC("uprobe") __accept
int length_and_text_of_another_language(struct pt_regs *regs)
{
	struct { const char *text; u64 length; } go;
	char copy[64] = {};
	u64 length;

	if (bpf_probe_read_user(&go, sizeof(go), (void *)regs->ax))
		return 0;
	length = go.length;
	if (length > sizeof(copy) - 1)
		length = sizeof(copy) - 1;
	bpf_probe_read_user(copy, length, go.text);
	bpf_ringbuf_output(&ring, copy, sizeof(copy), 0);
	return 0;
}

SEC("perf_event") __accept
int sample_of_a_profile(struct bpf_perf_event_data *event)
{
	struct { u32 pid, cpu; char comm[16]; s32 kernel_size, user_size; u64 kernel[32], user[16]; } *record;

	if (event->sample_period == 0)
		return 0;
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record)
		return 1;
	record->pid = bpf_get_current_pid_tgid() >> 32;
	record->cpu = bpf_get_smp_processor_id();
	if (bpf_get_current_comm(record->comm, sizeof(record->comm)))
		record->comm[0] = 0;
	record->kernel_size = bpf_get_stack(event, record->kernel, sizeof(record->kernel), 0);
	record->user_size = bpf_get_stack(event, record->user, sizeof(record->user), BPF_F_USER_STACK);
	bpf_ringbuf_submit(record, 0);
	return 0;
}
