/*
 * What a server says of the log-on: the Save Session Info PDU in all its forms
 * ([MS-RDPBCGR] 2.2.10.1.1), and the Set Error Info PDU (2.2.5.1.1).  Codec
 * only: no I/O, no state.
 *
 * in is the body of a share data PDU, which the caller knows not to be
 * compressed.  The texts may be empty, and may hold their terminators.
 */
#ifndef PROXY_LOGONINFO_H
#define PROXY_LOGONINFO_H

#include "share.h"

/* infoType. */
enum logoninfo_kind {
	LOGONINFO_V1 = 0,
	LOGONINFO_V2 = 1,
	LOGONINFO_PLAIN = 2, /* somebody logged on, and no word who */
	LOGONINFO_EXTENDED = 3
};

struct logoninfo {
	enum logoninfo_kind kind;
	/* LOGONINFO_V1 and _V2; borrowed. */
	struct share_text domain;
	struct share_text user;
	uint32_t session_id;
	/* LOGONINFO_EXTENDED; the secret of the cookie is stepped over. */
	bool has_cookie;
	uint32_t logon_id; /* of the cookie: the session's id */
	bool has_error;
	uint32_t error_type; /* of the logon errors info */
	uint32_t error_data;
};

/* NULL, or a literal naming PDU and field. */
const char *logoninfo_decode(struct wire_in *in, struct logoninfo *info);

/* The code of a Set Error Info PDU; false when it is not there. */
bool logoninfo_error_decode(struct wire_in *in, uint32_t *code);

#endif
