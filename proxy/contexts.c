#include "contexts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apart.h"
#include "hostroots.h"

void
contexts_clear(struct contexts *contexts)
{
	for (size_t i = 0; i < contexts->count; i++)
		SSL_CTX_free(contexts->clients[i]);
	free(contexts->clients);
	SSL_CTX_free(contexts->server);
	anchors_free(contexts->anchors);
	memset(contexts, 0, sizeof(*contexts));
}

/* A file of ours beside the store. */
static char *
beside_store(const struct config *config, const char *name)
{
	const char *slash = strrchr(config->database, '/');
	int dir = slash == NULL ? 0 : (int)(slash - config->database);
	char *path = NULL;

	if (asprintf(&path, "%.*s/%s", dir, config->database, name) < 0)
		return NULL;
	return path;
}

/* What root made for itself must be there for the service user at a reload. */
static bool
own_certificate(const struct config *config, const char *certificate,
                const char *key, const char **why)
{
	struct stat st;
	char *dir = beside_store(config, "");
	bool ok = dir != NULL && tls_ensure_self_signed(certificate, key, why);

	if (ok && geteuid() == 0 && stat(dir, &st) == 0 &&
	    (chown(certificate, st.st_uid, st.st_gid) != 0 ||
	     chown(key, st.st_uid, st.st_gid) != 0)) {
		*why = strerror(errno);
		ok = false;
	}
	free(dir);
	return ok;
}

static SSL_CTX *
open_server(const struct config *config, const char **why)
{
	char *certificate;
	char *key;
	SSL_CTX *ctx = NULL;

	if (config->certificate != NULL)
		return tls_server_context(config->certificate, config->key,
		                          config->min_tls, why);
	certificate = beside_store(config, "tls-certificate.pem");
	key = beside_store(config, "tls-key.pem");
	*why = "no memory";
	if (certificate != NULL && key != NULL &&
	    own_certificate(config, certificate, key, why))
		ctx =
		    tls_server_context(certificate, key, config->min_tls, why);
	free(certificate);
	free(key);
	return ctx;
}

static void
complain(const char *what, const char *why)
{
	struct log_event ev = log_event(LOG_ERROR, "tls");

	log_text(&ev, "for", what);
	log_text(&ev, "reason", why);
	log_write(&ev);
}

static struct anchors *
open_anchors(const struct config *config)
{
	const char *path = config->system_anchors;
	const char *why = "no memory";
	struct anchors *anchors = hostroots_load(path, &why);
	struct log_event ev;

	if (anchors != NULL)
		return anchors;
	ev = log_event(LOG_ERROR, "system-anchors");
	log_text(&ev, "file", path != NULL ? path : HOSTROOTS_DEFAULT);
	log_text(&ev, "reason", why);
	log_write(&ev);
	return NULL;
}

static bool
open_clients(struct contexts *contexts, const struct config *config)
{
	const char *why = "no memory";

	for (size_t i = 0; i < config->target_count; i++) {
		const struct config_target *target = &config->targets[i];

		contexts->clients[i] = tls_client_context(
		    target->verify, target->ca_file, config->min_tls, &why);
		contexts->count = i + 1;
		if (contexts->clients[i] == NULL) {
			complain(target->name, why);
			return false;
		}
	}
	return true;
}

/*
 * The library's own objects come first, close together, as sessions count in
 * them how often they are used.  Nobody writes to the many certificates.
 */
static bool
open_all(struct contexts *contexts, const struct config *config)
{
	const char *why = "no memory";

	contexts->server = open_server(config, &why);
	contexts->clients = calloc(config->target_count, sizeof(SSL_CTX *));
	if (contexts->server == NULL || contexts->clients == NULL) {
		complain("clients", why);
		return false;
	}
	tls_warm_up(contexts->server);
	contexts->anchors = open_anchors(config);
	return contexts->anchors != NULL && open_clients(contexts, config);
}

struct opening {
	struct contexts *contexts;
	const struct config *config;
	bool ok;
};

static void
open_apart(void *arg)
{
	struct opening *o = arg;

	o->ok = open_all(o->contexts, o->config);
	if (!o->ok)
		contexts_clear(o->contexts);
}

bool
contexts_open(struct contexts *contexts, const struct config *config)
{
	struct opening o = {contexts, config, false};

	memset(contexts, 0, sizeof(*contexts));
	apart_run(open_apart, &o);
	return o.ok;
}
