/* What is told of readers, their cards, and the certificates on them. */
#include "keep_private.h"

enum { ATR_MAX = 36 /* bytes on the wire, [MS-RDPESC] 2.2.4 */ };

/* One pair for each body; the fields stand in the order of keep.h. */

void
keep_put_reader(struct wire_out *out, const struct keep_reader *reader)
{
	wire_put_u32(out, reader->reader);
	keep_put_text(out, reader->name);
	wire_put_u8(out, (uint8_t)reader->card);
	keep_put_blob(out, reader->atr, ATR_MAX);
	wire_put_bytes(out, reader->card_id, KEEP_CARD_ID_LEN);
	keep_put_text(out, reader->family);
	keep_put_text(out, reader->reason);
}

void
keep_get_reader(struct wire_in *in, struct keep_reader *reader)
{
	reader->reader = wire_u32(in);
	reader->name = keep_get_text(in);
	reader->card = keep_get_enum(in, KEEP_CARD_EMPTY, KEEP_CARD_MUTE);
	reader->atr = keep_get_blob(in, ATR_MAX);
	keep_get_id(in, reader->card_id, KEEP_CARD_ID_LEN);
	reader->family = keep_get_text(in);
	reader->reason = keep_get_text(in);
}

/* All of it or nothing. */
static void
put_chuid(struct wire_out *out, struct wire_view chuid)
{
	if (chuid.len != 0 && chuid.len != KEEP_CARD_ID_LEN)
		keep_put_fail(out, WIRE_VALUE);
	keep_put_blob(out, chuid, KEEP_CARD_ID_LEN);
}

static struct wire_view
get_chuid(struct wire_in *in)
{
	struct wire_view chuid = keep_get_blob(in, KEEP_CARD_ID_LEN);

	if (chuid.len != 0 && chuid.len != KEEP_CARD_ID_LEN)
		wire_fail(in, WIRE_VALUE);
	return chuid;
}

void
keep_put_begin(struct wire_out *out, const struct keep_begin *begin)
{
	wire_put_u32(out, begin->reader);
	keep_put_text(out, begin->reader_name);
	wire_put_bytes(out, begin->card_id, KEEP_CARD_ID_LEN);
	keep_put_text(out, begin->family);
	wire_put_u8(out, (uint8_t)begin->cleanup);
	wire_put_u8(out, (uint8_t)begin->user_cleanup);
	keep_put_bool(out, begin->archive_stale);
	keep_put_text(out, begin->policy);
	wire_put_u32(out, begin->policy_generation);
	keep_put_text(out, begin->card_serial);
	put_chuid(out, begin->chuid);
	wire_put_u8(out, (uint8_t)begin->removable);
}

void
keep_get_begin(struct wire_in *in, struct keep_begin *begin)
{
	begin->reader = wire_u32(in);
	begin->reader_name = keep_get_text(in);
	keep_get_id(in, begin->card_id, KEEP_CARD_ID_LEN);
	begin->family = keep_get_text(in);
	begin->cleanup =
	    keep_get_enum(in, KEEP_CLEANUP_NONE, KEEP_CLEANUP_LOGOFF);
	begin->user_cleanup =
	    keep_get_enum(in, KEEP_CLEANUP_NONE, KEEP_CLEANUP_LOGOFF);
	begin->archive_stale = keep_get_bool(in);
	begin->policy = keep_get_text(in);
	begin->policy_generation = wire_u32(in);
	begin->card_serial = keep_get_text(in);
	begin->chuid = get_chuid(in);
	begin->removable =
	    keep_get_enum(in, KEEP_REMOVABLE_UNKNOWN, KEEP_REMOVABLE_YES);
}

static void
put_der(struct wire_out *out, struct wire_view der)
{
	if (der.len == 0 || der.len > KEEP_DER_MAX) {
		keep_put_fail(out, WIRE_LIMIT);
		return;
	}
	wire_put_u32(out, (uint32_t)der.len);
	wire_put_view(out, der);
}

/* A certificate without a byte would be stored as one: refused. */
static struct wire_view
get_der(struct wire_in *in)
{
	uint32_t len = wire_count(in, KEEP_DER_MAX);

	if (len == 0)
		wire_fail(in, WIRE_LIMIT);
	return wire_bytes(in, len);
}

/* What was read in the certificate itself. */
static void
put_cert_facts(struct wire_out *out, const struct keep_cert *cert)
{
	wire_put_u8(out, (uint8_t)cert->kind);
	put_der(out, cert->der);
	keep_put_text(out, cert->subject);
	keep_put_text(out, cert->issuer);
	keep_put_text(out, cert->serial);
	keep_put_time(out, cert->not_before);
	keep_put_time(out, cert->not_after);
	keep_put_blob(out, cert->ski, KEEP_TEXT_MAX);
	keep_put_blob(out, cert->aki, KEEP_TEXT_MAX);
	keep_put_text(out, cert->key_alg);
	wire_put_u32(out, cert->key_bits);
	wire_put_u32(out, cert->subject_hash);
	keep_put_bool(out, cert->is_ca);
	keep_put_bool(out, cert->self_issued);
	keep_put_bool(out, cert->logon_eligible);
	keep_put_bool(out, cert->host);
	keep_put_text(out, cert->upn);
	keep_put_text(out, cert->email);
}

static void
get_cert_facts(struct wire_in *in, struct keep_cert *cert)
{
	cert->kind = keep_get_enum(in, KEEP_USER, KEEP_PREEXISTING);
	cert->der = get_der(in);
	cert->subject = keep_get_text(in);
	cert->issuer = keep_get_text(in);
	cert->serial = keep_get_text(in);
	cert->not_before = keep_get_time(in);
	cert->not_after = keep_get_time(in);
	cert->ski = keep_get_blob(in, KEEP_TEXT_MAX);
	cert->aki = keep_get_blob(in, KEEP_TEXT_MAX);
	cert->key_alg = keep_get_text(in);
	cert->key_bits = wire_u32(in);
	cert->subject_hash = wire_u32(in);
	cert->is_ca = keep_get_bool(in);
	cert->self_issued = keep_get_bool(in);
	cert->logon_eligible = keep_get_bool(in);
	cert->host = keep_get_bool(in);
	cert->upn = keep_get_text(in);
	cert->email = keep_get_text(in);
}

/* What the card adds: the properties of the certificate context. */
void
keep_put_cert(struct wire_out *out, const struct keep_cert *cert)
{
	put_cert_facts(out, cert);
	keep_put_text(out, cert->friendly_name);
	keep_put_text(out, cert->prov_name);
	wire_put_u32(out, cert->prov_type);
	wire_put_u32(out, cert->prov_flags);
	wire_put_u32(out, cert->key_spec);
	keep_put_text(out, cert->container);
	keep_put_text(out, cert->pkcs11_uri);
	keep_put_blob(out, cert->enrollment, KEEP_TEXT_MAX);
	keep_put_blob(out, cert->card_data, KEEP_TEXT_MAX);
	keep_put_bool(out, cert->has_pin);
	wire_put_u32(out, cert->pin_id);
	keep_put_blob(out, cert->pin_info, KEEP_TEXT_MAX);
}

void
keep_get_cert(struct wire_in *in, struct keep_cert *cert)
{
	get_cert_facts(in, cert);
	cert->friendly_name = keep_get_text(in);
	cert->prov_name = keep_get_text(in);
	cert->prov_type = wire_u32(in);
	cert->prov_flags = wire_u32(in);
	cert->key_spec = wire_u32(in);
	cert->container = keep_get_text(in);
	cert->pkcs11_uri = keep_get_text(in);
	cert->enrollment = keep_get_blob(in, KEEP_TEXT_MAX);
	cert->card_data = keep_get_blob(in, KEEP_TEXT_MAX);
	cert->has_pin = keep_get_bool(in);
	cert->pin_id = wire_u32(in);
	cert->pin_info = keep_get_blob(in, KEEP_TEXT_MAX);
}

void
keep_put_release(struct wire_out *out, const struct keep_release *release)
{
	wire_put_u32(out, release->reader);
	wire_put_bytes(out, release->card_id, KEEP_CARD_ID_LEN);
	keep_put_bool(out, release->roots);
	keep_put_bool(out, release->user);
}

void
keep_get_release(struct wire_in *in, struct keep_release *release)
{
	release->reader = wire_u32(in);
	keep_get_id(in, release->card_id, KEEP_CARD_ID_LEN);
	release->roots = keep_get_bool(in);
	release->user = keep_get_bool(in);
}
