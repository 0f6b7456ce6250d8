#include "config.h"

#include "confkey.h"
#include "confline.h"
#include "value.h"

#include <errno.h>
#include <fnmatch.h>
#include <ini.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FILE_MAX = 1024 * 1024, /* bytes of a configuration */
	HEADER_MAX = 128,       /* of "target NAME" */
	COOKIE_MAX = 512        /* of what a glob is tried on */
};

/* The state of one reading. */
struct parser {
	const char *path;
	struct config_faults *faults;
	struct config *config;
	struct wire_in text;
	unsigned line;
	enum confkey_section section; /* _SECTIONS: its keys are skipped */
	char header[HEADER_MAX];      /* "target NAME", printable */
	void *base;                   /* what the keys of the section fill */
	struct confkey_seen seen;     /* keys of the section */
	bool opened[CONFKEY_SECTIONS];
	unsigned listener_lines[CONFIG_LISTENERS_MAX];
	unsigned target_lines[CONFIG_TARGETS_MAX];
};

/* Takes the text, which is NULL when memory is short. */
static void
keep_fault(struct config_faults *faults, char *text)
{
	if (text != NULL && faults->count < CONFIG_FAULTS_MAX)
		faults->text[faults->count] = text;
	else
		free(text);
	faults->count++;
}

/* FILE:LINE: [HEADER] KEY: WHAT; key is "" for a section as a whole. */
static void
fault(struct parser *p, unsigned line, const char *header, const char *key,
      const char *what)
{
	char *text;

	if (asprintf(&text, "%s:%u: [%s]%s%s: %s", p->path, line, header,
	             *key == '\0' ? "" : " ", key, what) < 0)
		text = NULL;
	keep_fault(p->faults, text);
}

/* FILE: WHAT. */
static void
file_fault(const char *path, struct config_faults *faults, const char *what)
{
	char *text;

	if (asprintf(&text, "%s: %s", path, what) < 0)
		text = NULL;
	keep_fault(faults, text);
}

/*
 * Sections.  Each opener makes p->base; false, after a fault, when the
 * section's keys cannot be kept.
 */
static bool
open_listener(struct parser *p, const char *name)
{
	struct config *c = p->config;
	struct config_listener *listener = &c->listeners[c->listener_count];

	for (size_t i = 0; i < c->listener_count; i++)
		if (strcmp(c->listeners[i].name, name) == 0) {
			fault(p, p->line, p->header, "", "a second one");
			return false;
		}
	if (c->listener_count == CONFIG_LISTENERS_MAX) {
		fault(p, p->line, p->header, "", "above 16 listeners");
		return false;
	}
	listener->name = strdup(name);
	if (listener->name == NULL)
		return false;
	listener->max_sessions = 1000;
	p->listener_lines[c->listener_count++] = p->line;
	p->base = listener;
	return true;
}

static bool
open_target(struct parser *p, const char *name)
{
	struct config *c = p->config;
	struct config_target *target = &c->targets[c->target_count];

	if (config_target(c, name) != NULL) {
		fault(p, p->line, p->header, "", "a second one");
		return false;
	}
	if (c->target_count == CONFIG_TARGETS_MAX) {
		fault(p, p->line, p->header, "", "above 256 targets");
		return false;
	}
	target->name = strdup(name);
	if (target->name == NULL)
		return false;
	target->channel.role = CHANNEL_AUTO;
	target->channel.own_after_ms = 10000;
	target->channel.apdu_ms = 5000;
	target->channel.card_ms = 20000;
	p->target_lines[c->target_count++] = p->line;
	p->base = target;
	return true;
}

static bool
open_policy(struct parser *p, const char *name)
{
	struct policy_list *list = &p->config->policies;

	if (policy_find(list, name) != NULL) {
		fault(p, p->line, p->header, "", "a second one");
		return false;
	}
	if (list->count == CONFIG_POLICIES_MAX) {
		fault(p, p->line, p->header, "", "above 256 policies");
		return false;
	}
	p->base = &list->items[list->count++];
	policy_init(p->base, name);
	list->items[list->count - 1].line = p->line;
	return true;
}

/* [daemon], [tls] and [store] are the config itself, once. */
static bool
open_single(struct parser *p, const char *name)
{
	(void)name;
	if (p->opened[p->section])
		fault(p, p->line, p->header, "", "a second one");
	p->base = p->config;
	return !p->opened[p->section];
}

/* Does a section bear a name? */
enum naming { NAMELESS, NAMED, EITHER };

static const struct {
	const char *word;
	enum naming naming;
	bool (*open)(struct parser *p, const char *name);
} sections[CONFKEY_SECTIONS] = {
    [CONFKEY_DAEMON] = {"daemon", NAMELESS, open_single},
    [CONFKEY_LISTEN] = {"listen", EITHER, open_listener},
    [CONFKEY_TARGET] = {"target", NAMED, open_target},
    [CONFKEY_TLS] = {"tls", NAMELESS, open_single},
    [CONFKEY_POLICY] = {"policy", NAMED, open_policy},
    [CONFKEY_STORE] = {"store", NAMELESS, open_single},
};

static const char *
check_naming(enum naming naming, const char *name)
{
	if (*name == '\0')
		return naming == NAMED ? "want a name: [section NAME]" : NULL;
	return naming == NAMELESS ? "this section has no name"
	                          : value_name(name);
}

/* The section a word names, or CONFKEY_SECTIONS. */
static enum confkey_section
find_section(const char *word)
{
	unsigned i = 0;

	while (i < CONFKEY_SECTIONS && strcmp(sections[i].word, word) != 0)
		i++;
	return (enum confkey_section)i;
}

/* Later faults show the header with one blank, as it should be written. */
static void
open_section(struct parser *p, const char *word, const char *name)
{
	enum confkey_section section = find_section(word);
	const char *wrong = "no such section";
	char header[HEADER_MAX];

	(void)snprintf(header, sizeof(header), "%s%s%s", word,
	               *name == '\0' ? "" : " ", name);
	(void)log_printable(p->header, sizeof(p->header),
	                    wire_view_text(header));
	if (section != CONFKEY_SECTIONS)
		wrong = check_naming(sections[section].naming, name);
	if (wrong != NULL)
		fault(p, p->line, p->header, "", wrong);
	memset(&p->seen, 0, sizeof(p->seen));
	p->section = section;
	if (wrong != NULL || !sections[section].open(p, name))
		p->section = CONFKEY_SECTIONS;
	if (section != CONFKEY_SECTIONS)
		p->opened[section] = true;
}

/* "[word name]", and nothing behind it but a comment. */
static void
read_header(struct parser *p, char *line)
{
	char *word = line + 1 + strspn(line + 1, " \t");
	size_t len = strcspn(word, "]");
	char *after = word + len;
	char *name;

	p->section = CONFKEY_SECTIONS;
	if (*after != ']' ||
	    strchr(";#", after[1 + strspn(after + 1, " \t")]) == NULL) {
		(void)snprintf(p->header, sizeof(p->header), "?");
		fault(p, p->line, p->header, "",
		      "want [section] or [section NAME]");
		return;
	}
	*after = '\0';
	while (len > 0 && strchr(" \t", word[len - 1]) != NULL)
		word[--len] = '\0';
	name = word + strcspn(word, " \t");
	if (*name != '\0') {
		*name++ = '\0';
		name += strspn(name, " \t");
	}
	open_section(p, word, name);
}

/*
 * What inih reads its lines with.  It is given the good "key = value" lines and
 * empty ones for all else: it counts no lines for a handler, continues indented
 * lines, and does not say that a section was opened.
 */
static char *
read_line(char *buf, int size, void *arg)
{
	struct parser *p = arg;
	const char *wrong = NULL;

	if (p->text.left == 0 || size < 3)
		return NULL;
	p->line++;
	if (!confline_take(&p->text, buf, (size_t)size - 2))
		wrong = "this line is too long";
	if (wrong == NULL)
		wrong = confline_check(buf);
	if (wrong != NULL)
		fault(p, p->line, *p->header == '\0' ? "?" : p->header, "",
		      wrong);
	else if (*buf == '[')
		read_header(p, buf);
	if (wrong != NULL || *buf == '[')
		*buf = '\0';
	(void)strcat(buf, "\n");
	return buf;
}

/* inih calls this for each "key = value"; it opened no section itself. */
static int
on_key(void *arg, const char *section, const char *name, const char *value)
{
	struct parser *p = arg;
	const char *wrong;
	char printable[64];

	(void)section;
	if (*p->header == '\0')
		fault(p, p->line, "?", "", "a key before the first section");
	if (p->section == CONFKEY_SECTIONS)
		return 1;
	wrong =
	    confkey_set(p->section, p->base, name, value, p->line, &p->seen);
	if (wrong != NULL)
		fault(p, p->line, p->header,
		      log_printable(printable, sizeof(printable),
		                    wire_view_text(name)),
		      wrong);
	return 1;
}

/* What only the whole file tells.  Faults name the section's first line. */
static void
check_listener(struct parser *p, size_t index)
{
	const struct config_listener *l = &p->config->listeners[index];
	unsigned line = p->listener_lines[index];
	char header[HEADER_MAX];

	(void)snprintf(header, sizeof(header), "listen%s%s",
	               *l->name == '\0' ? "" : " ", l->name);
	if (l->address_len == 0)
		fault(p, line, header, "address", "this key is missing");
	if (l->target != NULL && config_target(p->config, l->target) == NULL)
		fault(p, line, header, "target", "there is no such [target]");
	for (size_t i = 0; i < index && l->address_len != 0; i++)
		if (memcmp(&p->config->listeners[i].address, &l->address,
		           sizeof(l->address)) == 0)
			fault(p, line, header, "address",
			      "another [listen] has the same");
}

static void
check_verify(struct parser *p, const struct config_target *t, unsigned line,
             const char *header)
{
	if (t->verify == TLS_VERIFY_PIN && t->pin_count == 0)
		fault(p, line, header, "pin_sha256",
		      "verify = pin needs this key");
	if (t->verify != TLS_VERIFY_PIN && t->pin_count != 0)
		fault(p, line, header, "pin_sha256",
		      "this key needs verify = pin");
	if (t->verify != TLS_VERIFY_CA && t->ca_file != NULL)
		fault(p, line, header, "ca_file", "this key needs verify = ca");
	if (t->verify != TLS_VERIFY_CA && t->server_name != NULL)
		fault(p, line, header, "server_name",
		      "this key needs verify = ca");
}

static void
check_target(struct parser *p, size_t index)
{
	struct config_target *t = &p->config->targets[index];
	unsigned line = p->target_lines[index];
	char header[HEADER_MAX];

	(void)snprintf(header, sizeof(header), "target %s", t->name);
	if (t->host == NULL)
		fault(p, line, header, "address", "this key is missing");
	check_verify(p, t, line, header);
	if (t->policy != NULL &&
	    policy_find(&p->config->policies, t->policy) == NULL)
		fault(p, line, header, "policy", "there is no such [policy]");
	if (t->server_name == NULL && t->host != NULL)
		t->server_name = strdup(t->host);
}

static void
check_policy(struct parser *p, struct policy *policy)
{
	const char *wrong = policy_finish(policy);
	char header[HEADER_MAX];

	(void)snprintf(header, sizeof(header), "policy %s",
	               policy->certprop.name);
	if (wrong != NULL)
		fault(p, policy->line, header, "", wrong);
}

static void
check_all(struct parser *p)
{
	struct config *c = p->config;

	for (size_t i = 0; i < c->listener_count; i++)
		check_listener(p, i);
	for (size_t i = 0; i < c->target_count; i++)
		check_target(p, i);
	for (size_t i = 0; i < c->policies.count; i++)
		check_policy(p, &c->policies.items[i]);
	gpo_free(config_set_policies(c, NULL));
	if (!p->opened[CONFKEY_LISTEN])
		fault(p, p->line, "listen", "", "this section is missing");
	if (!p->opened[CONFKEY_TARGET])
		fault(p, p->line, "target NAME", "", "this section is missing");
	if ((c->certificate == NULL) != (c->key == NULL))
		fault(p, p->line, "tls", "",
		      "want certificate and key, or neither");
}

static struct config *
config_new(void)
{
	struct config *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->user = strdup("cardproxy");
	c->database = strdup("/var/lib/cardproxy/store.db");
	c->run_dir = strdup("/run/cardproxy");
	c->listeners = calloc(CONFIG_LISTENERS_MAX, sizeof(*c->listeners));
	c->targets = calloc(CONFIG_TARGETS_MAX, sizeof(*c->targets));
	c->policies.items =
	    calloc(CONFIG_POLICIES_MAX, sizeof(*c->policies.items));
	policy_init(&c->policies.builtin, "default");
	c->policies.generation = 1;
	c->durable_full = true;
	c->log_level = LOG_INFO;
	c->min_tls = TLS1_2_VERSION;
	c->control_group = (gid_t)-1;
	c->view_group = (gid_t)-1;
	if (c->user != NULL && c->database != NULL && c->run_dir != NULL &&
	    c->listeners != NULL && c->targets != NULL &&
	    c->policies.items != NULL)
		return c;
	config_free(c);
	return NULL;
}

static void
parse(struct parser *p)
{
	(void)ini_parse_stream(read_line, p, on_key, p);
	check_all(p);
	if (asprintf(&p->config->control, "%s/control.sock",
	             p->config->run_dir) < 0) {
		p->config->control = NULL;
		fault(p, p->line, "store", "run_dir", "memory is short");
	}
}

struct config *
config_parse(struct wire_view text, const char *path,
             struct config_faults *faults)
{
	struct parser p = {.path = path, .faults = faults};

	p.text = wire_in_view(text);
	p.section = CONFKEY_SECTIONS;
	p.config = config_new();
	if (p.config == NULL)
		file_fault(path, faults, "memory is short");
	else
		parse(&p);
	if (faults->count == 0)
		return p.config;
	config_free(p.config);
	return NULL;
}

struct config *
config_load(const char *path, struct config_faults *faults)
{
	struct config *config;
	size_t len;
	char *data = value_read_file(path, FILE_MAX, &len);

	if (data == NULL) {
		file_fault(path, faults, strerror(errno));
		return NULL;
	}
	config = config_parse((struct wire_view){(uint8_t *)data, len}, path,
	                      faults);
	free(data);
	return config;
}

struct gpo_set *
config_set_policies(struct config *config, struct gpo_set *set)
{
	struct gpo_set *before = config->gpos;
	struct policy_machine machine = {.allow_loosening =
	                                     config->allow_loosening};

	config->gpos = set;
	if (set != NULL) {
		machine.gpos = set->inputs;
		machine.count = set->input_count;
	}
	policy_list_resolve(&config->policies, &machine);
	return before;
}

struct gpo_set *
config_load_policies(struct config *config, const struct gpo_set *before)
{
	struct gpo_set *set;

	if (config->policy_directory == NULL)
		return config_set_policies(config, NULL);
	set = gpo_load(config->policy_directory, before);
	return set == NULL ? NULL : config_set_policies(config, set);
}

static void
free_listener(struct config_listener *listener)
{
	free(listener->name);
	free(listener->target);
}

static void
free_target(struct config_target *target)
{
	free(target->name);
	free(target->host);
	free(target->port);
	free(target->match_cookie);
	free(target->match_user);
	free(target->ca_file);
	free(target->server_name);
	free(target->policy);
}

void
config_free(struct config *config)
{
	if (config == NULL)
		return;
	for (size_t i = 0; i < config->listener_count; i++)
		free_listener(&config->listeners[i]);
	for (size_t i = 0; i < config->target_count; i++)
		free_target(&config->targets[i]);
	for (size_t i = 0; i < config->policies.count; i++)
		policy_clear(&config->policies.items[i]);
	policy_clear(&config->policies.builtin);
	gpo_free(config->gpos);
	free(config->policy_directory);
	free(config->policies.items);
	free(config->listeners);
	free(config->targets);
	free(config->user);
	free(config->certificate);
	free(config->key);
	free(config->system_anchors);
	free(config->database);
	free(config->run_dir);
	free(config->control);
	free(config);
}

void
config_faults_clear(struct config_faults *faults)
{
	for (size_t i = 0; i < CONFIG_FAULTS_MAX; i++) {
		free(faults->text[i]);
		faults->text[i] = NULL;
	}
	faults->count = 0;
}

const struct config_target *
config_target(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->target_count; i++)
		if (strcmp(config->targets[i].name, name) == 0)
			return &config->targets[i];
	return NULL;
}

/* A text with a zero in it matches nothing. */
static bool
matches(const char *glob, struct wire_view text, int flags)
{
	char copy[COOKIE_MAX + 1] = {0};

	if (text.len == 0 || text.len > COOKIE_MAX ||
	    memchr(text.data, 0, text.len) != NULL)
		return false;
	memcpy(copy, text.data, text.len);
	return fnmatch(glob, copy, flags) == 0;
}

/* Where both globs are given, both must match; Windows' names have no case. */
static bool
wants(const struct config_target *target, struct wire_view token,
      struct wire_view user)
{
	if (target->match_cookie == NULL && target->match_user == NULL)
		return false;
	if (target->match_cookie != NULL &&
	    !matches(target->match_cookie, token, 0))
		return false;
	return target->match_user == NULL ||
	       matches(target->match_user, user, FNM_CASEFOLD);
}

const struct config_target *
config_route(const struct config *config, size_t listener,
             struct wire_view token, struct wire_view user)
{
	const char *name = config->listeners[listener].target;

	for (size_t i = 0; i < config->target_count; i++)
		if (wants(&config->targets[i], token, user))
			return &config->targets[i];
	if (name != NULL)
		return config_target(config, name);
	return config->target_count == 1 ? config->targets : NULL;
}
