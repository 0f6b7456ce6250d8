#include "errorinfo.h"

#include <stddef.h>

/*
 * A session whose Winlogon or CSRSS is gone is gone with it.  An administrator
 * may have set the time limits to log off, but the code does not tell.
 */
static const struct {
	uint32_t code;
	enum errorinfo_end end;
	const char *name;
} codes[] = {
    {0x00, ERRORINFO_NONE, "none"},
    {0x01, ERRORINFO_DISCONNECT, "disconnect-by-administrator"},
    {0x02, ERRORINFO_LOGOFF, "logoff-by-administrator"},
    {0x03, ERRORINFO_DISCONNECT, "idle-timeout"},
    {0x04, ERRORINFO_DISCONNECT, "session-timeout"},
    {0x05, ERRORINFO_DISCONNECT, "replaced-by-another-connection"},
    {0x06, ERRORINFO_DISCONNECT, "server-out-of-memory"},
    {0x07, ERRORINFO_DISCONNECT, "connection-denied"},
    {0x09, ERRORINFO_DISCONNECT, "insufficient-privileges"},
    {0x0a, ERRORINFO_DISCONNECT, "fresh-credentials-required"},
    {0x0b, ERRORINFO_DISCONNECT, "disconnect-by-user"},
    {0x0c, ERRORINFO_LOGOFF, "logoff-by-user"},
    {0x0f, ERRORINFO_DISCONNECT, "display-driver-not-ready"},
    {0x10, ERRORINFO_DISCONNECT, "window-manager-crash"},
    {0x11, ERRORINFO_DISCONNECT, "display-driver-failure"},
    {0x12, ERRORINFO_DISCONNECT, "display-driver-interface-failure"},
    {0x17, ERRORINFO_LOGOFF, "winlogon-crash"},
    {0x18, ERRORINFO_LOGOFF, "csrss-crash"},
};

enum { CODES = sizeof(codes) / sizeof(codes[0]) };

/* The row of a code, or CODES. */
static size_t
find(uint32_t code)
{
	size_t i = 0;

	while (i < CODES && codes[i].code != code)
		i++;
	return i;
}

enum errorinfo_end
errorinfo_end(uint32_t code)
{
	size_t i = find(code);

	return i == CODES ? ERRORINFO_DISCONNECT : codes[i].end;
}

/* 2.2.5.1.1: licensing, the connection broker, broken protocol. */
const char *
errorinfo_name(uint32_t code)
{
	size_t i = find(code);

	if (i < CODES)
		return codes[i].name;
	if (code >= 0x100 && code <= 0x10a)
		return "licensing";
	if (code >= 0x400 && code <= 0x412)
		return "connection-broker";
	return code >= 0x10c9 && code <= 0x1195 ? "protocol" : "other";
}
