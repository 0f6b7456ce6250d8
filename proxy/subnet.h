/*
 * Address ranges: CIDR, both families.  An IPv4 client of an IPv6 socket
 * (::ffff:192.0.2.1) is an IPv4 client.
 */
#ifndef PROXY_SUBNET_H
#define PROXY_SUBNET_H

#include <stdbool.h>
#include <stdint.h>

struct subnet {
	uint8_t address[16]; /* network order; IPv4 in the first four */
	bool v6;
	uint8_t bits; /* of the prefix */
};

/*
 * "192.0.2.0/24", "2001:db8::/32", or one address.  NULL, or a literal that
 * says what it should be; bits behind the prefix are a fault.
 */
const char *subnet_parse(const char *text, struct subnet *subnet);

/* An address as text, perhaps with a zone; what is no address is nowhere. */
bool subnet_contains(const struct subnet *subnet, const char *address);

#endif
