#include "esc_part.h"

#include "utf16.h"

#include <string.h>

/* Characters of a string on the wire: some peers end it with two NULs. */
enum { TERMINATORS_MAX = 2 };

bool
esc_id_equal(const struct esc_id *a, const struct esc_id *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

struct esc_part_ref
esc_part_ref(struct ndr_in *in, const char *field, uint32_t max)
{
	struct esc_part_ref ref = {.field = field};

	ref.len = ndr_count(in, field, max);
	ref.present = ndr_pointer(in, field);
	return ref;
}

void
esc_part_id(struct ndr_in *in, struct esc_part_ref ref, struct esc_id *id)
{
	struct wire_view view = {NULL, 0};

	if (ref.present)
		view = ndr_bytes(in, ref.field, ref.len);
	else if (ref.len > 0)
		ndr_fail(in, ref.field, WIRE_VALUE);
	memset(id, 0, sizeof(*id));
	if (view.len > 0 && view.len <= ESC_ID_MAX) {
		memcpy(id->bytes, view.data, view.len);
		id->len = (uint8_t)view.len;
	}
}

void
esc_part_bytes(struct ndr_in *in, struct esc_part_ref ref,
               struct esc_bytes *bytes)
{
	static const struct esc_bytes none = {.size = 0};

	*bytes = none;
	bytes->size = ref.len;
	bytes->present = ref.present;
	if (ref.present)
		bytes->view = ndr_bytes(in, ref.field, ref.len);
}

static size_t
unit_of(enum esc_form form)
{
	return form == ESC_WIDE ? 2 : 1;
}

static uint32_t
take_unit(struct wire_in *in, enum esc_form form)
{
	return form == ESC_WIDE ? wire_u16(in) : wire_u8(in);
}

/* Bytes before the next terminator; without one the cursor faults. */
static size_t
text_len(struct wire_in *in, enum esc_form form)
{
	struct wire_in scan = *in;
	size_t len = 0;

	while (take_unit(&scan, form) != 0)
		len += unit_of(form);
	if (!wire_ok(&scan))
		wire_fail(in, WIRE_VALUE);
	return wire_ok(in) ? len : 0;
}

/* One text and its terminator; false: it is too long for a name. */
static bool
take_text(struct wire_in *in, enum esc_form form, struct esc_name *name)
{
	struct wire_in text = wire_sub(in, text_len(in, form));
	struct wire_out out = wire_out(name->text, ESC_NAME_SIZE - 1);

	(void)take_unit(in, form);
	if (form == ESC_WIDE)
		(void)utf16_to_utf8(&text, &out);
	else
		(void)utf16_bytes_to_utf8(wire_rest(&text), &out);
	name->text[out.len] = '\0';
	name->present = true;
	if (!wire_ok(&text))
		wire_fail(in, WIRE_VALUE);
	return wire_out_ok(&out) &&
	       utf16_units(wire_written(&out)) <= ESC_NAME_MAX;
}

/* Nothing but terminators may follow the last text. */
static void
take_end(struct wire_in *in)
{
	while (wire_ok(in) && in->left > 0)
		if (wire_u8(in) != 0)
			wire_fail(in, WIRE_VALUE);
}

void
esc_part_names(struct ndr_in *in, enum esc_form form, struct esc_part_ref ref,
               struct esc_names *names)
{
	struct wire_in text = wire_in(NULL, 0);
	struct esc_name name;

	names->count = 0;
	names->ignored = 0;
	names->present = ref.present;
	names->size = ref.len;
	if (ref.present)
		text = wire_in_view(ndr_bytes(in, ref.field, ref.len));
	if (text.left % unit_of(form) != 0)
		wire_fail(&text, WIRE_VALUE);
	while (wire_ok(&text) && text.left > 0 && text_len(&text, form) > 0) {
		bool room = names->count < ESC_NAMES_MAX;

		if (take_text(&text, form,
		              room ? &names->list[names->count] : &name) &&
		    room)
			names->count++;
		else
			names->ignored++;
	}
	take_end(&text);
	ndr_fail(in, ref.field, text.fault);
}

void
esc_part_name(struct ndr_in *in, const char *field, enum esc_form form,
              bool present, struct esc_name *name)
{
	struct wire_in text;

	name->text[0] = '\0';
	name->present = present;
	if (!present)
		return;
	text = wire_in_view(
	    ndr_string(in, field, (uint32_t)unit_of(form),
	               (form == ESC_WIDE ? ESC_NAME_MAX : ESC_NAME_SIZE - 1) +
	                   TERMINATORS_MAX));
	if (!take_text(&text, form, name))
		ndr_exceed(in, field, ESC_NAME_MAX);
	take_end(&text);
	ndr_fail(in, field, text.fault);
}

void
esc_part_text(struct ndr_in *in, enum esc_form form, struct esc_part_ref ref,
              struct esc_bytes *bytes)
{
	struct esc_name name;
	struct wire_in text;

	esc_part_bytes(in, ref, bytes);
	if (!ref.present && ref.len > 0)
		ndr_fail(in, ref.field, WIRE_VALUE);
	text = wire_in_view(bytes->view);
	if (text.left % unit_of(form) != 0)
		wire_fail(&text, WIRE_VALUE);
	while (wire_ok(&text) && text.left > 0 && text_len(&text, form) > 0)
		if (!take_text(&text, form, &name))
			ndr_exceed(in, ref.field, ESC_NAME_MAX);
	take_end(&text);
	ndr_fail(in, ref.field, text.fault);
}

/*
 * ReaderStateA or ReaderStateW where it stands; its name is deferred.  That
 * referent may be another state's too: xrdp 0.9 gives all the same one.
 */
static void
take_state(struct ndr_in *in, struct esc_reader_state *state)
{
	uint32_t referent = ndr_u32(in, "szReader");
	uint32_t len;

	state->reader.present = referent != 0;
	in->aliased = in->aliased || (referent != 0 && referent == in->name);
	in->name = referent;
	state->current = ndr_u32(in, "dwCurrentState");
	state->event = ndr_u32(in, "dwEventState");
	len = ndr_count(in, "cbAtr", ESC_ATR_MAX);
	esc_part_atr(in, len, ndr_fixed(in, "rgbAtr", ESC_ATR_MAX),
	             &state->atr);
}

uint32_t
esc_part_states(struct ndr_in *in, enum esc_form form, struct esc_part_ref ref,
                struct esc_reader_state *states)
{
	if (ref.present)
		ndr_array(in, ref.field, ref.len);
	else if (ref.len > 0)
		ndr_fail(in, ref.field, WIRE_VALUE);
	for (uint32_t i = 0; i < ref.len && wire_ok(&in->wire); i++)
		take_state(in, &states[i]);
	for (uint32_t i = 0; i < ref.len && wire_ok(&in->wire); i++) {
		struct esc_name *reader = &states[i].reader;

		esc_part_name(in, "szReader", form, reader->present, reader);
	}
	return ref.len;
}

void
esc_part_uuid(struct ndr_in *in, struct esc_uuid *uuid)
{
	struct wire_view view = {NULL, 0};

	if (uuid->present)
		view = ndr_fixed(in, "CardIdentifier", ESC_UUID_LEN);
	memset(uuid->bytes, 0, sizeof(uuid->bytes));
	if (view.len > 0)
		memcpy(uuid->bytes, view.data, view.len);
}

void
esc_part_atr(struct ndr_in *in, uint32_t len, struct wire_view array,
             struct esc_atr *atr)
{
	memset(atr, 0, sizeof(*atr));
	if (len > array.len)
		ndr_exceed(in, "cbAtr", (uint32_t)array.len);
	if (!wire_ok(&in->wire) || len == 0 || len > ESC_ATR_MAX)
		return;
	memcpy(atr->bytes, array.data, len);
	atr->len = (uint8_t)len;
}

struct esc_part_ref
esc_part_pci(struct ndr_in *in, struct esc_pci *pci)
{
	pci->protocol = ndr_u32(in, "dwProtocol");
	return esc_part_ref(in, "pbExtraBytes", ESC_EXTRA_MAX);
}

struct esc_part_handle
esc_part_handle_ref(struct ndr_in *in)
{
	struct esc_part_handle ref;

	ref.context = esc_part_ref(in, "pbContext", ESC_ID_MAX);
	ref.card = esc_part_ref(in, "pbHandle", ESC_ID_MAX);
	return ref;
}

void
esc_part_handle(struct ndr_in *in, struct esc_part_handle ref,
                struct esc_handle *handle)
{
	esc_part_id(in, ref.context, &handle->context);
	esc_part_id(in, ref.card, &handle->card);
}

void
esc_part_put_id_ref(struct ndr_out *out, const struct esc_id *id)
{
	if (id->len > ESC_ID_MAX)
		ndr_put_fail(out, WIRE_LIMIT);
	ndr_put_u32(out, id->len);
	ndr_put_pointer(out, id->len > 0);
}

void
esc_part_put_id(struct ndr_out *out, const struct esc_id *id)
{
	struct wire_view view = {id->bytes, id->len};

	if (id->len > 0 && id->len <= ESC_ID_MAX)
		ndr_put_bytes(out, view);
}

void
esc_part_put_handle_ref(struct ndr_out *out, const struct esc_handle *handle)
{
	esc_part_put_id_ref(out, &handle->context);
	esc_part_put_id_ref(out, &handle->card);
}

void
esc_part_put_handle(struct ndr_out *out, const struct esc_handle *handle)
{
	esc_part_put_id(out, &handle->context);
	esc_part_put_id(out, &handle->card);
}

void
esc_part_put_bytes_ref(struct ndr_out *out, const struct esc_bytes *bytes,
                       size_t max)
{
	size_t len = bytes->present ? bytes->view.len : bytes->size;

	if (len > max)
		ndr_put_fail(out, WIRE_LIMIT);
	ndr_put_u32(out, (uint32_t)len);
	ndr_put_pointer(out, bytes->present);
}

void
esc_part_put_bytes(struct ndr_out *out, const struct esc_bytes *bytes)
{
	if (bytes->present)
		ndr_put_bytes(out, bytes->view);
}

/* The text of a name as it will be written. */
static struct wire_view
text_of(const struct esc_name *name)
{
	struct wire_view view = {(const uint8_t *)name->text,
	                         strnlen(name->text, ESC_NAME_SIZE)};

	return view;
}

/* Characters without the terminator; a fault when it is no name. */
static size_t
char_count(struct ndr_out *out, enum esc_form form, struct wire_view text)
{
	size_t units = utf16_units(text);

	if (units == SIZE_MAX) {
		ndr_put_fail(out, WIRE_VALUE);
		return 0;
	}
	if (units > ESC_NAME_MAX)
		ndr_put_fail(out, WIRE_LIMIT);
	return form == ESC_WIDE ? units : text.len;
}

/* The characters of a text and its terminator. */
static void
put_text(struct ndr_out *out, enum esc_form form, struct wire_view text)
{
	struct wire_in in = wire_in_view(text);

	if (form == ESC_WIDE)
		(void)utf16_from_utf8(&in, out->wire);
	else
		wire_put_view(out->wire, text);
	wire_put_zeros(out->wire, unit_of(form));
}

/* Bytes of a multistring: each text with its end, and an empty one. */
static size_t
names_size(struct ndr_out *out, enum esc_form form,
           const struct esc_names *names)
{
	size_t chars = names->count == 0 ? 2 : 1;

	for (size_t i = 0; i < names->count && i < ESC_NAMES_MAX; i++) {
		struct wire_view text = text_of(&names->list[i]);

		if (text.len == 0)
			ndr_put_fail(out, WIRE_VALUE);
		chars += char_count(out, form, text) + 1;
	}
	return chars * unit_of(form);
}

void
esc_part_put_names_ref(struct ndr_out *out, enum esc_form form,
                       const struct esc_names *names)
{
	size_t size =
	    names->present ? names_size(out, form, names) : names->size;

	if (names->count > ESC_NAMES_MAX || size > ESC_TEXT_MAX)
		ndr_put_fail(out, WIRE_LIMIT);
	ndr_put_u32(out, (uint32_t)size);
	ndr_put_pointer(out, names->present);
}

void
esc_part_put_names(struct ndr_out *out, enum esc_form form,
                   const struct esc_names *names)
{
	if (!names->present)
		return;
	ndr_put_array(out, (uint32_t)names_size(out, form, names));
	for (size_t i = 0; i < names->count && i < ESC_NAMES_MAX; i++)
		put_text(out, form, text_of(&names->list[i]));
	wire_put_zeros(out->wire, unit_of(form) * (names->count == 0 ? 2 : 1));
}

void
esc_part_put_name(struct ndr_out *out, enum esc_form form,
                  const struct esc_name *name)
{
	struct wire_view text = text_of(name);

	if (!name->present)
		return;
	ndr_put_string(out, (uint32_t)char_count(out, form, text) + 1);
	put_text(out, form, text);
}

static void
put_state(struct ndr_out *out, const struct esc_reader_state *state)
{
	ndr_put_pointer(out, state->reader.present);
	ndr_put_u32(out, state->current);
	ndr_put_u32(out, state->event);
	ndr_put_u32(out, state->atr.len);
	esc_part_put_atr(out, &state->atr, ESC_ATR_MAX);
}

void
esc_part_put_states_ref(struct ndr_out *out, uint32_t count)
{
	if (count > ESC_STATES_MAX)
		ndr_put_fail(out, WIRE_LIMIT);
	ndr_put_u32(out, count);
	ndr_put_pointer(out, count > 0);
}

void
esc_part_put_states(struct ndr_out *out, enum esc_form form,
                    const struct esc_reader_state *states, uint32_t count)
{
	if (count == 0 || count > ESC_STATES_MAX)
		return;
	ndr_put_array(out, count);
	for (uint32_t i = 0; i < count; i++)
		put_state(out, &states[i]);
	for (uint32_t i = 0; i < count; i++)
		esc_part_put_name(out, form, &states[i].reader);
}

void
esc_part_put_uuid(struct ndr_out *out, const struct esc_uuid *uuid)
{
	struct wire_view view = {uuid->bytes, ESC_UUID_LEN};

	if (uuid->present)
		ndr_put_fixed(out, view);
}

void
esc_part_put_atr(struct ndr_out *out, const struct esc_atr *atr, size_t size)
{
	if (atr->len > size || atr->len > ESC_ATR_MAX) {
		ndr_put_fail(out, WIRE_LIMIT);
		return;
	}
	wire_put_bytes(out->wire, atr->bytes, atr->len);
	wire_put_zeros(out->wire, size - atr->len);
}

void
esc_part_put_pci(struct ndr_out *out, const struct esc_pci *pci)
{
	ndr_put_u32(out, pci->protocol);
	esc_part_put_bytes_ref(out, &pci->extra, ESC_EXTRA_MAX);
}
