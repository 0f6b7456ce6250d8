/*
 * The codes of the Set Error Info PDU ([MS-RDPBCGR] 2.2.5.1.1): what they are
 * called, and whether the log-on ended with the connection.  No I/O, no state.
 */
#ifndef PROXY_ERRORINFO_H
#define PROXY_ERRORINFO_H

#include <stdint.h>

/*
 * ERRORINFO_NONE: nothing is wrong.  What is no log-off is a disconnection: the
 * user may come back to what runs there.
 */
enum errorinfo_end { ERRORINFO_NONE, ERRORINFO_LOGOFF, ERRORINFO_DISCONNECT };
enum errorinfo_end errorinfo_end(uint32_t code);

/* "logoff-by-user", ...; "other" for a code without a name of its own. */
const char *errorinfo_name(uint32_t code);

#endif
