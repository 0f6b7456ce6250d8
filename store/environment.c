#include "environment.h"

#include "document.h"
#include "kerberos.h"
#include "logon.h"
#include "view.h"
#include "viewtext.h"

#include <json-c/json.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

enum { VALUE_SIZE = 3 * VIEW_PATH_MAX };

/* Ours first, then what the program would have without us. */
static void
add_paths(struct json_object *env, const char *run_dir, const char *view)
{
	char value[VALUE_SIZE];

	(void)snprintf(value, sizeof(value), "%s/certs:%s/host/certs:%s", view,
	               run_dir, X509_get_default_cert_dir());
	document_add_text(env, "SSL_CERT_DIR", value);
	(void)snprintf(value, sizeof(value), "%s/krb5.conf:%s", view,
	               KERBEROS_CONFIG);
	document_add_text(env, "KRB5_CONFIG", value);
}

static void
add_variables(struct json_object *row, const char *id, const char *run_dir,
              const char *view)
{
	struct json_object *env = document_add_object(row, "env");

	if (env == NULL)
		return;
	document_add_text(env, "CARDPROXY_SESSION", id);
	document_add_text(env, "CARDPROXY_VIEW", view);
	add_paths(env, run_dir, view);
}

bool
environment_is_wanted(const struct request *request,
                      const struct engine_session *session)
{
	size_t len = strlen(request->prefix);
	struct wire_view user = wire_view_text(request->owner);

	return session->live && session->user.len > 0 &&
	       (user.len == 0 || wire_view_equal(session->user, user)) &&
	       session->session.len == 2 * KEEP_ID_LEN &&
	       len <= 2 * KEEP_ID_LEN &&
	       memcmp(session->session.data, request->prefix, len) == 0;
}

void
environment_add(const struct report_source *source,
                const struct engine_session *session, struct json_object *row)
{
	char id[ENGINE_ID_SIZE] = "";
	char view[VIEW_PATH_MAX];

	memcpy(id, session->session.data, session->session.len);
	document_add_text(row, "id", id);
	document_add_view(row, "user", session->user);
	document_add_view(row, "source", session->source);
	document_add_view(row, "target", session->target);
	document_add_bool(
	    row, "local",
	    logon_is_local(source->local_targets, session->target));
	document_add_bool(row, "authenticated",
	                  logon_is_proven(session->source));
	document_add_number(row, "started_at", session->started_at);
	if (!view_path(source->run_dir, id, view))
		return;
	document_add_text(row, "view", view);
	add_variables(row, id, source->run_dir, view);
}
