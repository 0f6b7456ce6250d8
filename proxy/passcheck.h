/*
 * One check of a password by PAM.  It blocks for as long as the modules like,
 * runs their code, and may leave anything behind: for a process of its own that
 * ends afterwards (voucher.c).
 *
 * It authenticates and looks at the account (may it log on, from here, now).
 * It opens no PAM session and sets no credentials: nobody logs on here.
 */
#ifndef PROXY_PASSCHECK_H
#define PROXY_PASSCHECK_H

#include "vouchwire.h"

struct passcheck {
	const char *service; /* of PAM; "other" counts where there is none */
	const char *confdir; /* where its file is; NULL: the host's */
	struct wire_view client;   /* address of the client: PAM_RHOST */
	struct wire_view user;     /* as vouchwire.h wants them */
	struct wire_view password; /* borrowed; the caller wipes it */
};

/*
 * The password answers the first question of PAM that is not to be echoed;
 * further ones (a second factor, a new password) are refused, and so fails the
 * check.  account has VOUCH_USER_MAX + 1 bytes: what PAM calls the user in the
 * end, or "" unless the result is VOUCH_ACCEPTED.
 */
enum vouch_reason passcheck_run(const struct passcheck *check, char *account);

#endif
