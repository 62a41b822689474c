// Keeps a sliding window of what a daemon logged in a map value and looks at it through
// dynptrs whose bounds are miscounted.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "../include/kfuncs.h"

#define LINE 64
#define LINES 8
#define WINDOW (LINE * LINES)

struct window {
	char text[WINDOW];
	char backup[WINDOW];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct window);
} windows SEC(".maps");

__u64 errors;

static __always_inline struct window *get_window(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&windows, &zero);
}

static __always_inline char first_of_last(struct window *w)
{
	struct bpf_dynptr mem;
	const char *p;

	bpf_dynptr_from_mem(w->text, WINDOW, 0, &mem);
	p = bpf_dynptr_data(&mem, LINES * LINE - 8, LINE); //~ range-beyond-dynptr
	if (!p)
		return 0;
	return p[0];
}

static __always_inline int third_line(struct window *w, char *out, __u32 size)
{
	struct bpf_dynptr mem;

	bpf_dynptr_from_mem(w->text, sizeof(w->text), 0, &mem);
	if (bpf_dynptr_adjust(&mem, LINE, WINDOW))
		return -1;
	if (bpf_dynptr_adjust(&mem, 2 * LINE, WINDOW)) //~ adjust-not-relative
		return -1;
	return bpf_dynptr_read(out, 8, &mem, 0, 0);
}

static __always_inline bool lines_differ(struct window *w)
{
	struct bpf_dynptr mem;
	const char *line;
	char first;

	bpf_dynptr_from_mem(w->text, sizeof(w->text), 0, &mem);
	line = bpf_dynptr_data(&mem, 0, LINE);
	if (!line)
		return false;
	first = line[0];
	if (bpf_dynptr_adjust(&mem, LINE, WINDOW))
		return false;
	return first != line[0]; //~ slice-before-adjust
}

// Blanks the window while it is reported and puts it back afterwards, or so it is thought.
static __always_inline int blank_and_restore(struct window *w)
{
	struct bpf_dynptr mem, saved;

	bpf_dynptr_from_mem(w->text, sizeof(w->text), 0, &mem);
	if (bpf_dynptr_clone(&mem, &saved))
		return -1;
	if (bpf_dynptr_memset(&mem, 0, WINDOW, ' '))
		return -1;
	return bpf_dynptr_copy(&mem, 0, &saved, 0, WINDOW); //~ clone-not-copy
}

// Correct: the backup has memory of its own.
static __always_inline int back_up(struct window *w)
{
	struct bpf_dynptr from, to;

	bpf_dynptr_from_mem(w->text, sizeof(w->text), 0, &from);
	bpf_dynptr_from_mem(w->backup, sizeof(w->backup), 0, &to);
	return bpf_dynptr_copy(&to, 0, &from, 0, WINDOW);
}

SEC("fentry/vfs_fsync_range")
int BPF_PROG(on_sync, struct file *file)
{
	struct window *w = get_window();
	char line[8] = {};

	if (!w)
		return 0;
	if (back_up(w))
		errors++;
	if (first_of_last(w) == '!' || lines_differ(w))
		errors++;
	if (third_line(w, line, sizeof(line)))
		errors++;
	if (line[0] == '#' && blank_and_restore(w))
		errors++;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
