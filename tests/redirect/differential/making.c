#include "making.h"

#include "utf16.h"

#include <string.h>

struct making
making(uint64_t seed, uint8_t *room, size_t size)
{
	struct making m = {
	    .state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1,
	    .room = room,
	    .size = size,
	};

	return m;
}

/* xorshift64*. */
static uint32_t
number(struct making *m)
{
	m->state ^= m->state >> 12;
	m->state ^= m->state << 25;
	m->state ^= m->state >> 27;
	return (uint32_t)(m->state * UINT64_C(0x2545F4914F6CDD1D) >> 32);
}

uint32_t
making_below(struct making *m, uint32_t n)
{
	return n == 0 ? 0 : number(m) % n;
}

static bool
one_in(struct making *m, uint32_t n)
{
	return making_below(m, n) == 0;
}

/* Mostly small; at times one that looks like what peers send. */
static uint32_t
value(struct making *m)
{
	static const uint32_t known[] = {0, 1, 2, 3, 0x10000, UINT32_MAX};

	if (one_in(m, 2))
		return known[making_below(m, 6)];
	return one_in(m, 2) ? making_below(m, 300) : number(m);
}

static struct wire_view
bytes(struct making *m, uint32_t len)
{
	struct wire_view view = {m->room + m->used, len};

	for (uint32_t i = 0; i < len; i++)
		m->room[m->used + i] = (uint8_t)number(m);
	m->used += len;
	return view;
}

/* Short, at times long, up to max. */
static uint32_t
length(struct making *m, uint32_t max)
{
	if (one_in(m, 500))
		return max - making_below(m, 2);
	return making_below(m, one_in(m, 20) ? 4000 : 40) % (max + 1);
}

static struct esc_bytes
counted(struct making *m, uint32_t max)
{
	struct esc_bytes b = {.present = !one_in(m, 4)};

	if (b.present)
		b.view = bytes(m, 1 + length(m, max - 1));
	return b;
}

static struct esc_id
id(struct making *m)
{
	static const uint8_t lens[] = {4, 8, 8, 8, 8, 8};
	struct esc_id made = {.len = lens[making_below(m, 6)]};

	if (one_in(m, 40))
		made.len = (uint8_t)making_below(m, ESC_ID_MAX + 1);
	for (size_t i = 0; i < made.len; i++)
		made.bytes[i] = (uint8_t)number(m);
	return made;
}

static struct esc_handle
handle(struct making *m)
{
	struct esc_handle made = {.context = id(m), .card = id(m)};

	return made;
}

/* The letters of the A form are ASCII: it has no other that all agree on. */
static void
letters(struct making *m, enum esc_form form, uint32_t min,
        struct esc_name *name)
{
	static const char *const wide[] = {"\xC3\xA9", "\xE2\x82\xAC",
	                                   "\xE5\xAD\x97", "\xF0\x9F\x94\x91"};
	uint32_t max = one_in(m, 20) ? ESC_NAME_MAX - 1 : 24;
	uint32_t count = min + making_below(m, max);
	struct wire_out out = wire_out(name->text, ESC_NAME_SIZE - 1);

	name->present = true;
	for (uint32_t i = 0; i < count; i++) {
		if (form == ESC_WIDE && one_in(m, 8)) {
			wire_put_view(&out,
			              wire_view_text(wide[making_below(m, 4)]));
			i++; /* the last of them is two units */
		} else {
			wire_put_u8(&out, (uint8_t)(' ' + making_below(m, 95)));
		}
	}
	name->text[out.len] = '\0';
	if (utf16_units(wire_written(&out)) > ESC_NAME_MAX)
		name->text[ESC_NAME_MAX / 4] = '\0';
	if (utf16_units(wire_view_text(name->text)) == SIZE_MAX)
		name->text[0] = '\0';
	if (min > 0 && name->text[0] == '\0')
		memcpy(name->text, "x", 2);
}

static struct esc_name
name(struct making *m, enum esc_form form)
{
	struct esc_name made = {.present = false};

	if (!one_in(m, 20))
		letters(m, form, 0, &made);
	return made;
}

static void
names(struct making *m, enum esc_form form, struct esc_names *made)
{
	memset(made, 0, sizeof(*made));
	made->present = !one_in(m, 3);
	if (!made->present)
		return;
	made->count = making_below(m, one_in(m, 10) ? ESC_NAMES_MAX + 1 : 4);
	for (size_t i = 0; i < made->count; i++)
		letters(m, form, 1, &made->list[i]);
}

static struct esc_atr
atr(struct making *m, uint32_t max)
{
	struct esc_atr made = {.len = (uint8_t)making_below(m, max + 1)};

	for (size_t i = 0; i < made.len; i++)
		made.bytes[i] = (uint8_t)number(m);
	return made;
}

static uint32_t
states(struct making *m, enum esc_form form, struct esc_reader_state *made)
{
	uint32_t count =
	    making_below(m, one_in(m, 50) ? ESC_STATES_MAX + 1 : 5);

	for (uint32_t i = 0; i < count; i++) {
		made[i].reader = name(m, form);
		made[i].current = value(m);
		made[i].event = value(m);
		made[i].atr = atr(m, ESC_ATR_MAX);
	}
	return count;
}

static struct esc_pci
pci(struct making *m)
{
	struct esc_pci made = {.protocol = value(m)};

	if (one_in(m, 4))
		made.extra = counted(m, ESC_EXTRA_MAX);
	return made;
}

static struct esc_uuid
uuid(struct making *m)
{
	struct esc_uuid made = {.present = !one_in(m, 5)};

	if (made.present)
		memcpy(made.bytes, bytes(m, ESC_UUID_LEN).data, ESC_UUID_LEN);
	return made;
}

static struct esc_masks
masks(struct making *m)
{
	struct esc_masks made = {.count =
	                             making_below(m, one_in(m, 100) ? 300 : 5)};
	struct wire_out out =
	    wire_out(m->room + m->used, (size_t)made.count * ESC_MASK_LEN);

	for (uint32_t i = 0; i < made.count; i++) {
		struct esc_mask mask = {.atr = atr(m, ESC_ATR_MAX)};

		for (size_t j = 0; j < ESC_ATR_MAX; j++)
			mask.mask[j] = (uint8_t)number(m);
		esc_mask_put(&out, &mask);
	}
	m->used += out.len;
	made.view = wire_written(&out);
	return made;
}

/* A multistring as it travels. */
static struct esc_bytes
cards(struct making *m, enum esc_form form)
{
	size_t unit = form == ESC_WIDE ? 2 : 1;
	struct wire_out out = wire_out(m->room + m->used, 1024);
	struct esc_bytes made = {.present = !one_in(m, 3)};
	uint32_t count = 1 + making_below(m, 3);

	if (!made.present)
		return made;
	for (uint32_t i = 0; i < count; i++) {
		for (uint32_t j = 1 + making_below(m, 20); j > 0; j--) {
			wire_put_u8(&out, (uint8_t)('!' + making_below(m, 94)));
			wire_put_zeros(&out, unit - 1);
		}
		wire_put_zeros(&out, unit);
	}
	wire_put_zeros(&out, unit);
	m->used += out.len;
	made.view = wire_written(&out);
	return made;
}

static void
call_of_card(struct making *m, uint32_t code, struct esc_call *call)
{
	struct esc_handle made = handle(m);

	switch (code) {
	case IOCTL_RECONNECT:
		call->reconnect.handle = made;
		call->reconnect.share_mode = value(m);
		call->reconnect.protocols = value(m);
		call->reconnect.initialization = value(m);
		break;
	case IOCTL_STATUS_A:
	case IOCTL_STATUS_W:
		call->status.chars = value(m);
		/* fallthrough */
	case IOCTL_STATE:
		call->status.handle = made;
		call->status.names_null = value(m);
		call->status.atr_len = value(m);
		break;
	case IOCTL_TRANSMIT:
		call->transmit.handle = made;
		call->transmit.send_pci = pci(m);
		call->transmit.send = bytes(m, length(m, ESC_BUFFER_MAX));
		call->transmit.recv_pci_present = one_in(m, 3);
		if (call->transmit.recv_pci_present)
			call->transmit.recv_pci = pci(m);
		call->transmit.recv_null = value(m);
		call->transmit.recv_len = value(m);
		break;
	case IOCTL_CONTROL:
		call->control.handle = made;
		call->control.code = value(m);
		call->control.input = counted(m, ESC_BUFFER_MAX);
		call->control.output_null = value(m);
		call->control.output_len = value(m);
		break;
	case IOCTL_GET_ATTRIB:
		call->attrib.handle = made;
		call->attrib.id = value(m);
		call->attrib.data_null = value(m);
		call->attrib.data_len = value(m);
		break;
	case IOCTL_SET_ATTRIB:
		call->set_attrib.handle = made;
		call->set_attrib.id = value(m);
		call->set_attrib.data = counted(m, ESC_DATA_MAX);
		break;
	case IOCTL_GET_TRANSMIT_COUNT:
		call->handle.handle = made;
		break;
	default:
		call->hcard.handle = made;
		call->hcard.disposition = value(m);
		break;
	}
}

static void
call_of_names(struct making *m, const struct ioctl *row, struct esc_call *call)
{
	if (row->decode_call == esc_connect_call_decode) {
		call->connect.reader = name(m, row->form);
		call->connect.context = id(m);
		call->connect.share_mode = value(m);
		call->connect.protocols = value(m);
	} else if (row->decode_call == esc_reader_call_decode) {
		call->reader.context = id(m);
		call->reader.reader = name(m, row->form);
	} else if (row->decode_call == esc_pair_call_decode) {
		call->pair.context = id(m);
		call->pair.reader = name(m, row->form);
		call->pair.other = name(m, row->form);
	} else if (row->decode_call == esc_read_cache_call_decode) {
		call->read_cache.lookup = name(m, row->form);
		call->read_cache.context = id(m);
		call->read_cache.card = uuid(m);
		call->read_cache.freshness = value(m);
		call->read_cache.data_null = value(m);
		call->read_cache.data_len = value(m);
	} else if (row->decode_call == esc_write_cache_call_decode) {
		call->write_cache.lookup = name(m, row->form);
		call->write_cache.context = id(m);
		call->write_cache.card = uuid(m);
		call->write_cache.freshness = value(m);
		call->write_cache.data = counted(m, ESC_DATA_MAX);
	}
}

static void
call_of_lists(struct making *m, const struct ioctl *row, struct esc_call *call)
{
	if (row->decode_call == esc_groups_call_decode ||
	    row->decode_call == esc_list_call_decode) {
		call->list.context = id(m);
		call->list.names_null = value(m);
		call->list.chars = value(m);
		if (row->decode_call == esc_list_call_decode)
			names(m, row->form, &call->list.groups);
	} else if (row->decode_call == esc_watch_call_decode) {
		call->watch.context = id(m);
		call->watch.timeout_ms = value(m);
		call->watch.count = states(m, row->form, call->watch.states);
	} else if (row->decode_call == esc_locate_call_decode) {
		call->locate.context = id(m);
		call->locate.cards = cards(m, row->form);
		call->locate.count = states(m, row->form, call->locate.states);
	} else if (row->decode_call == esc_locate_atr_call_decode) {
		call->locate.context = id(m);
		call->locate.masks = masks(m);
		call->locate.count = states(m, row->form, call->locate.states);
	}
}

void
making_call(struct making *m, const struct ioctl *row, struct esc_call *call)
{
	memset(call, 0, sizeof(*call));
	call->form = row->form;
	m->used = 0;
	if (row->subject == IOCTL_OF_CARD)
		call_of_card(m, row->code, call);
	else if (row->decode_call == esc_establish_call_decode)
		call->establish.scope = value(m);
	else if (row->decode_call == esc_event_call_decode)
		call->event.value = value(m);
	else if (row->decode_call == esc_context_call_decode)
		call->context.context = id(m);
	call_of_names(m, row, call);
	call_of_lists(m, row, call);
}

static uint32_t
code(struct making *m)
{
	static const uint32_t codes[] = {
	    ESC_E_CANCELLED,           ESC_E_TIMEOUT,
	    ESC_E_INSUFFICIENT_BUFFER, ESC_E_NO_READERS_AVAILABLE,
	    ESC_E_NO_SERVICE,          ESC_W_REMOVED_CARD};

	return one_in(m, 4) ? codes[making_below(m, 6)] : ESC_S_SUCCESS;
}

static struct esc_id
some_id(struct making *m)
{
	struct esc_id made = id(m);

	while (made.len == 0)
		made = id(m);
	return made;
}

static void
return_of_card(struct making *m, const struct ioctl *row,
               struct esc_return *ret)
{
	if (row->decode_return == esc_state_return_decode) {
		ret->state.state = value(m);
		ret->state.protocol = value(m);
		ret->state.atr = atr(m, ESC_ATR_MAX);
	} else if (row->decode_return == esc_status_return_decode) {
		names(m, row->form, &ret->status.names);
		ret->status.state = value(m);
		ret->status.protocol = value(m);
		ret->status.atr = atr(m, ESC_STATUS_ATR_LEN);
	} else if (row->decode_return == esc_transmit_return_decode) {
		ret->transmit.pci_present = one_in(m, 3);
		if (ret->transmit.pci_present)
			ret->transmit.pci = pci(m);
		ret->transmit.recv = counted(m, ESC_BUFFER_MAX);
	} else if (row->decode_return == esc_connect_return_decode) {
		ret->connect.protocol = value(m);
		if (ret->code == ESC_S_SUCCESS || one_in(m, 10)) {
			ret->connect.handle.context = id(m);
			ret->connect.handle.card = some_id(m);
		}
	}
}

void
making_return(struct making *m, const struct ioctl *row, struct esc_return *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->form = row->form;
	ret->code = code(m);
	m->used = 0;
	return_of_card(m, row, ret);
	if (row->decode_return == esc_establish_return_decode &&
	    (ret->code == ESC_S_SUCCESS || one_in(m, 10)))
		ret->establish.context = some_id(m);
	if (row->decode_return == esc_list_return_decode)
		names(m, row->form, &ret->list.names);
	if (row->decode_return == esc_number_return_decode)
		ret->number.value = value(m);
	if (row->decode_return == esc_data_return_decode)
		ret->data.data = counted(m, ESC_BUFFER_MAX);
	if (row->decode_return != esc_watch_return_decode)
		return;
	ret->watch.count =
	    making_below(m, one_in(m, 50) ? ESC_STATES_MAX + 1 : 5);
	for (uint32_t i = 0; i < ret->watch.count; i++) {
		ret->watch.states[i].current = value(m);
		ret->watch.states[i].event = value(m);
		ret->watch.states[i].atr = atr(m, ESC_ATR_MAX);
	}
}
