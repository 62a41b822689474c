// Not BPF: the server has nothing to say about this file.
#include <stdio.h>

int main(void)
{
	char name[4];

	return scanf("%s", name);
}
