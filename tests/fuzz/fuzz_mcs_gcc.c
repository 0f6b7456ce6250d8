/* MCS PDUs, and the GCC blocks in those that connect. */
#include "gcc.h"
#include "mcs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* An MCS PDU, and its GCC: an offset beyond the bytes would be a bug. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wire_in in = wire_in(data, len);
	struct mcs_connect connect;
	struct gcc_client client;
	struct gcc_server server;
	struct mcs_head head;
	uint16_t user;

	if (!mcs_head_decode(&in, &head))
		return 0;
	if (head.kind == MCS_ATTACH_CONFIRM)
		(void)mcs_attach_confirm_decode(&in, &user);
	if (head.kind == MCS_CONNECT_INITIAL &&
	    mcs_connect_initial_decode(&in, &connect) == NULL &&
	    gcc_client_decode(connect.user_data, &client) == NULL &&
	    (client.selected_offset + 4 > connect.user_data.len ||
	     client.multitransport_offset + 4 > connect.user_data.len ||
	     client.rdpdr_offset + 4 > connect.user_data.len))
		__builtin_trap();
	if (head.kind == MCS_CONNECT_RESPONSE &&
	    mcs_connect_response_decode(&in, &connect) == NULL &&
	    gcc_server_decode(connect.user_data, &server) == NULL &&
	    (server.requested_offset + 4 > connect.user_data.len ||
	     server.multitransport_offset + 4 > connect.user_data.len))
		__builtin_trap();
	return 0;
}
