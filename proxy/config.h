/*
 * The configuration: an INI file with [daemon], [listen NAME], [target NAME],
 * [tls], [policy NAME] and [store].  Unknown sections and keys, bad values,
 * duplicates and missing files are faults, each with its file and line; all
 * faults of a file are reported at once.  Every key is explained in
 * cardproxyd.conf.
 */
#ifndef PROXY_CONFIG_H
#define PROXY_CONFIG_H

#include <sys/socket.h>

#include "channel.h"
#include "evidence.h"
#include "gpo.h"
#include "keeper.h"
#include "log.h"
#include "policy.h"
#include "tls.h"

enum {
	CONFIG_LISTENERS_MAX = 16,
	CONFIG_TARGETS_MAX = 256,
	CONFIG_POLICIES_MAX = 256,
	CONFIG_PINS_MAX = 8,
	CONFIG_FAULTS_MAX = 64
};

struct config_listener {
	char *name; /* "" for plain [listen] */
	struct sockaddr_storage address;
	socklen_t address_len;
	char *target; /* name of a [target], or NULL */
	unsigned max_sessions;
};

enum config_security { CONFIG_AS_SERVER, CONFIG_TLS };

/* What the end of a connection means for its log-on. */
enum config_session_end {
	CONFIG_END_AUTO, /* as _SIGNAL where somebody can tell of a log-off */
	CONFIG_END_SIGNAL,
	CONFIG_END_CONNECTION
};

struct config_target {
	char *name;
	char *host; /* name or address, without brackets */
	char *port;
	char *match_cookie; /* glob or NULL */
	char *match_user;   /* glob or NULL */
	enum tls_verify verify;
	char *ca_file;     /* NULL: the system's */
	char *server_name; /* in its certificate; default host */
	uint8_t pins[CONFIG_PINS_MAX][TLS_PIN_LEN];
	size_t pin_count;
	enum config_security security;
	unsigned identity; /* set of enum evidence_source */
	enum config_session_end session_end;
	struct channel_config channel;
	char *policy; /* name of the [policy] it wants; NULL: who matches */
};

struct config {
	char *user; /* service user */
	enum log_level log_level;
	enum log_form log_form;
	struct config_listener *listeners;
	size_t listener_count;
	struct config_target *targets;
	size_t target_count;
	struct policy_list policies;
	char *policy_directory; /* of the machine's group policies, or NULL */
	bool allow_loosening;   /* AllowSessionLoosening */
	struct gpo_set *gpos;   /* what is in force of them, or NULL */
	char *certificate;      /* NULL: self-signed, kept beside the store */
	char *key;
	int min_tls; /* TLS1_2_VERSION or TLS1_3_VERSION */
	char *database;
	char *run_dir;
	char *control; /* <run_dir>/control.sock */
	bool durable_full;
	gid_t control_group;  /* (gid_t)-1: none */
	gid_t view_group;     /* (gid_t)-1: none */
	char *system_anchors; /* PEM; NULL: the default, if it is there */
};

/* One fault, ready to print: "FILE:LINE: [section] key: what is wrong". */
struct config_faults {
	size_t count; /* may be above CONFIG_FAULTS_MAX */
	char *text[CONFIG_FAULTS_MAX];
};

/*
 * Read and check a file.  NULL: faults has at least one text.  A non-NULL
 * result has no faults and is the caller's; the texts are the caller's in both
 * cases.
 */
struct config *config_load(const char *path, struct config_faults *faults);

/* The same of a text that is there already; path is for the faults. */
struct config *config_parse(struct wire_view text, const char *path,
                            struct config_faults *faults);
void config_free(struct config *config);

/*
 * Group policies: after config_load none is in force.  _load reads the
 * policy_directory (before is what was in force until now, for files that are
 * no good) and puts it into force; _set takes a set, or NULL.  Both give back
 * what was in force in this configuration, which is the caller's to free; _load
 * gives NULL also when memory is short, and then nothing has changed.
 */
struct gpo_set *config_load_policies(struct config *config,
                                     const struct gpo_set *before);
struct gpo_set *config_set_policies(struct config *config, struct gpo_set *set);
void config_faults_clear(struct config_faults *faults);

/*
 * The target of a connection: the first whose match_cookie and match_user fit,
 * else the listener's, else the only one; NULL: none.  token and user are what
 * the connection request carried, untrusted.
 */
const struct config_target *config_route(const struct config *config,
                                         size_t listener,
                                         struct wire_view token,
                                         struct wire_view user);

/* By name, NULL if there is none. */
const struct config_target *config_target(const struct config *config,
                                          const char *name);

#endif
