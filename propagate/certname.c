#include "certname.h"

#include <openssl/bio.h>

enum {
	UTF8_TAIL = 0x80,
	UTF8_TAIL_MASK = 0xc0,
	CHARACTER_SPACE = 0x20,
	CHARACTER_DELETE = 0x7f
};

/* RFC 3629 section 4: what a first byte announces. */
static const struct utf8_form {
	uint8_t first_min, first_max;
	uint8_t second_min, second_max;
	size_t len;
} forms[] = {
    {0x00, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2},
    {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
    {0xf4, 0xf4, 0x80, 0x8f, 4},
};

/* in stands after the first byte. */
static bool
tail_fits(struct wire_in in, const struct utf8_form *form)
{
	uint8_t second;

	if (form->len == 1)
		return true;
	second = wire_u8(&in);
	if (second < form->second_min || second > form->second_max)
		return false;
	for (size_t i = 2; i < form->len; i++)
		if ((wire_u8(&in) & UTF8_TAIL_MASK) != UTF8_TAIL)
			return false;
	return wire_ok(&in);
}

/*
 * The next character, or an empty view when the next byte begins none or is a
 * control character; that byte is passed over.
 */
static struct wire_view
next_character(struct wire_in *in)
{
	static const struct wire_view none = {NULL, 0};
	struct wire_in look = *in;
	uint8_t first = wire_u8(&look);

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (first < forms[i].first_min || first > forms[i].first_max)
			continue;
		if (first < CHARACTER_SPACE || first == CHARACTER_DELETE ||
		    !tail_fits(look, &forms[i]))
			break;
		return wire_bytes(in, forms[i].len);
	}
	wire_skip(in, 1);
	return none;
}

/* Returns how many bytes were not text and became '?'. */
static size_t
take_text(struct wire_view raw, struct certname *out)
{
	struct wire_in in = wire_in_view(raw);
	struct wire_out text = wire_out(out->text, KEEP_TEXT_MAX);
	size_t strange = 0;

	while (in.left > 0 && wire_out_ok(&text)) {
		struct wire_view one = next_character(&in);

		if (one.len == 0) {
			strange++;
			one = wire_view_text("?");
		}
		wire_put_view(&text, one);
	}
	out->len = text.len;
	out->text[out->len] = '\0';
	return strange;
}

void
certname_print(const X509_NAME *name, struct certname *out)
{
	/* As RFC 2253 has it, but with the characters beyond ASCII kept. */
	unsigned long flags = XN_FLAG_RFC2253 & ~(unsigned)ASN1_STRFLGS_ESC_MSB;
	struct wire_view raw = {NULL, 0};
	BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL;

	if (bio != NULL && X509_NAME_print_ex(bio, name, 0, flags) >= 0) {
		raw.len = (size_t)BIO_get_mem_data(bio, &data);
		raw.data = (const uint8_t *)data;
	}
	(void)take_text(raw, out);
	BIO_free(bio);
}

void
certname_attribute(const X509_NAME *name, int nid, struct certname *out)
{
	struct wire_view raw = {NULL, 0};
	unsigned char *utf8 = NULL;
	int last = -1;

	for (int at = -1;
	     (at = X509_NAME_get_index_by_NID(name, nid, at)) >= 0;)
		last = at;
	if (last >= 0) {
		int len = ASN1_STRING_to_UTF8(
		    &utf8,
		    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)));

		raw.data = utf8;
		raw.len = len > 0 ? (size_t)len : 0;
	}
	(void)take_text(raw, out);
	OPENSSL_free(utf8);
}

bool
certname_identity(const ASN1_STRING *text, struct certname *out)
{
	struct wire_view raw = {ASN1_STRING_get0_data(text),
	                        (size_t)ASN1_STRING_length(text)};

	if (raw.len > 0 && raw.len <= KEEP_TEXT_MAX && take_text(raw, out) == 0)
		return true;
	out->len = 0;
	out->text[0] = '\0';
	return false;
}
