#include "guard_inside.h"
#include "log.h"
#include "pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 8 };

/* Bytes of the answer to an APDU that is refused: 6982. */
static const uint8_t security_status[] = {0x69, 0x82};

struct guard *
guard_new(void (*on_use)(void *arg, const struct channel_use *use), void *arg)
{
	struct guard *guard = pages_new(sizeof(*guard));

	if (guard == NULL)
		return NULL;
	guard->on_use = on_use;
	guard->arg = arg;
	filter_policy_init(&guard->open);
	guard->policy = &guard->open;
	return guard;
}

void
guard_free(struct guard *guard)
{
	if (guard == NULL)
		return;
	guard_reset(guard);
	free(guard->changed);
	free(guard->list);
	pages_free(guard, sizeof(*guard));
}

void
guard_policy(struct guard *guard, const struct filter_policy *policy)
{
	guard->policy = policy != NULL ? policy : &guard->open;
}

const struct filter_policy *
guard_policy_now(const struct guard *guard)
{
	return guard->policy;
}

void
guard_reset(struct guard *guard)
{
	roster_clear(&guard->roster);
	guard_wait_drop(guard, &guard->now);
	while (guard->count > 0)
		guard_wait_drop(guard, &guard->list[--guard->count]);
}

struct wire_out
guard_out(struct guard *guard)
{
	if (guard->changed == NULL)
		guard->changed = malloc(GUARD_CHANGED_MAX);
	return wire_out(guard->changed,
	                guard->changed == NULL ? 0 : GUARD_CHANGED_MAX);
}

/* ---- reports */

static bool
asks_pin(uint8_t ins)
{
	return ins == 0x20 || ins == 0x21 || ins == 0x24 || ins == 0x25 ||
	       ins == 0x2C || ins == 0x2D;
}

/* 63Cx and 6983 of ISO/IEC 7816-4, table 6. */
static int
pin_tries(const struct guard_call *call, uint16_t status)
{
	if (!call->decoded || !asks_pin(call->command.ins))
		return CHANNEL_PIN_UNKNOWN;
	if (status == 0x6983)
		return CHANNEL_PIN_BLOCKED;
	return (status & 0xFFF0) == 0x63C0 ? status & 0xF : CHANNEL_PIN_UNKNOWN;
}

void
guard_report(struct guard *guard, const struct guard_call *call, uint32_t code,
             struct wire_view recv, uint64_t now_ms)
{
	const struct roster_reader *reader =
	    roster_at(&guard->roster, call->reader);
	struct channel_use use = {
	    .asker = call->asker,
	    .reader = reader != NULL ? reader->name.text : "",
	    .call = call->row != NULL ? call->row->name : "unknown",
	    .command = call->name != NULL ? call->name : "",
	    .cla = call->command.cla,
	    .ins = call->command.ins,
	    .p1 = call->command.p1,
	    .p2 = call->command.p2,
	    .send_len = call->send_len,
	    .receive_len = (uint32_t)recv.len,
	    .status_word = command_status(recv),
	    .code = code,
	    .elapsed_ms = (uint32_t)(now_ms - call->began_ms),
	    .decision = call->decision,
	    .rule = call->rule,
	};

	if (guard->on_use == NULL)
		return;
	if (reader != NULL)
		use.atr =
		    (struct wire_view){reader->atr.bytes, reader->atr.len};
	use.pin_tries = pin_tries(call, use.status_word);
	guard->on_use(guard->arg, &use);
}

/* Only what is done with a card or a reader is of interest when it is done. */
static bool
is_use(const struct guard_call *call)
{
	return call->row != NULL && (call->row->subject == IOCTL_OF_CARD ||
	                             call->row->code == IOCTL_CONNECT_A ||
	                             call->row->code == IOCTL_CONNECT_W);
}

/* ---- calls */

static void
note_decision(struct guard_call *call, struct filter_decision decision)
{
	call->decision = decision.verdict;
	(void)snprintf(call->rule, sizeof(call->rule), "%s", decision.rule);
}

/* The device itself is taken away; what was opened can be given back. */
static struct filter_decision
judge_device(const struct guard *guard)
{
	const struct ioctl *row = guard->now.row;

	if (guard->policy->redirect ||
	    (row != NULL &&
	     (row->code == IOCTL_DISCONNECT ||
	      row->code == IOCTL_END_TRANSACTION ||
	      row->code == IOCTL_RELEASE_CONTEXT || row->code == IOCTL_CANCEL)))
		return filter_call(guard->policy, row);
	return (struct filter_decision){FILTER_REFUSE, "redirect: no",
	                                ESC_E_NO_SERVICE};
}

/* What cannot be read can be judged by nobody. */
static struct filter_decision
judge_malformed(const struct guard *guard)
{
	const struct filter_policy *policy = guard->policy;
	bool open = policy->commands == FILTER_FULL &&
	            policy->calls.count == 0 && !filter_needs_reader(policy) &&
	            !filter_needs_card(policy);

	return (struct filter_decision){open ? FILTER_ALLOW : FILTER_REFUSE,
	                                "calls: malformed",
	                                policy->refusal_code};
}

/* Said when their count doubles: a flood of them is no flood of lines. */
static void
say_malformed(struct guard *guard, const char *trouble)
{
	uint32_t count = ++guard->malformed;
	bool doubled = (count & (count - 1)) == 0;
	struct log_event ev =
	    log_event(doubled ? LOG_NOTICE : LOG_DEBUG, "call-malformed");

	log_text(&ev, "what", trouble);
	log_number(&ev, "count", count);
	log_write(&ev);
}

static void
say_call_malformed(struct guard *guard, struct wire_view input)
{
	char trouble[IOCTL_TROUBLE_SIZE];

	ioctl_call_trouble(guard->now.row, input, trouble);
	say_malformed(guard, trouble);
}

static void
say_return_malformed(struct guard *guard, const struct ioctl *row,
                     struct wire_view output)
{
	char trouble[IOCTL_TROUBLE_SIZE];

	ioctl_return_trouble(row, output, trouble);
	say_malformed(guard, trouble);
}

static struct wire_view
refusal(struct guard *guard, const struct esc_call *call, uint32_t code)
{
	/* An IOCTL without a row is answered in the shape all returns have. */
	const struct ioctl *row =
	    guard->now.row != NULL ? guard->now.row : ioctl_find(IOCTL_CANCEL);
	struct wire_out out = guard_out(guard);
	struct wire_view status = {security_status, sizeof(security_status)};
	struct esc_return ret;

	if (call == NULL || row->code != IOCTL_TRANSMIT ||
	    guard->policy->refusal != FILTER_REFUSE_STATUS_WORD ||
	    code != guard->policy->refusal_code) {
		ioctl_refusal_encode(row, &out, code);
		guard_report(guard, &guard->now, code,
		             (struct wire_view){NULL, 0}, guard->now.began_ms);
		return wire_written(&out);
	}
	memset(&ret, 0, sizeof(ret));
	ret.form = row->form;
	ret.transmit.recv.present = call->transmit.recv_null == 0;
	ret.transmit.recv.size = sizeof(security_status);
	ret.transmit.recv.view = status;
	ioctl_return_encode(row, &out, &ret);
	guard_report(guard, &guard->now, ESC_S_SUCCESS, status,
	             guard->now.began_ms);
	return wire_written(&out);
}

static enum guard_step
judge_decoded(struct guard *guard, struct wire_view input,
              struct wire_view *changed)
{
	struct esc_call call;
	bool edited = false;
	bool good = ioctl_call_decode(guard->now.row, input, &call) == WIRE_OK;
	struct filter_decision decision;
	struct wire_out out;

	if (good)
		guard_wait_keep(guard, &guard->now, input, &call);
	decision =
	    good ? guard_judge(guard, &call, &edited) : judge_malformed(guard);
	if (!good)
		say_call_malformed(guard, input);
	note_decision(&guard->now, decision);
	if (decision.verdict == FILTER_REFUSE) {
		*changed = refusal(guard, good ? &call : NULL, decision.code);
		return GUARD_REFUSE;
	}
	/* FreeRDP 3 cannot read what xrdp does there, and then it crashes. */
	if (!edited && !call.aliased)
		return GUARD_PASS;
	out = guard_out(guard);
	ioctl_call_encode(guard->now.row, &out, &call);
	if (!wire_out_ok(&out)) {
		*changed = refusal(guard, NULL, ESC_E_NO_MEMORY);
		return GUARD_REFUSE;
	}
	*changed = wire_written(&out);
	return GUARD_CHANGE;
}

/* Its return must find it, or nothing could be taken out of it. */
static bool
make_room(struct guard *guard)
{
	size_t room = guard->room == 0 ? FIRST_ROOM : 2 * guard->room;
	struct guard_call *list;

	if (guard->count < guard->room)
		return true;
	if (guard->count >= GUARD_CALLS_MAX)
		return false;
	list = realloc(guard->list, room * sizeof(*list));
	if (list == NULL)
		return false;
	guard->list = list;
	guard->room = room;
	return true;
}

enum guard_step
guard_call(struct guard *guard, const struct rdpefs_control *control,
           uint64_t now_ms, struct wire_view *changed)
{
	struct filter_decision decision;

	guard_wait_drop(guard, &guard->now);
	memset(&guard->now, 0, sizeof(guard->now));
	guard->now.asker = CHANNEL_BY_SERVER;
	guard->now.row = ioctl_find(control->code);
	guard->now.output_len = control->output_len;
	guard->now.reader = ROSTER_NONE;
	guard->now.began_ms = now_ms;
	decision = judge_device(guard);
	if (!make_room(guard))
		decision = (struct filter_decision){
		    FILTER_REFUSE, "out of memory", ESC_E_NO_MEMORY};
	note_decision(&guard->now, decision);
	if (decision.verdict == FILTER_REFUSE) {
		*changed = refusal(guard, NULL, decision.code);
		return GUARD_REFUSE;
	}
	if (guard->now.row == NULL)
		return GUARD_PASS;
	return judge_decoded(guard, control->input, changed);
}

static void
put(struct guard *guard, uint32_t id, struct guard_call *call)
{
	struct roster_reader *reader = roster_at(&guard->roster, call->reader);

	call->id = id;
	if (!make_room(guard)) {
		guard_wait_drop(guard, call);
		return;
	}
	guard->list[guard->count++] = *call;
	call->wait = NULL;
	if (reader != NULL && call->changes)
		reader->changing++;
}

void
guard_sent(struct guard *guard, uint32_t id)
{
	if (!guard->now.known)
		return;
	guard_wait_note(guard, &guard->now);
	put(guard, id, &guard->now);
}

void
guard_file(struct guard *guard, uint32_t file_id)
{
	guard->now.file_id = file_id;
}

uint32_t
guard_file_now(const struct guard *guard, uint32_t *output_len)
{
	*output_len = guard->now.output_len;
	return guard->now.file_id;
}

bool
guard_understood(const struct guard *guard)
{
	return guard->now.known;
}

void
guard_note_call(struct guard *guard, enum channel_asker asker, uint32_t id,
                const struct ioctl *row, const struct esc_call *call,
                uint64_t now_ms)
{
	struct guard_call now;

	memset(&now, 0, sizeof(now));
	now.asker = asker;
	now.row = row;
	now.reader = ROSTER_NONE;
	now.began_ms = now_ms;
	guard_read_call(guard, &now, call);
	if (now.decoded)
		now.name = command_meaning(&now.command, NULL).name;
	note_decision(&now,
	              (struct filter_decision){FILTER_ALLOW, "our own", 0});
	put(guard, id, &now);
}

/* ---- returns */

/* Out of the list; false: nothing is known of such a call. */
static bool
take(struct guard *guard, uint32_t id, struct guard_call *call)
{
	for (size_t i = guard->count; i > 0; i--) {
		if (guard->list[i - 1].id != id)
			continue;
		*call = guard->list[i - 1];
		guard->list[i - 1] = guard->list[--guard->count];
		return true;
	}
	return false;
}

static void
end_call(struct guard *guard, const struct guard_call *call,
         const struct esc_return *ret, uint64_t now_ms)
{
	struct wire_view recv = {NULL, 0};

	guard_learn(guard, call, ret);
	if (!is_use(call))
		return;
	if (ret != NULL && ret->code == ESC_S_SUCCESS &&
	    call->row->code == IOCTL_TRANSMIT)
		recv = ret->transmit.recv.view;
	guard_report(guard, call,
	             ret != NULL ? ret->code : ESC_F_INTERNAL_ERROR, recv,
	             now_ms);
}

/* A list that cannot be read may name what must not be seen. */
static enum guard_step
return_malformed(struct guard *guard, const struct guard_call *call,
                 struct wire_view *changed)
{
	struct wire_out out = guard_out(guard);

	if (!filter_needs_reader(guard->policy) &&
	    !filter_needs_card(guard->policy) && !call->asked_anew)
		return GUARD_PASS;
	ioctl_refusal_encode(call->row, &out, ESC_F_INTERNAL_ERROR);
	*changed = wire_written(&out);
	return GUARD_CHANGE;
}

/* As the policy lets the server see it. */
static enum guard_step
show(struct guard *guard, struct guard_call *call, struct esc_return *ret,
     uint64_t now_ms, struct wire_view *changed)
{
	bool edited = guard_edit(guard, call, ret);
	enum guard_step step =
	    guard_wait_judge(guard, call, ret, now_ms, changed);
	struct wire_out out;

	if (step == GUARD_AGAIN) {
		guard_wait_drop(guard, &guard->now);
		guard->now = *call;
		call->wait = NULL;
		return GUARD_AGAIN;
	}
	if (!edited && step == GUARD_PASS)
		return GUARD_PASS;
	out = guard_out(guard);
	ioctl_return_encode(call->row, &out, ret);
	if (!wire_out_ok(&out)) {
		out = guard_out(guard);
		ioctl_refusal_encode(call->row, &out, ESC_F_INTERNAL_ERROR);
	}
	*changed = wire_written(&out);
	if (changed->len > call->output_len)
		*changed = (struct wire_view){NULL, 0};
	return GUARD_CHANGE;
}

enum guard_step
guard_return(struct guard *guard, uint32_t id, struct wire_view output,
             uint64_t now_ms, struct wire_view *changed)
{
	struct guard_call call;
	struct esc_return ret;
	enum guard_step step = GUARD_PASS;

	if (!take(guard, id, &call))
		return GUARD_PASS;
	if (output.len == 0) {
		end_call(guard, &call, NULL, now_ms);
	} else if (ioctl_return_decode(call.row, output, &ret) != WIRE_OK) {
		end_call(guard, &call, NULL, now_ms);
		say_return_malformed(guard, call.row, output);
		step = return_malformed(guard, &call, changed);
	} else {
		end_call(guard, &call, &ret, now_ms);
		step = show(guard, &call, &ret, now_ms, changed);
	}
	guard_wait_drop(guard, &call);
	return step;
}

void
guard_note_return(struct guard *guard, uint32_t id,
                  const struct esc_return *ret, uint64_t now_ms)
{
	struct guard_call call;

	if (take(guard, id, &call))
		end_call(guard, &call, ret, now_ms);
}

void
guard_drop(struct guard *guard, uint32_t id)
{
	struct guard_call call;

	if (take(guard, id, &call))
		guard_learn(guard, &call, NULL);
}
