// Moves tagged packets to another VLAN.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#define GUEST_VLAN 100

extern int bpf_dynptr_from_xdp(struct xdp_md *xdp, __u64 flags, struct bpf_dynptr *ptr) __ksym;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *ptr, __u32 offset, void *buffer,
				   __u32 buffer__szk) __ksym;

SEC("xdp.frags")
int retag(struct xdp_md *xdp)
{
	struct vlan_hdr vlan_buf, *vlan;
	struct bpf_dynptr packet;

	bpf_dynptr_from_xdp(xdp, 0, &packet);
	vlan = bpf_dynptr_slice_rdwr(&packet, sizeof(struct ethhdr), &vlan_buf, sizeof(vlan_buf));
	if (!vlan)
		return XDP_PASS;

	vlan->h_vlan_TCI = bpf_htons(GUEST_VLAN);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
