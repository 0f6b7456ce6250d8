#include "esc_part.h"

/* The parts that both calls begin with, where they stand. */
static struct esc_part_ref
take_head(struct ndr_in *in, struct esc_name *lookup, struct esc_uuid *card)
{
	struct esc_part_ref context;

	lookup->present = ndr_pointer(in, "szLookupName");
	context = esc_part_ref(in, "pbContext", ESC_ID_MAX);
	card->present = ndr_pointer(in, "CardIdentifier");
	return context;
}

static void
put_head(struct ndr_out *out, const struct esc_name *lookup,
         const struct esc_id *context, const struct esc_uuid *card)
{
	ndr_put_pointer(out, lookup->present);
	esc_part_put_id_ref(out, context);
	ndr_put_pointer(out, card->present);
}

bool
esc_read_cache_call_decode(struct ndr_in *in, struct esc_call *call)
{
	struct esc_name *lookup = &call->read_cache.lookup;
	struct esc_uuid *card = &call->read_cache.card;
	struct esc_part_ref context = take_head(in, lookup, card);

	call->read_cache.freshness = ndr_u32(in, "FreshnessCounter");
	call->read_cache.data_null = ndr_u32(in, "fPbDataIsNULL");
	call->read_cache.data_len = ndr_u32(in, "cbDataLen");
	esc_part_name(in, "szLookupName", call->form, lookup->present, lookup);
	esc_part_id(in, context, &call->read_cache.context);
	esc_part_uuid(in, card);
	return wire_ok(&in->wire);
}

void
esc_read_cache_call_encode(struct ndr_out *out, const struct esc_call *call)
{
	put_head(out, &call->read_cache.lookup, &call->read_cache.context,
	         &call->read_cache.card);
	ndr_put_u32(out, call->read_cache.freshness);
	ndr_put_u32(out, call->read_cache.data_null);
	ndr_put_u32(out, call->read_cache.data_len);
	esc_part_put_name(out, call->form, &call->read_cache.lookup);
	esc_part_put_id(out, &call->read_cache.context);
	esc_part_put_uuid(out, &call->read_cache.card);
}

bool
esc_write_cache_call_decode(struct ndr_in *in, struct esc_call *call)
{
	struct esc_name *lookup = &call->write_cache.lookup;
	struct esc_uuid *card = &call->write_cache.card;
	struct esc_bytes *bytes = &call->write_cache.data;
	struct esc_part_ref context = take_head(in, lookup, card);
	struct esc_part_ref data;

	call->write_cache.freshness = ndr_u32(in, "FreshnessCounter");
	data = esc_part_ref(in, "pbData", ESC_DATA_MAX);
	esc_part_name(in, "szLookupName", call->form, lookup->present, lookup);
	esc_part_id(in, context, &call->write_cache.context);
	esc_part_uuid(in, card);
	esc_part_bytes(in, data, bytes);
	if (!bytes->present && bytes->size > 0)
		ndr_fail(in, "pbData", WIRE_VALUE);
	return wire_ok(&in->wire);
}

void
esc_write_cache_call_encode(struct ndr_out *out, const struct esc_call *call)
{
	put_head(out, &call->write_cache.lookup, &call->write_cache.context,
	         &call->write_cache.card);
	ndr_put_u32(out, call->write_cache.freshness);
	esc_part_put_bytes_ref(out, &call->write_cache.data, ESC_DATA_MAX);
	esc_part_put_name(out, call->form, &call->write_cache.lookup);
	esc_part_put_id(out, &call->write_cache.context);
	esc_part_put_uuid(out, &call->write_cache.card);
	esc_part_put_bytes(out, &call->write_cache.data);
}
