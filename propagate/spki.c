#include "spki.h"

#include "der.h"

#define VIEW(bytes)                                                            \
	{                                                                      \
		bytes, sizeof(bytes)                                           \
	}

static const uint8_t rsa[] = {0x2a, 0x86, 0x48, 0x86, 0xf7,
                              0x0d, 0x01, 0x01, 0x01};
static const uint8_t rsa_pss[] = {0x2a, 0x86, 0x48, 0x86, 0xf7,
                                  0x0d, 0x01, 0x01, 0x0a};
static const uint8_t ec[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
static const uint8_t x25519[] = {0x2b, 0x65, 0x6e};
static const uint8_t x448[] = {0x2b, 0x65, 0x6f};
static const uint8_t ed25519[] = {0x2b, 0x65, 0x70};
static const uint8_t ed448[] = {0x2b, 0x65, 0x71};

typedef const char *check_key(struct wire_in *params, struct wire_in *key);

static const char *
check_rsa(struct wire_in *params, struct wire_in *key)
{
	struct wire_in pair, modulus;

	(void)params;
	wire_skip(key, 1); /* unused bits */
	pair = der_enter(key, DER_SEQUENCE);
	modulus = der_enter(&pair, DER_INTEGER);
	while (modulus.left > 0 && der_peek(&modulus) == 0)
		wire_skip(&modulus, 1);
	if (!wire_ok(&modulus) || modulus.left == 0)
		return "RSA key does not decode";
	if (modulus.left > SPKI_RSA_BITS_MAX / 8)
		return "RSA key above 8192 bits";
	return NULL;
}

static const char *
check_ec(struct wire_in *params, struct wire_in *key)
{
	(void)key;
	if (der_peek(params) != DER_OBJECT_ID)
		return "curve without a name";
	return NULL;
}

static const char *
check_nothing(struct wire_in *params, struct wire_in *key)
{
	(void)params;
	(void)key;
	return NULL;
}

static const struct {
	struct wire_view oid;
	check_key *check;
} kinds[] = {
    {VIEW(rsa), check_rsa},       {VIEW(rsa_pss), check_rsa},
    {VIEW(ec), check_ec},         {VIEW(x25519), check_nothing},
    {VIEW(x448), check_nothing},  {VIEW(ed25519), check_nothing},
    {VIEW(ed448), check_nothing},
};

/* RFC 5280 4.1: what stands before subjectPublicKeyInfo. */
static void
skip_to_key(struct wire_in *tbs)
{
	if (der_peek(tbs) == DER_CONTEXT_0)
		der_skip(tbs); /* version */
	der_skip(tbs);         /* serialNumber */
	der_skip(tbs);         /* signature */
	der_skip(tbs);         /* issuer */
	der_skip(tbs);         /* validity */
	der_skip(tbs);         /* subject */
}

const char *
spki_fault(struct wire_view der)
{
	struct wire_in in = wire_in_view(der);
	struct wire_in certificate = der_enter(&in, DER_SEQUENCE);
	struct wire_in tbs = der_enter(&certificate, DER_SEQUENCE);
	struct wire_in spki, algorithm, oid, key;
	struct wire_view name;

	if (wire_ok(&in) && in.left > 0)
		return "bytes after the certificate";
	skip_to_key(&tbs);
	spki = der_enter(&tbs, DER_SEQUENCE);
	algorithm = der_enter(&spki, DER_SEQUENCE);
	oid = der_enter(&algorithm, DER_OBJECT_ID);
	key = der_enter(&spki, DER_BIT_STRING);
	name = wire_rest(&oid);
	if (!wire_ok(&key) || !wire_ok(&oid))
		return "not a certificate";
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (wire_view_equal(kinds[i].oid, name))
			return kinds[i].check(&algorithm, &key);
	return "key of an unknown kind";
}
