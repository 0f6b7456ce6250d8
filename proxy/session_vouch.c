#include "session_inside.h"

#include <openssl/crypto.h>
#include <string.h>
#include <unistd.h>

/*
 * The password check, [target] identity = pam.  The password goes from the
 * frame it came in to the voucher's socket through one buffer that is wiped
 * here; nothing of it is kept.
 */

static void on_vouched(void *arg, enum vouch_reason reason,
                       struct wire_view account);

/* What cannot be a password of an account; NULL: ask. */
static const char *
not_askable(const struct session *s, const struct share_info *info)
{
	if (info->flags & SHARE_INFO_PASSWORD_IS_PIN)
		return "the client sent a card's PIN, which is for the server";
	if (info->password.bytes.len == 0)
		return "the client sent no password";
	if (relay_facts(s->relay)->user[0] == '\0')
		return "the client named no user";
	return NULL;
}

/*
 * The account is what the client calls the user.  Its domain field is not asked
 * for, and so does not become a part of the key either: clients fill it with
 * what they like, often their own name.
 */
static bool
ask(struct session *s, const struct share_info *info)
{
	char password[VOUCH_PASSWORD_MAX + 1];
	bool asked =
	    share_text_utf8(&info->password, password, sizeof(password)) &&
	    vouch_ask(s->vouch, wire_view_text(relay_facts(s->relay)->user),
	              wire_view_text(password));

	OPENSSL_cleanse(password, sizeof(password));
	return asked;
}

void
session_ask_password(struct session *s, const struct share_info *info)
{
	const char *why = not_askable(s, info);
	int fd = s->vouch_fd;

	if (why == NULL) {
		s->vouch_fd = -1;
		s->vouch = vouch_new(s->base, fd, on_vouched, s);
		if (s->vouch == NULL)
			why = "no memory to ask";
		else if (!ask(s, info))
			why = "name or password are none that PAM could know";
	}
	if (why != NULL)
		session_note_source(EVIDENCE_PAM, why);
}

/* One question for each connection: a client that was wrong connects again. */
static void
on_vouched(void *arg, enum vouch_reason reason, struct wire_view account)
{
	struct session *s = arg;
	char name[VOUCH_USER_MAX + 1] = "";
	char key[EVIDENCE_KEY_MAX] = "";

	if (reason != VOUCH_ACCEPTED) {
		session_note_source(EVIDENCE_PAM, vouch_reason_name(reason));
	} else {
		if (account.len < sizeof(name))
			memcpy(name, account.data, account.len);
		(void)evidence_key(name, "", key, sizeof(key));
		session_say(s, EVIDENCE_PAM, key, "");
	}
	session_end_vouch(s);
}

void
session_end_vouch(struct session *s)
{
	vouch_free(s->vouch);
	s->vouch = NULL;
	if (s->vouch_fd >= 0)
		(void)close(s->vouch_fd);
	s->vouch_fd = -1;
}
