#include "inside.h"
#include "log.h"

#include <stdlib.h>
#include <string.h>

enum { REFUSAL_MAX = 64 }; /* bytes of a completion without an output */

/* Relay a message with the completion id at offset at replaced. */
static void
send_with_id(struct channel *ch, enum channel_side to, struct wire_view message,
             size_t at, uint32_t id)
{
	uint8_t *copy = malloc(message.len);
	struct wire_out out = wire_out(copy, message.len);

	if (copy == NULL) {
		log_note(LOG_ERROR, "message-dropped", "out of memory");
		return;
	}
	wire_put_view(&out, message);
	wire_set_u32(&out, at, id);
	channel_send(ch, to, wire_written(&out));
	explicit_bzero(copy, message.len); /* perhaps a PIN */
	free(copy);
}

/* The server's IRP gets an answer without the client. */
void
forward_refuse(struct channel *ch, uint32_t device, uint32_t id)
{
	struct rdpefs_completion completion = {
	    .device_id = device,
	    .completion_id = id,
	    .status = (uint32_t)RDPEFS_STATUS_UNSUCCESSFUL,
	};
	uint8_t data[REFUSAL_MAX];
	struct wire_out out = wire_out(data, sizeof(data));

	rdpefs_output_encode(&out, &completion, (struct wire_view){.len = 0});
	channel_send(ch, CHANNEL_SERVER, wire_written(&out));
}

/* The server's IRP gets an answer in the client's place, or a changed one. */
static void
answer(struct channel *ch, uint32_t device, uint32_t id, uint32_t output_len,
       struct wire_view output)
{
	struct rdpefs_completion completion = {
	    .device_id = device,
	    .completion_id = id,
	    .status = RDPEFS_STATUS_SUCCESS,
	};
	size_t size = output.len + REFUSAL_MAX;
	uint8_t *data = malloc(size);
	struct wire_out out = wire_out(data, data == NULL ? 0 : size);

	if (output.len == 0 || output.len > output_len) {
		completion.status = (uint32_t)RDPEFS_STATUS_BUFFER_TOO_SMALL;
		output.len = 0;
	}
	rdpefs_output_encode(&out, &completion, output);
	if (wire_out_ok(&out))
		channel_send(ch, CHANNEL_SERVER, wire_written(&out));
	else
		forward_refuse(ch, device, id);
	free(data);
}

/* A device control request, as far as it can be read. */
static bool
take_control(const struct rdpefs_request *request,
             struct rdpefs_control *control)
{
	struct wire_in in = wire_in_view(request->body);

	return request->major == RDPEFS_IRP_DEVICE_CONTROL &&
	       rdpefs_control_decode(&in, control);
}

/* A request as the policy changed it, under the same id. */
static void
send_changed(struct channel *ch, const struct rdpefs_request *request,
             struct rdpefs_control control, struct wire_view input, uint32_t id)
{
	struct rdpefs_request copy = *request;
	size_t size = RDPEFS_REQUEST_LEN + RDPEFS_CONTROL_LEN + input.len;
	uint8_t *data = malloc(size);
	struct wire_out out = wire_out(data, data == NULL ? 0 : size);

	copy.completion_id = id;
	control.input = input;
	rdpefs_control_encode(&out, &copy, &control);
	if (wire_out_ok(&out))
		channel_send(ch, CHANNEL_CLIENT, wire_written(&out));
	else
		log_note(LOG_ERROR, "message-dropped", "out of memory");
	if (data != NULL)
		explicit_bzero(data, size); /* perhaps a PIN */
	free(data);
}

/*
 * xrdp ends its calls where their last field ends, and FreeRDP before 3.23
 * skips the padding without a look whether it is there (CVE-2026-27015): it
 * aborts.  The values are the same, and so is the call of a server that pads.
 */
static size_t
missing(const struct channel *ch, const struct rdpefs_control *control)
{
	const struct ioctl *row = ioctl_find(control->code);

	if (row == NULL || !guard_understood(ch->guard))
		return 0;
	return ioctl_call_gap(row, control->input);
}

static void
send_padded(struct channel *ch, const struct rdpefs_request *request,
            struct rdpefs_control control, size_t gap, uint32_t id)
{
	size_t size = control.input.len + gap;
	uint8_t *data = malloc(size);
	struct wire_out out = wire_out(data, data == NULL ? 0 : size);

	if (data == NULL) {
		log_note(LOG_ERROR, "message-dropped", "out of memory");
		return;
	}
	ioctl_call_pad(&out, control.input, gap);
	send_changed(ch, request, control, wire_written(&out), id);
	explicit_bzero(data, size);
	free(data);
}

void
forward_request(struct channel *ch, const struct rdpefs_request *request,
                struct wire_view message)
{
	struct rdpefs_control control = {.code = 0};
	bool known = take_control(request, &control);
	enum guard_step step = GUARD_PASS;
	struct wire_view changed;
	size_t gap;
	uint32_t id;

	if (known)
		step = guard_call(ch->guard, &control, ch->now_ms, &changed);
	if (step == GUARD_REFUSE) {
		answer(ch, request->device_id, request->completion_id,
		       control.output_len, changed);
		return;
	}
	if (!mux_add(ch->mux, MUX_SERVER, request->device_id,
	             request->completion_id, control.code, &id)) {
		log_note(ch->refusal_said ? LOG_DEBUG : LOG_WARNING,
		         "request-refused",
		         "too many outstanding requests of the server");
		ch->refusal_said = true;
		forward_refuse(ch, request->device_id, request->completion_id);
		return;
	}
	gap = known ? missing(ch, &control) : 0;
	if (known) {
		guard_file(ch->guard, request->file_id);
		guard_sent(ch->guard, id);
	}
	if (step == GUARD_CHANGE)
		send_changed(ch, request, control, changed, id);
	else if (gap > 0)
		send_padded(ch, request, control, gap, id);
	else
		send_with_id(ch, CHANNEL_CLIENT, message, RDPEFS_REQUEST_ID_AT,
		             id);
}

/* The answer had nothing that the server may see: it goes on waiting. */
static void
ask_again(struct channel *ch, const struct mux_irp *irp, struct wire_view input)
{
	struct rdpefs_control control = {.code = irp->ioctl};
	struct rdpefs_request request = {.device_id = irp->device};
	uint32_t id;

	request.file_id = guard_file_now(ch->guard, &control.output_len);
	if (!mux_add(ch->mux, MUX_SERVER, irp->device, irp->origin, irp->ioctl,
	             &id)) {
		forward_refuse(ch, irp->device, irp->origin);
		return;
	}
	guard_sent(ch->guard, id);
	send_changed(ch, &request, control, input, id);
}

/* A completion of the server's, as the policy lets it see it. */
void
forward_completion(struct channel *ch, const struct mux_irp *irp,
                   const struct rdpefs_completion *completion,
                   struct wire_view message)
{
	struct wire_in in = wire_in_view(completion->body);
	struct wire_view output = {NULL, 0};
	struct wire_view changed;
	enum guard_step step;

	if (completion->status != RDPEFS_STATUS_SUCCESS ||
	    !rdpefs_output_decode(&in, &output))
		output.len = 0;
	step = guard_return(ch->guard, irp->id, output, ch->now_ms, &changed);
	if (step == GUARD_AGAIN)
		ask_again(ch, irp, changed);
	else if (step == GUARD_CHANGE)
		answer(ch, irp->device, irp->origin, UINT32_MAX, changed);
	else
		send_with_id(ch, CHANNEL_SERVER, message,
		             RDPEFS_COMPLETION_ID_AT, irp->origin);
}
