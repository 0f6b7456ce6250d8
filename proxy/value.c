#include "value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char name_letters[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789.-_";

const char *
value_name(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len > VALUE_NAME_MAX || text[0] == '.' ||
	    strspn(text, name_letters) != len)
		return "want a name of letters, digits, '.', '-' and '_', at "
		       "most 63 of them";
	return NULL;
}

const char *
value_path(const char *text)
{
	return text[0] == '/' ? NULL : "want an absolute path";
}

/*
 * Missing, or no file.  That we may not open it yet is no fault: a session
 * checks the configuration as the service user.
 */
const char *
value_file(const char *text)
{
	const char *wrong = value_path(text);
	struct stat st;

	if (wrong != NULL)
		return wrong;
	if (stat(text, &st) == 0)
		return S_ISREG(st.st_mode) ? NULL : "this is not a file";
	return errno == ENOENT || errno == ENOTDIR ? "there is no such file"
	                                           : NULL;
}

const char *
value_switch(const char *text, bool *value)
{
	if (strcmp(text, "0") != 0 && strcmp(text, "1") != 0)
		return "want 0 or 1";
	*value = text[0] == '1';
	return NULL;
}

const char *
value_number(const char *text, uint32_t min, uint32_t max, uint32_t *value)
{
	size_t len = strlen(text);
	unsigned long number;

	if (len == 0 || len > 9 || strspn(text, "0123456789") != len)
		return "want a whole number";
	number = strtoul(text, NULL, 10);
	if (number < min || number > max)
		return "this number is out of range";
	*value = (uint32_t)number;
	return NULL;
}

const char *
value_span(const char *text, uint32_t max, uint32_t *seconds)
{
	static const struct {
		char letter;
		uint32_t seconds;
	} units[] = {{'\0', 1}, {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	size_t digits = strspn(text, "0123456789");
	unsigned long number = strtoul(text, NULL, 10);

	if (digits == 0 || digits > 9 || strlen(text + digits) > 1)
		return "want a time such as 90, 15m, 24h or 7d";
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (units[i].letter != text[digits])
			continue;
		if (number > max / units[i].seconds)
			return "this time is too long";
		*seconds = (uint32_t)number * units[i].seconds;
		return NULL;
	}
	return "want a time such as 90, 15m, 24h or 7d";
}

/* The two halves of an address, still as text. */
struct halves {
	char host[VALUE_HOST_MAX + 1];
	char port[6];
	bool bracketed;
};

static const char *
split_port(const char *text, struct halves *halves)
{
	uint32_t port = VALUE_PORT;
	const char *wrong = NULL;

	if (text[0] == ':')
		wrong = value_number(text + 1, 1, 65535, &port);
	else if (text[0] != '\0')
		wrong = "want ':' and a port";
	if (wrong != NULL)
		return "want a port of 1 to 65535 after the ':'";
	(void)snprintf(halves->port, sizeof(halves->port), "%u",
	               (unsigned)(port & 0xffff));
	return NULL;
}

static const char *
split(const char *text, struct halves *halves)
{
	const char *start = text;
	size_t len;

	halves->bracketed = text[0] == '[';
	if (halves->bracketed)
		start++;
	len = strcspn(start, halves->bracketed ? "]" : ":");
	if (len == 0 || len > VALUE_HOST_MAX)
		return "want host:port";
	memcpy(halves->host, start, len);
	halves->host[len] = '\0';
	start += len;
	if (!halves->bracketed && strchr(start, ':') != strrchr(start, ':'))
		return "an IPv6 address goes into brackets";
	if (halves->bracketed && *start++ != ']')
		return "the bracket is not closed";
	return split_port(start, halves);
}

static bool
is_ip(const struct halves *halves, struct sockaddr_storage *address,
      socklen_t *len)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	in_port_t port = htons((uint16_t)strtoul(halves->port, NULL, 10));

	memset(address, 0, sizeof(*address));
	v4.sin_port = port;
	v6.sin6_port = port;
	if (halves->bracketed &&
	    inet_pton(AF_INET6, halves->host, &v6.sin6_addr) == 1) {
		memcpy(address, &v6, sizeof(v6));
		*len = sizeof(v6);
		return true;
	}
	if (halves->bracketed ||
	    inet_pton(AF_INET, halves->host, &v4.sin_addr) != 1)
		return false;
	memcpy(address, &v4, sizeof(v4));
	*len = sizeof(v4);
	return true;
}

const char *
value_listen(const char *text, struct sockaddr_storage *address, socklen_t *len)
{
	struct sockaddr_storage found;
	struct halves halves;
	const char *wrong = split(text, &halves);

	if (wrong != NULL)
		return wrong;
	if (!is_ip(&halves, &found, len))
		return "want an IP address, and a port: 0.0.0.0:3389 or "
		       "[::]:3389";
	*address = found;
	return NULL;
}

const char *
value_server(const char *text, char **host, char **port)
{
	struct sockaddr_storage address;
	struct halves halves;
	const char *wrong = split(text, &halves);
	socklen_t len;

	if (wrong != NULL)
		return wrong;
	if (halves.bracketed && !is_ip(&halves, &address, &len))
		return "want an IPv6 address in the brackets";
	if (!halves.bracketed &&
	    strspn(halves.host, name_letters) != strlen(halves.host))
		return "want a host name or an IP address";
	*host = strdup(halves.host);
	*port = strdup(halves.port);
	return *host == NULL || *port == NULL ? "memory is short" : NULL;
}

const char *
value_glob(const char *text)
{
	unsigned stars = 0;

	for (const char *c = text; *c != '\0'; c++)
		stars += *c == '*';
	return stars <= VALUE_GLOB_STARS ? NULL : "want at most 8 '*'";
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One digest at *text, which moves behind it. */
static bool
take_digest(const char **text, uint8_t digest[32])
{
	for (size_t i = 0; i < 32; i++) {
		int high = hex_digit((*text)[0]);
		int low = high < 0 ? -1 : hex_digit((*text)[1]);

		if (low < 0)
			return false;
		digest[i] = (uint8_t)(high << 4 | low);
		*text += 2;
		if (**text == ':' && i < 31)
			(*text)++;
	}
	return true;
}

const char *
value_digests(const char *text, uint8_t (*digests)[32], size_t max,
              size_t *count)
{
	static const char between[] = " \t,";
	size_t found = 0;

	text += strspn(text, between);
	while (*text != '\0') {
		if (found == max)
			return "too many digests";
		if (!take_digest(&text, digests[found]) ||
		    (*text != '\0' && strspn(text, between) == 0))
			return "want SHA-256 digests of 64 hexadecimal digits";
		found++;
		text += strspn(text, between);
	}
	if (found == 0)
		return "want SHA-256 digests of 64 hexadecimal digits";
	*count = found;
	return NULL;
}

const char *
value_digest(const char *text, uint8_t digest[32])
{
	uint8_t found[32];

	if (!take_digest(&text, found) || *text != '\0')
		return "want a SHA-256 digest of 64 hexadecimal digits";
	memcpy(digest, found, sizeof(found));
	return NULL;
}

const char *
value_group(const char *text, gid_t *group)
{
	struct group entry, *found = NULL;
	char buf[16 * 1024];

	if (getgrnam_r(text, &entry, buf, sizeof(buf), &found) != 0 ||
	    found == NULL)
		return "there is no such group";
	*group = found->gr_gid;
	return NULL;
}

char *
value_read_file(const char *path, size_t max, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	char *data = NULL;
	ssize_t got = 0;

	if (fd < 0)
		return NULL;
	errno = EINVAL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		errno = EFBIG;
		if ((uint64_t)st.st_size <= max)
			data = malloc((size_t)st.st_size + 1);
	}
	for (*len = 0; data != NULL && *len < (size_t)st.st_size;) {
		got = read(fd, data + *len, (size_t)st.st_size - *len);
		if (got <= 0)
			break;
		*len += (size_t)got;
	}
	if (data != NULL)
		data[*len] = '\0';
	if (data != NULL && got < 0) {
		free(data);
		data = NULL;
	}
	(void)close(fd);
	return data;
}
