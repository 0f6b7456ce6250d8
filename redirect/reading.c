#include "reading.h"

#include "log.h"

#include <string.h>

enum {
	RECV_LEN = 0x10000 + 2, /* an extended answer and its status */
	INS_AT = 1,
	P1_AT = 2,
	INS_SELECT = 0xa4,
	INS_GET_DATA = 0xcb,
	P1_BY_NAME = 0x04,
	SW_LEN = 2,
	SW1_OK = 0x90,
	SW1_MORE = 0x61
};

static calls_on_return on_established, on_connected, on_begun, on_answer;
static calls_on_return on_yielded, on_resumed, on_reselected;
static calls_on_return on_ended, on_disconnected;
static void give_back(struct reading *reading, uint64_t now_ms);

void
reading_init(struct reading *reading, struct calls *calls,
             const struct reading_ops *ops, void *arg, uint32_t apdu_ms,
             uint32_t card_ms)
{
	*reading = (struct reading){
	    .calls = calls,
	    .ops = ops,
	    .arg = arg,
	    .apdu_ms = apdu_ms,
	    .card_ms = card_ms,
	};
}

bool
reading_busy(const struct reading *reading)
{
	return reading->state != READING_OFF;
}

/* The first reason stays; the card is given back, then it is told. */
static void
conclude(struct reading *reading, enum reading_result result,
         const char *reason, uint64_t now_ms)
{
	if (reading->result == READING_OPEN) {
		reading->result = result;
		reading->reason = reason;
	}
	give_back(reading, now_ms);
}

static void
enter(struct reading *reading, enum reading_state state, enum ioctl_code code,
      const struct esc_call *call, calls_on_return *on_return, uint64_t now_ms)
{
	reading->state = state;
	reading->call_due = now_ms + reading->apdu_ms;
	if (!calls_make(reading->calls, code, call, on_return, reading))
		reading->call_due = now_ms; /* told by the next tick */
}

void
reading_start(struct reading *reading, uint32_t reader,
              const struct esc_name *name, const struct card_hints *hints,
              uint64_t now_ms)
{
	struct esc_call call = {.establish = {.scope = ESC_SCOPE_SYSTEM}};
	size_t atr_len = hints->atr.len;

	if (atr_len > sizeof(reading->atr))
		atr_len = sizeof(reading->atr);
	if (atr_len > 0)
		(void)memcpy(reading->atr, hints->atr.data, atr_len);
	reading->reader = reader;
	reading->name = *name;
	reading->hints = *hints;
	reading->hints.atr = (struct wire_view){reading->atr, atr_len};
	reading->result = READING_OPEN;
	reading->reason = NULL;
	reading->select_len = 0;
	reading->card_due = now_ms + reading->card_ms;
	enter(reading, READING_ESTABLISH, IOCTL_ESTABLISH_CONTEXT, &call,
	      on_established, now_ms);
}

/* What a refusal of the client's PC/SC means for this read. */
static enum reading_result
judge(uint32_t code, const char **reason)
{
	static const struct {
		uint32_t code;
		enum reading_result result;
		const char *reason;
	} rows[] = {
	    {ESC_E_SHARING_VIOLATION, READING_RETRY, "card in use"},
	    {ESC_W_RESET_CARD, READING_RETRY, "card was reset"},
	    {ESC_W_REMOVED_CARD, READING_RETRY, "card was removed"},
	    {ESC_E_NO_SMARTCARD, READING_RETRY, "no card"},
	    {ESC_E_UNKNOWN_READER, READING_RETRY, "reader is gone"},
	    {ESC_E_READER_UNAVAILABLE, READING_RETRY, "reader is gone"},
	    {ESC_E_NO_SERVICE, READING_RETRY, "no service"},
	    {ESC_E_SERVICE_STOPPED, READING_RETRY, "no service"},
	    {ESC_W_UNRESPONSIVE_CARD, READING_BAD, "card does not respond"},
	    {ESC_W_UNPOWERED_CARD, READING_BAD, "card has no power"},
	    {ESC_E_PROTO_MISMATCH, READING_BAD, "protocol mismatch"},
	    {ESC_E_UNSUPPORTED_FEATURE, READING_BAD, "not supported"},
	    {ESC_E_NO_ACCESS, READING_BAD, "no access"},
	    {ESC_W_SECURITY_VIOLATION, READING_BAD, "no access"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].code == code) {
			*reason = rows[i].reason;
			return rows[i].result;
		}
	}
	*reason = "call failed";
	return READING_RETRY;
}

/* False: the call failed and the read has been concluded. */
static bool
succeeded(struct reading *reading, const struct esc_return *ret,
          uint64_t now_ms)
{
	enum reading_result result;
	const char *reason;

	if (ret != NULL && ret->code == ESC_S_SUCCESS)
		return true;
	if (ret == NULL) {
		conclude(reading, READING_BAD, "malformed return", now_ms);
		return false;
	}
	result = judge(ret->code, &reason);
	conclude(reading, result, reason, now_ms);
	return false;
}

static void
on_established(void *arg, const struct esc_return *ret, uint64_t now_ms)
{
	struct reading *reading = arg;
	struct esc_call call = {.form = ESC_WIDE,
	                        .connect = {.share_mode = ESC_SHARE_SHARED,
	                                    .protocols = ESC_PROTOCOL_TX}};

	if (!succeeded(reading, ret, now_ms))
		return;
	reading->context = ret->establish.context;
	if (reading->result != READING_OPEN) {
		give_back(reading, now_ms);
		return;
	}
	if (reading->context.len == 0) {
		conclude(reading, READING_BAD, "no context", now_ms);
		return;
	}
	call.connect.context = reading->context;
	call.connect.reader = reading->name;
	enter(reading, READING_CONNECT, IOCTL_CONNECT_W, &call, on_connected,
	      now_ms);
}

static void
begin(struct reading *reading, enum reading_state state,
      calls_on_return *on_return, uint64_t now_ms)
{
	struct esc_call call = {.hcard = {.handle = reading->handle,
	                                  .disposition = ESC_LEAVE_CARD}};

	reading->begun = true;
	enter(reading, state, IOCTL_BEGIN_TRANSACTION, &call, on_return,
	      now_ms);
}

/* Some clients leave the context out of the handle they return. */
static void
on_connected(void *arg, const struct esc_return *ret, uint64_t now_ms)
{
	struct reading *reading = arg;

	if (!succeeded(reading, ret, now_ms))
		return;
	reading->handle = ret->connect.handle;
	reading->protocol = ret->connect.protocol;
	if (reading->handle.card.len == 0) {
		conclude(reading, READING_BAD, "no handle", now_ms);
		return;
	}
	if (reading->handle.context.len == 0)
		reading->handle.context = reading->context;
	reading->connected = true;
	reading->hints.protocol = reading->protocol;
	reading->job = card_read_new(&reading->hints);
	if (reading->job == NULL) {
		conclude(reading, READING_RETRY, "out of memory", now_ms);
		return;
	}
	begin(reading, READING_BEGIN, on_begun, now_ms);
}

static void
transmit(struct reading *reading, enum reading_state state,
         struct wire_view apdu, calls_on_return *on_return, uint64_t now_ms)
{
	struct esc_call call = {.transmit = {
				    .handle = reading->handle,
				    .send_pci = {.protocol = reading->protocol},
				    .send = apdu,
				    .recv_len = RECV_LEN,
				}};

	enter(reading, state, IOCTL_TRANSMIT, &call, on_return, now_ms);
}

static bool
is_select_by_name(struct wire_view apdu)
{
	struct wire_in in = wire_in_view(apdu);

	wire_skip(&in, INS_AT);
	return wire_u8(&in) == INS_SELECT && wire_u8(&in) == P1_BY_NAME;
}

static uint8_t
ins(struct wire_view apdu)
{
	struct wire_in in = wire_in_view(apdu);

	wire_skip(&in, INS_AT);
	return wire_u8(&in);
}

/*
 * Where a transaction may be given up.  Another program may select another
 * application meanwhile, and then an object of ours would seem to be missing.
 * So: only before a command that starts an object and needs nothing but the
 * application (GET DATA, or a SELECT by name), never within a chain of GET
 * RESPONSE or between SELECT and READ BINARY of a file; and the application is
 * selected again afterwards.  Starting the whole read anew would hold the card
 * longer, and on a slow line would never come to its end.
 */
static bool
may_yield(const struct reading *reading, uint64_t now_ms)
{
	if (now_ms < reading->begun_at + READING_HOLD_MS)
		return false;
	if (is_select_by_name(reading->apdu))
		return true;
	return ins(reading->apdu) == INS_GET_DATA && reading->select_len > 0;
}

static void
remember_select(struct reading *reading)
{
	struct wire_out out =
	    wire_out(reading->select, sizeof(reading->select));

	if (!is_select_by_name(reading->apdu))
		return;
	wire_put_view(&out, reading->apdu);
	reading->select_len = wire_out_ok(&out) ? out.len : 0;
}

static void
send_apdu(struct reading *reading, uint64_t now_ms)
{
	remember_select(reading);
	transmit(reading, READING_TRANSMIT, reading->apdu, on_answer, now_ms);
}

static void
yield_or_send(struct reading *reading, uint64_t now_ms)
{
	struct esc_call call = {.hcard = {.handle = reading->handle,
	                                  .disposition = ESC_LEAVE_CARD}};

	if (may_yield(reading, now_ms)) {
		enter(reading, READING_YIELD, IOCTL_END_TRANSACTION, &call,
		      on_yielded, now_ms);
		return;
	}
	send_apdu(reading, now_ms);
}

static void
follow(struct reading *reading, enum card_step step, uint64_t now_ms)
{
	switch (step) {
	case CARD_SEND:
		yield_or_send(reading, now_ms);
		return;
	case CARD_DONE:
		conclude(reading, READING_GOOD, NULL, now_ms);
		return;
	case CARD_FAILED:
		conclude(reading, READING_BAD, card_read_fault(reading->job),
		         now_ms);
		return;
	}
}

static void
on_begun(void *arg, const struct esc_return *ret, uint64_t now_ms)
{
	struct reading *reading = arg;

	if (ret != NULL && ret->code != ESC_S_SUCCESS)
		reading->begun = false;
	if (!succeeded(reading, ret, now_ms))
		return;
	reading->begun_at = now_ms;
	follow(reading, card_read_start(reading->job, &reading->apdu), now_ms);
}

/* False: there is no answer with a status, and the read has been concluded. */
static bool
answered(struct reading *reading, const struct esc_return *ret, uint64_t now_ms)
{
	if (!succeeded(reading, ret, now_ms))
		return false;
	if (ret->transmit.recv.present && ret->transmit.recv.view.len >= SW_LEN)
		return true;
	conclude(reading, READING_BAD, "answer without status", now_ms);
	return false;
}

static void
on_answer(void *arg, const struct esc_return *ret, uint64_t now_ms)
{
	struct reading *reading = arg;

	if (!answered(reading, ret, now_ms))
		return;
	follow(reading,
	       card_read_answer(reading->job, ret->transmit.recv.view,
	                        &reading->apdu),
	       now_ms);
}

static void
on_yielded(void *arg, const struct esc_return *ret, uint64_t now_ms)
{
	struct reading *reading = arg;

	reading->begun = false;
	if (succeeded(reading, ret, now_ms))
		begin(reading, READING_RESUME, on_resumed, now_ms);
}

static void
on_resumed(void *arg, const struct esc_return *ret, uint64_t now_ms)
{
	struct reading *reading = arg;
	struct wire_view select = {reading->select, reading->select_len};

	if (ret != NULL && ret->code != ESC_S_SUCCESS)
		reading->begun = false;
	if (!succeeded(reading, ret, now_ms))
		return;
	reading->begun_at = now_ms;
	if (is_select_by_name(reading->apdu))
		send_apdu(reading, now_ms);
	else
		transmit(reading, READING_RESELECT, select, on_reselected,
		         now_ms);
}

static uint8_t
sw1(struct wire_view answer)
{
	struct wire_in in = wire_in_view(answer);

	wire_skip(&in, answer.len - SW_LEN);
	return wire_u8(&in);
}

static void
on_reselected(void *arg, const struct esc_return *ret, uint64_t now_ms)
{
	struct reading *reading = arg;

	if (!answered(reading, ret, now_ms))
		return;
	uint8_t sw = sw1(ret->transmit.recv.view);

	if (sw == SW1_OK || sw == SW1_MORE)
		send_apdu(reading, now_ms);
	else
		conclude(reading, READING_RETRY, "application changed", now_ms);
}

static void
free_job(struct reading *reading)
{
	card_read_free(reading->job);
	reading->job = NULL;
	reading->apdu = (struct wire_view){.len = 0};
}

static void
release(struct reading *reading)
{
	struct esc_call call = {.context = {.context = reading->context}};

	if (reading->context.len > 0)
		(void)calls_make(reading->calls, IOCTL_RELEASE_CONTEXT, &call,
		                 NULL, NULL);
	reading->context = (struct esc_id){.len = 0};
	reading->handle = (struct esc_handle){.card = {.len = 0}};
	reading->connected = false;
	reading->begun = false;
}

/* The reading is free before the caller hears of the end: it may start anew. */
static void
finish(struct reading *reading, uint64_t now_ms)
{
	struct card_read *job = reading->job;
	enum reading_result result = reading->result;

	release(reading);
	reading->job = NULL;
	reading->apdu = (struct wire_view){.len = 0};
	reading->state = READING_OFF;
	if (result == READING_GOOD)
		reading->ops->on_read(reading->arg, reading->reader,
		                      card_read_content(job), now_ms);
	else if (result != READING_UNWANTED)
		reading->ops->on_failed(
		    reading->arg, reading->reader,
		    result == READING_BAD ? CERTPROP_PERMANENT : CERTPROP_RETRY,
		    reading->reason, now_ms);
	card_read_free(job);
}

/*
 * The next step of giving the card back.  One after the other: clients release
 * a context at once, before what waits in its queue.
 */
static void
give_back(struct reading *reading, uint64_t now_ms)
{
	struct esc_call call = {.hcard = {.handle = reading->handle,
	                                  .disposition = ESC_LEAVE_CARD}};

	if (reading->begun) {
		reading->begun = false;
		enter(reading, READING_END, IOCTL_END_TRANSACTION, &call,
		      on_ended, now_ms);
	} else if (reading->connected) {
		reading->connected = false;
		enter(reading, READING_DISCONNECT, IOCTL_DISCONNECT, &call,
		      on_disconnected, now_ms);
	} else {
		finish(reading, now_ms);
	}
}

static void
on_ended(void *arg, const struct esc_return *ret, uint64_t now_ms)
{
	(void)ret;
	give_back(arg, now_ms);
}

static void
on_disconnected(void *arg, const struct esc_return *ret, uint64_t now_ms)
{
	(void)ret;
	give_back(arg, now_ms);
}

/* Interrupt what is outstanding; its answer is not waited for. */
static void
interrupt(struct reading *reading)
{
	struct esc_call call = {.context = {.context = reading->context}};

	calls_forget(reading->calls, reading);
	if (reading->context.len > 0 && reading->state != READING_END &&
	    reading->state != READING_DISCONNECT)
		(void)calls_make(reading->calls, IOCTL_CANCEL, &call, NULL,
		                 NULL);
}

void
reading_cancel(struct reading *reading, uint64_t now_ms)
{
	if (reading->state == READING_OFF)
		return;
	reading->result = READING_UNWANTED;
	if (reading->state == READING_ESTABLISH || /* its context would leak */
	    reading->state == READING_END ||
	    reading->state == READING_DISCONNECT)
		return;
	interrupt(reading);
	give_back(reading, now_ms);
}

void
reading_stop(struct reading *reading)
{
	calls_forget(reading->calls, reading);
	free_job(reading);
	reading->context = (struct esc_id){.len = 0};
	reading->connected = false;
	reading->begun = false;
	reading->state = READING_OFF;
}

void
reading_end(struct reading *reading)
{
	struct esc_call call = {.hcard = {.handle = reading->handle,
	                                  .disposition = ESC_LEAVE_CARD}};

	if (reading->state == READING_OFF)
		return;
	interrupt(reading);
	if (reading->begun)
		(void)calls_make(reading->calls, IOCTL_END_TRANSACTION, &call,
		                 NULL, NULL);
	if (reading->connected)
		(void)calls_make(reading->calls, IOCTL_DISCONNECT, &call, NULL,
		                 NULL);
	release(reading);
	reading_stop(reading);
}

uint64_t
reading_deadline(const struct reading *reading)
{
	if (reading->state == READING_OFF)
		return UINT64_MAX;
	if (reading->result != READING_OPEN ||
	    reading->call_due < reading->card_due)
		return reading->call_due;
	return reading->card_due;
}

void
reading_tick(struct reading *reading, uint64_t now_ms)
{
	const char *reason = now_ms >= reading->card_due
	                         ? "card takes too long"
	                         : "answer takes too long";

	if (now_ms < reading_deadline(reading))
		return;
	interrupt(reading);
	conclude(reading, READING_RETRY, reason, now_ms);
}
