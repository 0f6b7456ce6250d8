#include "relay_inside.h"

#include "share.h"

/*
 * An echo is set right only where the legs differ and the peer repeats what
 * it was told: what is wrong stays wrong, for the other side to judge.
 */
static void
edit_client(struct relay *r, struct wire_out *frame, size_t base,
            const struct gcc_client *client)
{
	const struct relay_negotiation *n = &r->negotiation;

	if (client->selected_offset != 0 &&
	    client->selected_protocol == n->client_selected)
		relay_edit_u32(frame, base + client->selected_offset,
		               n->server_selected);
	if (client->multitransport_offset != 0)
		relay_edit_u32(frame, base + client->multitransport_offset, 0);
	if (client->rdpdr_offset != 0)
		relay_edit_u32(
		    frame, base + client->rdpdr_offset,
		    client->rdpdr_options &
			~(GCC_OPTION_COMPRESS | GCC_OPTION_COMPRESS_RDP));
}

enum relay_verdict
relay_on_initial(struct relay *r, struct wire_out *frame)
{
	struct wire_in in = relay_mcs_part(frame);
	struct share_text name = {true, {NULL, 0}};
	struct mcs_connect connect;
	const char *fault;
	size_t base;

	if (r->initial_seen)
		return relay_refuse(r, "MCS: a second Connect Initial");
	wire_skip(&in, 2); /* tag */
	base = frame->len - in.left;
	fault = mcs_connect_initial_decode(&in, &connect);
	if (fault == NULL)
		fault = gcc_client_decode(connect.user_data, &r->client);
	if (fault != NULL)
		return relay_refuse(r, fault);
	r->initial_seen = true;
	name.bytes = r->client.client_name;
	(void)share_text_utf8(&name, r->facts.client_name, RELAY_TEXT_MAX);
	r->facts.show_protocol =
	    r->client.rdpdr_offset != 0 &&
	    r->client.rdpdr_options & GCC_OPTION_SHOW_PROTOCOL;
	edit_client(r, frame, base + connect.user_data_offset, &r->client);
	return RELAY_FORWARD;
}

/* The id is of this one channel, or 0. */
static bool
is_unique(const struct gcc_server *server, uint16_t id)
{
	unsigned same = 0;

	for (uint32_t i = 0; i < server->channel_count; i++)
		same += server->channels[i] == id;
	return id == 0 || (same == 1 && id != server->io_channel &&
	                   id != server->message_channel);
}

/* The ids of rdpdr and drdynvc, which nothing else may have. */
static const char *
learn_channels(struct relay *r, const struct gcc_server *server)
{
	uint16_t rdpdr = 0;
	uint16_t drdynvc = 0;

	if (server->channel_count > r->client.channel_count)
		return "GCC: SC_NET has more channels than CS_NET";
	if (r->client.rdpdr_offset != 0 &&
	    r->client.rdpdr_index < server->channel_count)
		rdpdr = server->channels[r->client.rdpdr_index];
	if (r->client.has_drdynvc &&
	    r->client.drdynvc_index < server->channel_count)
		drdynvc = server->channels[r->client.drdynvc_index];
	if (!is_unique(server, rdpdr))
		return "GCC: SC_NET gives rdpdr's id twice";
	if (!is_unique(server, drdynvc))
		return "GCC: SC_NET gives drdynvc's id twice";
	r->facts.io_channel = server->io_channel;
	r->facts.message_channel = server->message_channel;
	r->facts.rdpdr_channel = rdpdr;
	r->facts.drdynvc_channel = drdynvc;
	return NULL;
}

static void
edit_server(struct relay *r, struct wire_out *frame, size_t base,
            const struct gcc_server *server)
{
	const struct relay_negotiation *n = &r->negotiation;

	if (server->requested_offset != 0 &&
	    server->requested_protocols == n->server_requested)
		relay_edit_u32(frame, base + server->requested_offset,
		               n->client_requested);
	if (server->multitransport_offset != 0)
		relay_edit_u32(frame, base + server->multitransport_offset, 0);
}

enum relay_verdict
relay_on_response(struct relay *r, struct wire_out *frame)
{
	struct wire_in in = relay_mcs_part(frame);
	struct mcs_connect connect;
	struct gcc_server server;
	const char *fault;
	size_t base;

	if (!r->initial_seen)
		return relay_refuse(r, "MCS: Connect Response before Initial");
	if (r->response_seen)
		return relay_refuse(r, "MCS: a second Connect Response");
	wire_skip(&in, 2); /* tag */
	base = frame->len - in.left;
	fault = mcs_connect_response_decode(&in, &connect);
	if (fault == NULL && connect.result != 0)
		return RELAY_FORWARD; /* the server refuses: the client's news
		                       */
	if (fault == NULL)
		fault = gcc_server_decode(connect.user_data, &server);
	if (fault == NULL)
		fault = learn_channels(r, &server);
	if (fault != NULL)
		return relay_refuse(r, fault);
	r->response_seen = true;
	edit_server(r, frame, base + connect.user_data_offset, &server);
	return RELAY_FORWARD;
}

enum relay_verdict
relay_on_attach(struct relay *r, struct wire_out *frame)
{
	struct wire_in in = relay_mcs_part(frame);
	const char *fault;

	wire_skip(&in, 1); /* choice */
	fault = mcs_attach_confirm_decode(&in, &r->facts.user_channel);
	return fault == NULL ? RELAY_FORWARD : relay_refuse(r, fault);
}
