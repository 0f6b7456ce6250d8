#include "polfile.h"

#include <string.h>

const char polfile_certprop[] =
    "Software\\Policies\\Microsoft\\Windows\\CertProp";
const char polfile_terminal[] =
    "Software\\Policies\\Microsoft\\Windows NT\\Terminal Services";
const char polfile_ours[] = "Software\\Policies\\cardproxy";

void
polfile_begin(struct wire_out *out)
{
	wire_put_bytes(out, "PReg", 4);
	wire_put_u32(out, 1);
}

static void
put_text(struct wire_out *out, const char *text)
{
	do
		wire_put_u16(out, (unsigned char)*text);
	while (*text++ != '\0');
}

void
polfile_put(struct wire_out *out, const char *key, const char *name,
            uint32_t type, const void *data, uint32_t len)
{
	wire_put_u16(out, '[');
	put_text(out, key);
	wire_put_u16(out, ';');
	put_text(out, name);
	wire_put_u16(out, ';');
	wire_put_u32(out, type);
	wire_put_u16(out, ';');
	wire_put_u32(out, len);
	wire_put_u16(out, ';');
	wire_put_bytes(out, data, len);
	wire_put_u16(out, ']');
}

void
polfile_put_number(struct wire_out *out, const char *key, const char *name,
                   uint32_t number)
{
	uint8_t data[4];
	struct wire_out bytes = wire_out(data, sizeof(data));

	wire_put_u32(&bytes, number);
	polfile_put(out, key, name, REGPOL_DWORD, data, sizeof(data));
}

void
polfile_put_text(struct wire_out *out, const char *key, const char *name,
                 const char *text)
{
	uint8_t data[512];
	struct wire_out bytes = wire_out(data, sizeof(data));

	put_text(&bytes, text);
	polfile_put(out, key, name, REGPOL_SZ, data, (uint32_t)bytes.len);
}
