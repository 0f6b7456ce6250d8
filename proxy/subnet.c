#include "subnet.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum {
	V4_BITS = 32,
	V6_BITS = 128,
	MAPPED_BITS = 96, /* of ::ffff:0:0 */
	TEXT_MAX = 64     /* an address with its zone */
};

/* IPv4 in IPv6 becomes IPv4. */
static void
unmap(struct subnet *s)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	if (!s->v6 || s->bits < MAPPED_BITS ||
	    memcmp(s->address, prefix, sizeof(prefix)) != 0)
		return;
	memmove(s->address, s->address + sizeof(prefix), 4);
	memset(s->address + 4, 0, sizeof(s->address) - 4);
	s->bits = (uint8_t)(s->bits - MAPPED_BITS);
	s->v6 = false;
}

/* An address without a prefix is a range of one. */
static bool
parse_address(const char *text, struct subnet *s)
{
	memset(s, 0, sizeof(*s));
	s->v6 = strchr(text, ':') != NULL;
	s->bits = s->v6 ? V6_BITS : V4_BITS;
	return inet_pton(s->v6 ? AF_INET6 : AF_INET, text, s->address) == 1;
}

static bool
parse_bits(const char *text, struct subnet *s)
{
	size_t len = strlen(text);
	unsigned long bits;

	if (len == 0 || len > 3 || strspn(text, "0123456789") != len)
		return false;
	bits = strtoul(text, NULL, 10);
	if (bits > s->bits)
		return false;
	s->bits = (uint8_t)bits;
	return true;
}

/* The bits of byte i that are in the prefix. */
static uint8_t
mask(const struct subnet *s, unsigned i)
{
	if (s->bits >= 8 * (i + 1))
		return 0xff;
	if (s->bits <= 8 * i)
		return 0;
	return (uint8_t)(0xff << (8 * (i + 1) - s->bits));
}

const char *
subnet_parse(const char *text, struct subnet *subnet)
{
	static const char want[] = "want addresses such as 192.0.2.0/24 or "
				   "2001:db8::/32";
	char host[TEXT_MAX];
	size_t len = strcspn(text, "/");
	struct subnet s;

	if (len >= sizeof(host))
		return want;
	memcpy(host, text, len);
	host[len] = '\0';
	if (!parse_address(host, &s) ||
	    (text[len] == '/' && !parse_bits(text + len + 1, &s)))
		return want;
	for (unsigned i = 0; i < sizeof(s.address); i++)
		if ((s.address[i] & ~mask(&s, i)) != 0)
			return "an address has bits behind its prefix";
	unmap(&s);
	*subnet = s;
	return NULL;
}

bool
subnet_contains(const struct subnet *subnet, const char *address)
{
	char host[TEXT_MAX];
	size_t len = strcspn(address, "%"); /* a zone says nothing here */
	struct subnet one;

	if (len >= sizeof(host))
		return false;
	memcpy(host, address, len);
	host[len] = '\0';
	if (!parse_address(host, &one))
		return false;
	unmap(&one);
	if (one.v6 != subnet->v6)
		return false;
	for (unsigned i = 0; i < sizeof(one.address); i++)
		if (((one.address[i] ^ subnet->address[i]) & mask(subnet, i)) !=
		    0)
			return false;
	return true;
}
