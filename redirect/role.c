#include "inside.h"
#include "log.h"

#include <stdio.h>
#include <string.h>

static const char refused[] = "the server refused the device";

/* Empty when there is a card, or nothing is known that speaks against one. */
static void
why_no_card(const struct channel *ch, char reason[CHANNEL_REASON_SIZE])
{
	const char *why = "";
	uint32_t device;

	if (ch->fault != NULL)
		why = ch->fault;
	else if (!channel_redirects(ch))
		why = "policy";
	else if (devices_ready(&ch->devices, &device))
		why = ch->calls.trouble;
	else if (ch->refusal != 0)
		why = refused;
	else if (ch->cardless)
		why = "the client announced no card device";
	(void)snprintf(reason, CHANNEL_REASON_SIZE, "%s", why);
	if (why == refused)
		(void)snprintf(reason, CHANNEL_REASON_SIZE, "%s (status %08x)",
		               why, (unsigned)ch->refusal);
}

void
role_tell(struct channel *ch)
{
	static const char *const names[] = {
	    [CHANNEL_ROLE_NONE] = "none",
	    [CHANNEL_ROLE_RELAY] = "relay",
	    [CHANNEL_ROLE_OWN] = "own",
	};
	const char *role = names[ch->role];
	struct log_event ev = log_event(LOG_INFO, "role");

	why_no_card(ch, ch->reason);
	/* Without a device the role stays: a later list may bring one. */
	if (ch->fault != NULL || !channel_redirects(ch))
		role = names[CHANNEL_ROLE_NONE];
	log_text(&ev, "role", role);
	log_text(&ev, "reason", ch->reason);
	log_write(&ev);
	certprop_role(ch->certprop, role, ch->reason);
}

void
role_note_devices(struct channel *ch)
{
	char reason[CHANNEL_REASON_SIZE];

	why_no_card(ch, reason);
	if (!ch->ended && strcmp(reason, ch->reason) != 0)
		role_tell(ch);
}

void
role_note_list(struct channel *ch)
{
	ch->cardless = !devices_any(&ch->devices);
	role_note_devices(ch);
}

void
role_note_reply(struct channel *ch, uint32_t status)
{
	ch->refusal = status;
	role_note_devices(ch);
}

/* What was said of devices was said on a channel that is no more. */
static void
forget_devices(struct channel *ch)
{
	devices_void(&ch->devices);
	ch->cardless = false;
	ch->refusal = 0;
}

void
role_fault(struct channel *ch, enum channel_side side, const char *what)
{
	struct log_event ev = log_event(LOG_WARNING, "rdpdr-fault");

	if (ch->fault != NULL)
		return;
	log_text(&ev, "from", side == CHANNEL_CLIENT ? "client" : "server");
	log_text(&ev, "what", what);
	log_write(&ev);
	ch->fault = what;
	channel_stop_card(ch);
	passage_refuse_all(ch);
	if (!ch->ended)
		role_tell(ch);
}

void
role_malformed(struct channel *ch, enum channel_side side, const char *what,
               const char *field, enum wire_fault fault)
{
	if (ch->fault != NULL)
		return;
	(void)snprintf(ch->fault_text, sizeof(ch->fault_text), "%s: %s: %s",
	               what, field, wire_fault_name(fault));
	role_fault(ch, side, ch->fault_text);
}

void
role_note_churn(struct channel *ch, enum channel_side side)
{
	if (!bucket_take(&ch->churn[side], ch->now_ms))
		role_fault(ch, side, "announces without end");
}

void
role_server_speaks(struct channel *ch)
{
	if (ch->role == CHANNEL_ROLE_OWN) {
		log_note(LOG_NOTICE, "handed-over",
		         "the server announces after all");
		ch->stale.active = true;
		ch->stale.unanswered = ch->own.state == OWN_ANNOUNCED;
		own_stop(&ch->own);
	} else if (ch->role == CHANNEL_ROLE_RELAY) {
		log_note(ch->fault == NULL ? LOG_INFO : LOG_DEBUG,
		         "announced-again",
		         "the server starts the channel anew");
	}
	channel_stop_card(ch);
	mux_void(ch->mux);
	guard_reset(ch->guard);
	forget_devices(ch);
	if (ch->role == CHANNEL_ROLE_RELAY) {
		role_note_devices(ch);
		return;
	}
	ch->role = CHANNEL_ROLE_RELAY;
	if (!ch->ended)
		role_tell(ch);
}

void
role_show_hidden(struct channel *ch)
{
	struct rdpefs_device device;

	if (ch->fault != NULL)
		return;
	if (ch->role == CHANNEL_ROLE_RELAY)
		passage_show_hidden(ch);
	while (ch->role == CHANNEL_ROLE_OWN &&
	       devices_show(&ch->devices, &device))
		(void)devices_set(&ch->devices, device.id, DEVICES_READY);
}

static void
send_to_client(void *arg, struct wire_view message)
{
	channel_send(arg, CHANNEL_CLIENT, message);
}

static bool
on_card(void *arg, uint32_t device)
{
	struct channel *ch = arg;
	bool taken = channel_redirects(ch) && ch->fault == NULL;
	struct log_event ev = log_event(LOG_INFO, "device-announced");

	/* Said once more, as FreeRDP does after USER_LOGGEDON: nothing new. */
	if (taken && devices_state(&ch->devices, device) == DEVICES_READY)
		return true;
	log_number(&ev, "device", device);
	log_text(&ev, "verdict", taken ? "taken" : "hidden");
	log_write(&ev);
	if (!devices_set(&ch->devices, device,
	                 taken ? DEVICES_READY : DEVICES_HIDDEN))
		return false;
	/* What only a policy hides is kept, for one that does not. */
	return ch->fault == NULL;
}

static void
on_other(void *arg, uint32_t device)
{
	struct log_event ev = log_event(LOG_DEBUG, "device-refused");

	(void)arg;
	log_number(&ev, "device", device);
	log_write(&ev);
}

static void
on_removed(void *arg, uint32_t device)
{
	struct channel *ch = arg;

	if (devices_state(&ch->devices, device) == DEVICES_UNKNOWN)
		return;
	(void)devices_set(&ch->devices, device, DEVICES_VOID);
	channel_card_lost(ch, device);
	role_note_devices(ch);
}

static const struct own_ops own_ops = {
    .send = send_to_client,
    .on_card = on_card,
    .on_other = on_other,
    .on_removed = on_removed,
};

/* Any number will do that differs from one connection to the next. */
static uint32_t
client_id(uint64_t now_ms)
{
	return (uint32_t)(now_ms ^ (now_ms >> 32)) * UINT32_C(2654435761);
}

/* Not in the middle of what the server is saying: that decides instead. */
void
role_play_server(struct channel *ch)
{
	ch->own_at = UINT64_MAX;
	if (ch->role != CHANNEL_ROLE_NONE || ch->fault != NULL || ch->ended)
		return;
	if (!chunk_join_idle(&ch->in[CHANNEL_SERVER]) ||
	    !chunk_join_idle(&ch->in[CHANNEL_CLIENT])) {
		ch->own_at = ch->now_ms + 1 + ch->config.own_after_ms;
		return;
	}
	log_note(LOG_INFO, "own-role-started", "the server is silent");
	ch->role = CHANNEL_ROLE_OWN;
	own_start(&ch->own, client_id(ch->now_ms), &own_ops, ch);
	role_tell(ch);
}

void
role_from_client(struct channel *ch, struct wire_view message)
{
	struct wire_in in = wire_in_view(message);
	struct rdpefs_header header = {.packet = 0};
	const char *wrong = NULL;

	(void)rdpefs_header_decode(&in, &header);
	if (header.component == RDPEFS_CORE &&
	    header.packet == RDPEFS_DEVICE_COMPLETION) {
		passage_completion(ch, message);
		return;
	}
	if (header.packet == RDPEFS_DEVICE_LIST_ANNOUNCE ||
	    header.packet == RDPEFS_DEVICE_LIST_REMOVE)
		role_note_churn(ch, CHANNEL_CLIENT);
	if (ch->fault == NULL)
		wrong = own_message(&ch->own, message, &own_ops, ch);
	if (wrong != NULL && ch->own.fault != WIRE_OK)
		role_malformed(ch, CHANNEL_CLIENT, wrong, ch->own.field,
		               ch->own.fault);
	else if (wrong != NULL)
		role_fault(ch, CHANNEL_CLIENT, wrong);
	/* After a fault all that counts is that our announce was answered. */
	if (ch->fault != NULL && header.packet == RDPEFS_CLIENT_ID_CONFIRM)
		own_stop(&ch->own);
	if (header.packet == RDPEFS_DEVICE_LIST_ANNOUNCE)
		role_note_list(ch);
	channel_card_ready(ch);
}
