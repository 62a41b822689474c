/* Structures of data that programs keep in their variables and maps. */
#include "corpus.h"

GPL;
#define PLACES 64

u32 heap[PLACES];
u32 heap_size;
u64 bits[16];
u32 parent[32];
u16 ring[256];
u32 head, tail;
int matrix[4][4], product[4][4];
char text[128], pattern[16];
u32 sorted[128];

struct node { u32 key; u32 left; u32 right; u32 value; };
struct node nodes[PLACES];
u32 root;

struct bucket { u32 keys[4]; u64 values[4]; };
MAP(ARRAY, buckets, u32, struct bucket, 256);
MAP(HASH, interned, u64, u32, 1024);

SEC("tc") __reject("R5 unbounded memory access, make sure to bounds check any such access")
int heap_pushed(struct __sk_buff *skb)
{
	u32 at = heap_size, up, i;

	if (at >= PLACES)
		return 0;
	heap[at] = skb->mark;
	heap_size = at + 1;
	for (i = 0; i < 6 && at > 0; i++) {
		up = (at - 1) / 2;
		if (up >= PLACES || heap[up] <= heap[at & 63])
			break;
		u32 kept = heap[up];

		heap[up] = heap[at & 63];
		heap[at & 63] = kept;
		at = up;
	}
	return at;
}

SEC("tc") __accept
int heap_popped(struct __sk_buff *skb)
{
	u32 at = 0, child, i, result, last;

	if (!heap_size || heap_size > PLACES)
		return 0;
	result = heap[0];
	heap_size--;
	last = heap[heap_size & 63];
	for (i = 0; i < 6; i++) {
		child = at * 2 + 1;
		if (child >= heap_size || child >= PLACES - 1)
			break;
		if (heap[child + 1] < heap[child])
			child++;
		if (heap[child & 63] >= last)
			break;
		heap[at & 63] = heap[child & 63];
		at = child;
	}
	heap[at & 63] = last;
	return result;
}

SEC("tc") __accept
int heap_popped_by_a_global_limit(struct __sk_buff *skb)
{
	u32 at = 0, child, i;

	for (i = 0; i < 6; i++) {
		child = at * 2 + 1;
		if (child >= heap_size)
			break;
		heap[at & 63] = heap[child];
		at = child;
	}
	return at;
}

SEC("tc") __accept
int first_free_bit(struct __sk_buff *skb)
{
	u32 i, bit;

	for (i = 0; i < 16; i++) {
		u64 word = ~bits[i];

		if (!word)
			continue;
		for (bit = 0; bit < 64; bit++)
			if (word & (1ULL << bit))
				break;
		if (bit < 64) {
			bits[i] |= 1ULL << bit;
			return i * 64 + bit;
		}
	}
	return -1;
}

SEC("tc") __accept
int set_joined(struct __sk_buff *skb)
{
	u32 a = skb->mark & 31, b = skb->priority & 31, i;

	for (i = 0; i < 32 && parent[a] != a; i++)
		a = parent[a] & 31;
	for (i = 0; i < 32 && parent[b] != b; i++)
		b = parent[b] & 31;
	if (a != b)
		parent[a] = b;
	return a;
}

SEC("tc") __accept
int ring_written_and_read(struct __sk_buff *skb)
{
	u32 count, i, sum = 0;

	ring[head++ & 255] = skb->len;
	count = head - tail;
	if (count > 256) {
		tail = head - 256;
		count = 256;
	}
	for (i = 0; i < count && i < 16; i++)
		sum += ring[(tail + i) & 255];
	return sum;
}

SEC("tc") __accept
int matrices_multiplied(struct __sk_buff *skb)
{
	int i, j, k;

	for (i = 0; i < 4; i++)
		for (j = 0; j < 4; j++) {
			int sum = 0;

			for (k = 0; k < 4; k++)
				sum += read_once(matrix[i][k]) * read_once(matrix[k][j]);
			product[i][j] = sum;
		}
	return product[skb->mark & 3][skb->priority & 3];
}

SEC("tc") __accept
int pattern_searched(struct __sk_buff *skb)
{
	u32 i, j;

	for (i = 0; i < 112; i++) {
		for (j = 0; j < 16; j++) {
			if (!pattern[j])
				return i;
			if (read_once(text[i + j]) != pattern[j])
				break;
		}
	}
	return -1;
}

SEC("tc") __accept
int number_searched_by_halves(struct __sk_buff *skb)
{
	u32 low = 0, high = 127, wanted = skb->mark, i;

	for (i = 0; i < 7 && low < high; i++) {
		u32 middle = (low + high) / 2;

		if (middle > 127)
			return -1;
		if (sorted[middle] < wanted)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

SEC("tc") __accept
int numbers_sorted_by_insertion(struct __sk_buff *skb)
{
	u32 i, j;

	for (i = 1; i < 8; i++) {
		u32 kept = sorted[i];

		for (j = i; j > 0 && j < 8; j--) {
			if (sorted[j - 1] <= kept)
				break;
			sorted[j] = sorted[j - 1];
		}
		sorted[j & 7] = kept;
	}
	return sorted[0];
}

SEC("tc") __accept
int tree_in_an_array_walked(struct __sk_buff *skb)
{
	u32 at = root, key = skb->mark, i;

	for (i = 0; i < 32; i++) {
		struct node *node;

		if (at >= PLACES)
			return -1;
		node = &nodes[at];
		if (node->key == key)
			return node->value;
		at = key < node->key ? node->left : node->right;
	}
	return -1;
}

SEC("tc") __accept
int tree_in_an_array_walked_with_a_stack(struct __sk_buff *skb)
{
	u32 stack[16], depth = 1, sum = 0, i;

	stack[0] = root;
	for (i = 0; i < 5 && depth > 0; i++) {
		u32 at = stack[--depth & 15];
		struct node *node;

		if (at >= PLACES)
			continue;
		node = &nodes[at];
		sum += node->value;
		if (depth < 15)
			stack[depth++] = node->left;
		if (depth < 15)
			stack[depth++] = node->right;
	}
	return sum;
}

static __always_inline u32 mixed(u32 key, u32 seed)
{
	key ^= seed;
	key *= 0x9e3779b1;
	key ^= key >> 15;
	key *= 0x85ebca77;
	return key ^ key >> 13;
}

SEC("tc") __accept
int cuckoo_looked_up(struct __sk_buff *skb)
{
	u32 key = skb->mark | 1, i, j;

	for (i = 0; i < 2; i++) {
		u32 place = mixed(key, i) & 255;
		struct bucket *bucket = bpf_map_lookup_elem(&buckets, &place);

		if (!bucket)
			continue;
		for (j = 0; j < 4; j++)
			if (bucket->keys[j] == key)
				return bucket->values[j];
	}
	return 0;
}

SEC("tc") __accept
int cuckoo_inserted(struct __sk_buff *skb)
{
	u32 key = skb->mark | 1, i, j;
	u64 value = skb->len;

	for (i = 0; i < 8; i++) {
		u32 place = mixed(key, i & 1) & 255;
		struct bucket *bucket = bpf_map_lookup_elem(&buckets, &place);

		if (!bucket)
			return 0;
		for (j = 0; j < 4; j++) {
			if (!bucket->keys[j]) {
				bucket->keys[j] = key;
				bucket->values[j] = value;
				return 1;
			}
		}
		u32 other_key = bucket->keys[i & 3];
		u64 other_value = bucket->values[i & 3];

		bucket->keys[i & 3] = key;
		bucket->values[i & 3] = value;
		key = other_key;
		value = other_value;
	}
	return 0;
}

SEC("tc") __accept
int text_hashed_and_interned(struct __sk_buff *skb)
{
	u64 hash = 0xcbf29ce484222325ULL;
	u32 i, fresh = skb->mark, *known;

	for (i = 0; i < sizeof(text); i++) {
		if (!text[i])
			break;
		hash ^= text[i];
		hash *= 0x100000001b3ULL;
	}
	known = bpf_map_lookup_elem(&interned, &hash);
	if (known)
		return *known;
	bpf_map_update_elem(&interned, &hash, &fresh, BPF_NOEXIST);
	return fresh;
}

SEC("tc") __reject("math between fp pointer and register with unbounded min value is not allowed")
int number_written_as_text(struct __sk_buff *skb)
{
	char digits[11];
	u32 number = skb->mark, at = 10, length, i;

	digits[10] = 0;
	for (i = 0; i < 10; i++) {
		at = 9 - i;
		digits[at] = '0' + number % 10;
		number /= 10;
		if (!number)
			break;
	}
	length = 10 - at;
	if (length > 10)
		return 0;
	for (i = 0; i < length; i++)
		text[i] = digits[(at + i) % 11];
	text[i] = 0;
	return length;
}

SEC("tc") __accept
int text_read_as_a_number(struct __sk_buff *skb)
{
	s64 number = 0;
	u32 i = 0;
	bool negative = false;

	if (text[0] == '-') {
		negative = true;
		i++;
	}
	for (; i < 20; i++) {
		char digit = text[i];

		if (digit < '0' || digit > '9')
			break;
		number = number * 10 + (digit - '0');
	}
	return negative ? -number : number;
}

SEC("tc") __accept
int words_counted(struct __sk_buff *skb)
{
	bool inside = false;
	u32 i, words = 0;

	for (i = 0; i < sizeof(text); i++) {
		char letter = text[i];

		if (!letter)
			break;
		if (letter == ' ' || letter == '\t') {
			inside = false;
		} else if (!inside) {
			inside = true;
			words++;
		}
	}
	return words;
}

SEC("tc") __accept
int distance_of_two_texts(struct __sk_buff *skb)
{
	u8 row[4];
	u32 i, j;

	for (j = 0; j < 4; j++)
		row[j] = j;
	for (i = 0; i < 2; i++) {
		u8 diagonal = row[0];

		row[0] = i + 1;
		for (j = 1; j < 4; j++) {
			u8 kept = row[j];
			u8 cost = diagonal + (text[i] != pattern[j - 1]);

			if (row[j] + 1 < cost)
				cost = row[j] + 1;
			if (row[j - 1] + 1 < cost)
				cost = row[j - 1] + 1;
			row[j] = cost;
			diagonal = kept;
		}
	}
	return row[3];
}

SEC("tc") __accept
int greatest_common_divisor(struct __sk_buff *skb)
{
	u32 a = skb->mark, b = skb->priority, i;

	for (i = 0; i < 48; i++) {
		u32 rest;

		if (!b)
			break;
		rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

SEC("tc") __accept
int square_root_by_bits(struct __sk_buff *skb)
{
	u64 number = skb->mark, result = 0, bit = 1ULL << 14;
	u32 i;

	for (i = 0; i < 8; i++) {
		if (number >= result + bit) {
			number -= result + bit;
			result = (result >> 1) + bit;
		} else {
			result >>= 1;
		}
		bit >>= 2;
	}
	return result;
}
