#include "passcheck.h"

#include <security/pam_appl.h>
#include <stdlib.h>
#include <string.h>

/* What the conversation with PAM's modules has to say. */
struct talk {
	const struct passcheck *check;
	bool told; /* the password, once */
};

static char *
text_of(struct wire_view view)
{
	return strndup((const char *)view.data, view.len);
}

/* The answer to one question; NULL: there is none. */
static char *
answer_one(struct talk *talk, int style)
{
	if (style == PAM_PROMPT_ECHO_ON)
		return text_of(talk->check->user);
	if (style != PAM_PROMPT_ECHO_OFF || talk->told)
		return NULL;
	talk->told = true;
	return text_of(talk->check->password);
}

static void
wipe_answers(struct pam_response *answers, int count)
{
	for (int i = 0; i < count; i++) {
		if (answers[i].resp != NULL)
			explicit_bzero(answers[i].resp,
			               strlen(answers[i].resp));
		free(answers[i].resp);
	}
	free(answers);
}

/* PAM frees what it gets here, and wipes it. */
static int
converse(int count, const struct pam_message **questions,
         struct pam_response **result, void *arg)
{
	struct pam_response *answers;

	if (count <= 0 || count > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	answers = calloc((size_t)count, sizeof(*answers));
	if (answers == NULL)
		return PAM_BUF_ERR;
	for (int i = 0; i < count; i++) {
		int style = questions[i]->msg_style;

		if (style == PAM_TEXT_INFO || style == PAM_ERROR_MSG)
			continue;
		answers[i].resp = answer_one(arg, style);
		if (answers[i].resp == NULL) {
			wipe_answers(answers, count);
			return PAM_CONV_ERR;
		}
	}
	*result = answers;
	return PAM_SUCCESS;
}

/* PAM would wait here; the voucher holds the answer back instead. */
static void
no_delay(int status, unsigned delay_us, void *arg)
{
	(void)status;
	(void)delay_us;
	(void)arg;
}

static bool
set_items(pam_handle_t *pam, const struct passcheck *check)
{
	union {
		void (*function)(int, unsigned, void *);
		const void *item;
	} delay = {no_delay};
	char *client = text_of(check->client);
	bool ok = client != NULL;

	ok = ok && pam_set_item(pam, PAM_RHOST, client) == PAM_SUCCESS;
	ok = ok && pam_set_item(pam, PAM_TTY, "rdp") == PAM_SUCCESS;
	ok = ok && pam_set_item(pam, PAM_FAIL_DELAY, delay.item) == PAM_SUCCESS;
	free(client);
	return ok;
}

/* What PAM says, in our words. */
static enum vouch_reason
reason_of_authenticate(int status)
{
	switch (status) {
	case PAM_SUCCESS:
		return VOUCH_ACCEPTED;
	case PAM_AUTH_ERR:
	case PAM_USER_UNKNOWN:
	case PAM_MAXTRIES:
	case PAM_PERM_DENIED:
	case PAM_CRED_INSUFFICIENT:
	case PAM_CONV_ERR:
		return VOUCH_DENIED;
	case PAM_ACCT_EXPIRED:
	case PAM_NEW_AUTHTOK_REQD:
		return VOUCH_ACCOUNT;
	default:
		return VOUCH_FAILED;
	}
}

static enum vouch_reason
reason_of_account(int status)
{
	switch (status) {
	case PAM_SUCCESS:
		return VOUCH_ACCEPTED;
	case PAM_ACCT_EXPIRED:
	case PAM_AUTH_ERR:
	case PAM_NEW_AUTHTOK_REQD:
	case PAM_AUTHTOK_EXPIRED:
	case PAM_PERM_DENIED:
	case PAM_USER_UNKNOWN:
		return VOUCH_ACCOUNT;
	default:
		return VOUCH_FAILED;
	}
}

/* A module may have mapped the name to another: that one is the account. */
static enum vouch_reason
take_account(pam_handle_t *pam, char *account)
{
	const void *item = NULL;
	size_t len;

	if (pam_get_item(pam, PAM_USER, &item) != PAM_SUCCESS || item == NULL)
		return VOUCH_FAILED;
	len = strlen(item);
	if (len == 0 || len > VOUCH_USER_MAX)
		return VOUCH_FAILED;
	memcpy(account, item, len + 1);
	return VOUCH_ACCEPTED;
}

static enum vouch_reason
ask(pam_handle_t *pam, int *status, char *account)
{
	const int flags = PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK;
	enum vouch_reason reason;

	*status = pam_authenticate(pam, flags);
	reason = reason_of_authenticate(*status);
	if (reason != VOUCH_ACCEPTED)
		return reason;
	*status = pam_acct_mgmt(pam, flags);
	reason = reason_of_account(*status);
	return reason == VOUCH_ACCEPTED ? take_account(pam, account) : reason;
}

enum vouch_reason
passcheck_run(const struct passcheck *check, char *account)
{
	struct talk talk = {.check = check};
	const struct pam_conv conv = {converse, &talk};
	enum vouch_reason reason = VOUCH_FAILED;
	char *user = text_of(check->user);
	pam_handle_t *pam = NULL;
	int status = PAM_BUF_ERR;

	account[0] = '\0';
	if (user != NULL)
		status = pam_start_confdir(check->service, user, &conv,
		                           check->confdir, &pam);
	if (status == PAM_SUCCESS && set_items(pam, check))
		reason = ask(pam, &status, account);
	if (pam != NULL)
		(void)pam_end(pam, status);
	free(user);
	return reason;
}
