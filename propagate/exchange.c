#include "exchange.h"
#include "atr.h"
#include "tlv.h"

#include <stdlib.h>
#include <string.h>

enum { EXCHANGE_PROTOCOL_T0 = 1 };

void
exchange_init(struct exchange *ex, const struct card_hints *hints)
{
	bool t0 = hints->protocol == EXCHANGE_PROTOCOL_T0;
	enum atr_extended said = atr_extended(hints->atr);

	memset(ex, 0, sizeof(*ex));
	ex->plain = t0 ? APDU_SHORT_T0 : APDU_SHORT;
	ex->length = hints->length;
	ex->may_extend = !t0 && said != ATR_EXTENDED_NO;
	ex->announced = said == ATR_EXTENDED_YES;
}

static void
drop_data(struct exchange *ex)
{
	free(ex->data);
	ex->data = NULL;
	ex->len = 0;
}

void
exchange_clear(struct exchange *ex)
{
	drop_data(ex);
}

/* The first command, in the form chosen; all that was read is dropped. */
static void
build(struct exchange *ex)
{
	struct wire_view name = {ex->want.name, ex->want.name_len};

	drop_data(ex);
	ex->chain = 0;
	ex->corrected = false;
	if (ex->want.ins == APDU_SELECT)
		ex->sent = apdu_select(name, ex->form);
	else
		ex->sent = apdu_get_data(ex->want.file, name, ex->form);
}

static bool
is_worth_extending(const struct exchange *ex, const struct exchange_want *want)
{
	if (!want->large || !ex->may_extend || ex->length == CARD_LENGTH_SHORT)
		return false;
	return !want->cautious || ex->announced ||
	       ex->length == CARD_LENGTH_EXTENDED;
}

void
exchange_begin(struct exchange *ex, const struct exchange_want *want)
{
	bool extend = is_worth_extending(ex, want);

	memset(&ex->result, 0, sizeof(ex->result));
	ex->want = *want;
	ex->form = extend ? APDU_EXTENDED : ex->plain;
	build(ex);
}

static enum exchange_step
finish(struct exchange *ex, enum exchange_outcome outcome, const char *reason)
{
	ex->result.outcome = outcome;
	ex->result.reason = reason;
	ex->result.data.data = ex->data;
	ex->result.data.len = ex->len;
	if (outcome == EXCHANGE_OK && ex->form == APDU_EXTENDED)
		ex->length = CARD_LENGTH_EXTENDED;
	return EXCHANGE_DONE;
}

/*
 * It did not work.  In extended form that says nothing about the object: card
 * or reader may not know the form, so the same is asked once more in short.
 */
static enum exchange_step
give_up(struct exchange *ex, const char *reason)
{
	if (ex->form != APDU_EXTENDED)
		return finish(ex, EXCHANGE_FAULT, reason);
	ex->length = CARD_LENGTH_SHORT;
	ex->form = ex->plain;
	build(ex);
	return EXCHANGE_SEND;
}

static struct wire_view
received(const struct exchange *ex)
{
	struct wire_view view = {ex->data, ex->len};

	return view;
}

/* A literal when the bytes cannot be kept. */
static const char *
append(struct exchange *ex, struct wire_view body)
{
	struct wire_out out;
	uint8_t *grown;

	if (body.len == 0)
		return NULL;
	if (body.len > ex->want.limit - ex->len)
		return "is larger than its limit";
	grown = realloc(ex->data, ex->len + body.len);
	if (grown == NULL)
		return "no memory";
	ex->data = grown;
	out = wire_out(ex->data, ex->len + body.len);
	out.len = ex->len;
	wire_put_view(&out, body);
	ex->len = out.len;
	return NULL;
}

/* All that was asked for is here, whatever the card still wants to say. */
static bool
is_enough(const struct exchange *ex)
{
	size_t total = tlv_total(received(ex));

	if (ex->want.enough > 0 && ex->len >= ex->want.enough)
		return true;
	return total > 0 && ex->len >= total;
}

static enum exchange_step
follow(struct exchange *ex, uint8_t waiting)
{
	if (is_enough(ex))
		return finish(ex, EXCHANGE_OK, NULL);
	if (tlv_total(received(ex)) > ex->want.limit)
		return finish(ex, EXCHANGE_FAULT, "is larger than its limit");
	if (ex->chain++ == CARD_CHAIN_MAX)
		return finish(ex, EXCHANGE_FAULT, "answers without end");
	ex->sent = apdu_get_response(waiting);
	ex->corrected = false;
	return EXCHANGE_SEND;
}

/* 9000: all that the card gives, which may be less than the object. */
static enum exchange_step
conclude(struct exchange *ex)
{
	bool full = ex->len == APDU_EXTENDED_NE;
	enum card_length learned = ex->length;
	enum exchange_step step;

	if (ex->len == 0 && ex->form == APDU_EXTENDED)
		return give_up(ex, NULL);
	if (ex->len == 0 && ex->want.ins != APDU_SELECT)
		return finish(ex, EXCHANGE_ABSENT, NULL);
	if (is_enough(ex) || ex->want.ins == APDU_SELECT ||
	    tlv_total(received(ex)) == 0)
		return finish(ex, EXCHANGE_OK, NULL);
	step = give_up(ex, "is cut short");
	/* Only this object was larger than what an answer holds. */
	if (full)
		ex->length = learned;
	return step;
}

/* 6Cxx: once for each command, and never for one with an extended Le. */
static enum exchange_step
correct(struct exchange *ex, uint8_t le)
{
	if (ex->corrected || (ex->form == APDU_EXTENDED && ex->chain == 0))
		return give_up(ex, "the card does not keep to a length");
	apdu_set_le(&ex->sent, le);
	ex->corrected = true;
	return EXCHANGE_SEND;
}

static enum exchange_step
on_status(struct exchange *ex, uint16_t status)
{
	switch (status) {
	case APDU_OK:
	case APDU_END_OF_FILE:
		return conclude(ex);
	case APDU_NO_FILE:
	case APDU_NO_DATA:
		return finish(ex, EXCHANGE_ABSENT, NULL);
	case APDU_SECURITY:
		return finish(ex, EXCHANGE_FAULT,
		              "needs a PIN or a contact interface");
	case APDU_BAD_DATA:
		if (ex->form != APDU_EXTENDED)
			return finish(ex, EXCHANGE_ABSENT, NULL);
		break;
	default:
		break;
	}
	return give_up(ex, "the card refused to give it");
}

enum exchange_step
exchange_answer(struct exchange *ex, struct wire_view answer)
{
	struct wire_in in = wire_in_view(answer);
	struct wire_view body =
	    wire_bytes(&in, answer.len < 2 ? 0 : answer.len - 2);
	uint16_t status = wire_u16_be(&in);
	const char *fault;

	if (!wire_ok(&in))
		return give_up(ex, "the card answered nothing");
	if (body.len > ex->sent.ne)
		return give_up(ex, "the card answers more than asked for");
	if (status >> 8 == APDU_EXACT)
		return correct(ex, (uint8_t)status);
	fault = append(ex, body);
	if (fault != NULL)
		return finish(ex, EXCHANGE_FAULT, fault);
	if (status >> 8 == APDU_MORE)
		return follow(ex, (uint8_t)status);
	return on_status(ex, status);
}
