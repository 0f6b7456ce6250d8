#include "calls.h"

#include "log.h"

enum {
	/* The longest call we make lists 17 readers by name. */
	INPUT_MAX = 17 * (52 + 12 + 2 * (ESC_NAME_MAX + 2)) + 256,
	MESSAGE_MAX = RDPEFS_REQUEST_LEN + RDPEFS_CONTROL_LEN + INPUT_MAX,
	/* Room for an answer; asking for enough at once saves a round trip. */
	OUTPUT_LEN = 16 * 1024,
	OUTPUT_TRANSMIT_LEN = 68 * 1024,
	FILE_ID = 1 /* nothing was created: any will do */
};

void
calls_init(struct calls *calls, struct mux *mux,
           void (*send)(void *arg, struct wire_view message), void *arg)
{
	*calls = (struct calls){.mux = mux, .send = send, .arg = arg};
}

void
calls_open(struct calls *calls, uint32_t device)
{
	calls->open = true;
	calls->device = device;
}

void
calls_close(struct calls *calls)
{
	calls->open = false;
	mux_drop_own(calls->mux);
	for (size_t i = 0; i < MUX_OWN_MAX; i++) {
		if (calls->list[i].used && calls->observer != NULL)
			calls->observer->on_dropped(calls->arg,
			                            calls->list[i].id);
		calls->list[i] = (struct calls_pending){.used = false};
	}
}

static struct calls_pending *
free_slot(struct calls *calls, uint32_t *at)
{
	for (*at = 0; *at < MUX_OWN_MAX; (*at)++) {
		if (!calls->list[*at].used)
			return &calls->list[*at];
	}
	return NULL;
}

static uint32_t
output_len(enum ioctl_code code)
{
	return code == IOCTL_TRANSMIT ? OUTPUT_TRANSMIT_LEN : OUTPUT_LEN;
}

static void
encode(struct wire_out *out, const struct calls *calls, uint32_t id,
       const struct ioctl *row, const struct esc_call *call)
{
	uint8_t input[INPUT_MAX];
	struct wire_out body = wire_out(input, sizeof(input));
	struct rdpefs_request request = {
	    .device_id = calls->device,
	    .file_id = FILE_ID,
	    .completion_id = id,
	};
	struct rdpefs_control control = {
	    .output_len = output_len(row->code),
	    .code = row->code,
	};

	ioctl_call_encode(row, &body, call);
	control.input = wire_written(&body);
	rdpefs_control_encode(out, &request, &control);
	if (!wire_out_ok(&body))
		out->fault = body.fault;
}

bool
calls_make(struct calls *calls, enum ioctl_code code,
           const struct esc_call *call, calls_on_return *on_return, void *arg)
{
	const struct ioctl *row = ioctl_find(code);
	uint8_t data[MESSAGE_MAX];
	struct wire_out out = wire_out(data, sizeof(data));
	uint32_t at;
	struct calls_pending *slot = free_slot(calls, &at);
	struct mux_irp dropped;
	uint32_t id;

	if (!calls->open || slot == NULL || row == NULL ||
	    !mux_add(calls->mux, MUX_OWN, calls->device, at, code, &id))
		return false;
	encode(&out, calls, id, row, call);
	if (!wire_out_ok(&out)) {
		(void)mux_complete(calls->mux, calls->device, id, &dropped);
		return false;
	}
	*slot = (struct calls_pending){true, id, row, on_return, arg};
	if (calls->observer != NULL)
		calls->observer->on_call(calls->arg, id, row, call);
	calls->send(calls->arg, wire_written(&out));
	return true;
}

void
calls_forget(struct calls *calls, const void *arg)
{
	for (size_t i = 0; i < MUX_OWN_MAX; i++) {
		if (calls->list[i].arg == arg)
			calls->list[i].on_return = NULL;
	}
}

static void
note_trouble(struct calls *calls, const struct ioctl *row,
             struct wire_view output, enum wire_fault fault)
{
	if (fault != WIRE_OK) {
		ioctl_return_trouble(row, output, calls->trouble);
		calls->trouble_row = row;
	} else if (calls->trouble_row == row) {
		calls->trouble[0] = '\0';
	}
}

/*
 * False when there is nothing to use: the request was refused (an answer that
 * is too long comes as STATUS_BUFFER_TOO_SMALL, without one), or it is garbled.
 */
static bool
decode(struct calls *calls, const struct ioctl *row,
       const struct rdpefs_completion *completion, struct esc_return *ret)
{
	struct wire_in in = wire_in_view(completion->body);
	struct log_event ev = log_event(LOG_WARNING, "card-call-failed");
	struct wire_view output = {NULL, 0};
	enum wire_fault fault = WIRE_OK;

	if (completion->status == RDPEFS_STATUS_SUCCESS) {
		(void)rdpefs_output_decode(&in, &output);
		fault = ioctl_return_decode(row, output, ret);
		note_trouble(calls, row, output, fault);
		if (fault == WIRE_OK)
			return true;
	}
	log_text(&ev, "call", row->name);
	log_number(&ev, "status", (int64_t)completion->status);
	if (fault != WIRE_OK)
		log_text(&ev, "fault", calls->trouble);
	log_write(&ev);
	return false;
}

void
calls_complete(struct calls *calls, const struct mux_irp *irp,
               const struct rdpefs_completion *completion, uint64_t now_ms)
{
	struct calls_pending call;
	struct esc_return ret;

	if (irp->origin >= MUX_OWN_MAX || !calls->list[irp->origin].used)
		return;
	call = calls->list[irp->origin];
	calls->list[irp->origin] = (struct calls_pending){.used = false};
	if (call.on_return == NULL && calls->observer == NULL)
		return;
	bool good = decode(calls, call.row, completion, &ret);

	if (calls->observer != NULL)
		calls->observer->on_return(calls->arg, irp->id,
		                           good ? &ret : NULL);
	if (call.on_return != NULL)
		call.on_return(call.arg, good ? &ret : NULL, now_ms);
}
