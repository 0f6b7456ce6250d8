#include "pem.h"

#include <openssl/evp.h>

enum {
	LINE_DER = 48, /* bytes in one line of 64 characters */
	LINE_LEN = 64,
	DER_SEQUENCE = 0x30,
	DER_UTF8_STRING = 0x0c,
	DER_VISIBLE_STRING = 0x1a
};

static void
put_text(struct wire_out *out, const char *text)
{
	wire_put_view(out, wire_view_text(text));
}

void
pem_put(struct wire_out *out, const char *label, struct wire_view der)
{
	struct wire_in in = wire_in_view(der);

	put_text(out, "-----BEGIN ");
	put_text(out, label);
	put_text(out, "-----\n");
	while (in.left > 0) {
		size_t len = in.left < LINE_DER ? in.left : LINE_DER;
		struct wire_view part = wire_bytes(&in, len);
		uint8_t line[LINE_LEN + 1]; /* a zero behind it */
		int chars = EVP_EncodeBlock(line, part.data, (int)part.len);

		wire_put_bytes(out, line, (size_t)chars);
		wire_put_u8(out, '\n');
	}
	put_text(out, "-----END ");
	put_text(out, label);
	put_text(out, "-----\n");
}

void
pem_put_certificate(struct wire_out *out, struct wire_view der)
{
	pem_put(out, "CERTIFICATE", der);
}

/*
 * X509_CERT_AUX as OpenSSL writes it, with nothing but its list of trusted
 * purposes: one, id-kp-serverAuth or id-kp-clientAuth (RFC 5280, 4.2.1.12).
 */
static void
put_purpose(struct wire_out *out, enum keep_purpose purpose)
{
	static const uint8_t trust[] = {
	    DER_SEQUENCE, 12,   DER_SEQUENCE, 10,   0x06, 8,   0x2b,
	    0x06,         0x01, 0x05,         0x05, 0x07, 0x03};

	wire_put_bytes(out, trust, sizeof(trust));
	wire_put_u8(out, purpose == KEEP_PURPOSE_SERVER ? 1 : 2);
}

void
pem_put_anchor(struct wire_out *out, struct wire_view der,
               enum keep_purpose purpose)
{
	uint8_t both[PEM_DER_MAX];
	struct wire_out aux = wire_out(both, sizeof(both));

	if (purpose == KEEP_PURPOSE_ANY) {
		pem_put_certificate(out, der);
		return;
	}
	wire_put_view(&aux, der);
	put_purpose(&aux, purpose);
	pem_put(out, "TRUSTED CERTIFICATE", wire_written(&aux));
}

/* Tag and length, X.690 8.1.3; the lengths here have at most two bytes. */
static void
put_head(struct wire_out *out, uint8_t tag, size_t len)
{
	wire_put_u8(out, tag);
	if (len >= 0x100) {
		wire_put_u8(out, 0x82);
		wire_put_u8(out, (uint8_t)(len >> 8));
	} else if (len >= 0x80) {
		wire_put_u8(out, 0x81);
	}
	wire_put_u8(out, (uint8_t)len);
}

void
pem_put_uri(struct wire_out *out, struct wire_view uri)
{
	const struct wire_view what =
	    wire_view_text("PKCS#11 Provider URI v1.0");
	uint8_t strings[KEEP_TEXT_MAX + 64];
	uint8_t whole[KEEP_TEXT_MAX + 72];
	struct wire_out inner = wire_out(strings, sizeof(strings));
	struct wire_out outer = wire_out(whole, sizeof(whole));

	put_head(&inner, DER_VISIBLE_STRING, what.len);
	wire_put_view(&inner, what);
	put_head(&inner, DER_UTF8_STRING, uri.len);
	wire_put_view(&inner, uri);
	put_head(&outer, DER_SEQUENCE, inner.len);
	wire_put_view(&outer, wire_written(&inner));
	if (uri.len > KEEP_TEXT_MAX || !wire_out_ok(&outer))
		out->fault = WIRE_FULL;
	else
		pem_put(out, "PKCS#11 PROVIDER URI", wire_written(&outer));
}
