/* The configuration: the sample, every key, and every fault with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "confbed.h"
#include "confkey.h"

enum { TEXT_MAX = 64 * 1024 };

static char sample[TEXT_MAX]; /* as installed */
static char full[TEXT_MAX];   /* the same, every key in force */

static bool
may_be_missing(const char *path)
{
	return strncmp(path, "/etc/cardproxy/", 15) == 0 ||
	       strncmp(path, "/etc/ssl/", 9) == 0;
}

/* A line "#key = value" of the sample is a key, "# text" is a comment. */
static void
uncomment(void)
{
	char *to = full;
	bool start = true;

	for (const char *c = sample; *c != '\0'; c++) {
		bool key = start && c[0] == '#' && c[1] != ' ' && c[1] != '\n';

		start = *c == '\n';
		if (key)
			continue;
		if (may_be_missing(c)) {
			/* A file that is there wherever this runs. */
			to = stpcpy(to, "/proc/self/status");
			c += strcspn(c, "\n");
			start = true;
		}
		*to++ = *c;
	}
	*to = '\0';
}

static int
read_sample(void **state)
{
	FILE *f = fopen(CONFIG_SAMPLE, "r");
	size_t len;

	(void)state;
	assert_non_null(f);
	len = fread(sample, 1, sizeof(sample) - 1, f);
	assert_true(len > 0 && len < sizeof(sample) - 1);
	(void)fclose(f);
	uncomment();
	return 0;
}

static void
check_defaults(const struct config *c)
{
	const struct config_target *t = &c->targets[0];

	assert_int_equal(c->listener_count, 1);
	assert_int_equal(c->listeners[0].max_sessions, 1000);
	assert_int_equal(c->target_count, 1);
	assert_string_equal(t->host, "desk.example.org");
	assert_string_equal(t->port, "3389");
	assert_string_equal(t->server_name, "desk.example.org");
	assert_int_equal(t->verify, TLS_VERIFY_CA);
	assert_int_equal(t->security, CONFIG_AS_SERVER);
	assert_int_equal(t->identity, 0);
	assert_int_equal(t->session_end, CONFIG_END_AUTO);
	assert_int_equal(t->channel.role, CHANNEL_AUTO);
	assert_int_equal(t->channel.own_after_ms, 10000);
	assert_null(t->policy);
	assert_int_equal(c->policies.count, 0);
	assert_true(c->policies.builtin.certprop.propagate);
	assert_int_equal(c->policies.builtin.certprop.cleanup,
	                 KEEP_CLEANUP_LOGOFF);
	assert_string_equal(c->user, "cardproxy");
	assert_string_equal(c->control, "/run/cardproxy/control.sock");
	assert_string_equal(c->database, "/var/lib/cardproxy/store.db");
	assert_true(c->durable_full);
	assert_int_equal(c->control_group, (gid_t)-1);
	assert_null(c->system_anchors);
}

static void
test_sample(void **state)
{
	struct config *installed = config_load(CONFIG_SAMPLE, &confbed_faults);
	struct config *least = confbed_good(confbed_minimal);

	(void)state;
	assert_non_null(installed);
	check_defaults(installed);
	check_defaults(least);
	config_free(installed);
	config_free(least);
}

/* The sample shows every key, and with its default. */
static void
test_sample_whole(void **state)
{
	enum confkey_section section;
	const char *name;
	char line[64];
	struct config *c = confbed_good(full);

	(void)state;
	for (size_t i = 0; (name = confkey_name(i, &section)) != NULL; i++) {
		(void)snprintf(line, sizeof(line), "\n%s = ", name);
		assert_non_null(strstr(full, line));
	}
	assert_int_equal(c->target_count, 2);
	assert_int_equal(c->targets[0].channel.own_after_ms, 10000);
	assert_string_equal(c->targets[0].policy, "desk");
	assert_int_equal(c->targets[1].verify, TLS_VERIFY_PIN);
	assert_int_equal(c->targets[1].pin_count, 1);
	assert_int_equal(c->targets[1].pins[0][31], 0x1f);
	assert_string_equal(c->targets[1].host, "2001:db8::7");
	assert_int_not_equal(c->control_group, (gid_t)-1);
	assert_string_equal(c->system_anchors, "/proc/self/status");
	config_free(c);
}

static void
test_truncated(void **state)
{
	size_t whole = strlen(full);

	(void)state;
	for (size_t len = 0; len < whole; len += len % 7 == 0 ? 2 : 1)
		config_free(confbed_parse_bytes(full, len));
	config_faults_clear(&confbed_faults);
}

/* full with one line changed: to, or to and itself when twice is set. */
static void
change_line(char *out, const char *line, size_t len, const char *to)
{
	size_t before = (size_t)(line - full);

	memcpy(out, full, before);
	out[before] = '\0';
	(void)strcat(out, to);
	(void)strcat(out, line + len);
}

/* Is there a fault with this text among them? */
static bool
says(const char *what)
{
	for (size_t i = 0; i < confbed_faults.count && i < CONFIG_FAULTS_MAX;
	     i++)
		if (strstr(confbed_faults.text[i], what) != NULL)
			return true;
	return false;
}

static void
mutate(const char *line, size_t len, const char *name)
{
	static const char *const bad[] = {"?! = ?!", "-1", "/no/such/file",
	                                  "*a*b*c*d*e*f*g*h*i*"};
	static char out[2 * TEXT_MAX];
	char to[1024];
	bool refused = false;

	(void)snprintf(to, sizeof(to), "%sx%.*s", name,
	               (int)(len - strlen(name)), line + strlen(name));
	change_line(out, line, len, to);
	assert_null(confbed_parse(out));
	assert_true(says("no such key in this section"));
	(void)snprintf(to, sizeof(to), "%.*s\n%.*s", (int)len, line, (int)len,
	               line);
	change_line(out, line, len, to);
	config_free(confbed_parse(out));
	assert_int_equal(says("this key was given already"),
	                 !confkey_repeats(name));
	(void)snprintf(to, sizeof(to), "%s =", name);
	change_line(out, line, len, to);
	assert_null(confbed_parse(out));
	assert_true(says("there is no value"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct config *c;

		(void)snprintf(to, sizeof(to), "%s = %s", name, bad[i]);
		change_line(out, line, len, to);
		c = confbed_parse(out);
		refused = refused || c == NULL;
		config_free(c);
	}
	assert_true(refused || confkey_no_effect(name));
}

/* Each key: misspelt, twice, without a value, with bad values. */
static void
test_mutated(void **state)
{
	const char *line = full;
	size_t count = 0;

	(void)state;
	for (; *line != '\0'; line += strcspn(line, "\n") + 1) {
		size_t len = strcspn(line, "\n");
		size_t name_len = strcspn(line, " =\n");
		char name[64];

		if (len == 0 || strchr("#[", *line) != NULL)
			continue;
		(void)snprintf(name, sizeof(name), "%.*s", (int)name_len, line);
		mutate(line, len, name);
		count++;
	}
	assert_true(count > 36);
	config_faults_clear(&confbed_faults);
}

static void
test_sections(void **state)
{
	char text[1024];
	static const struct {
		const char *more;
		const char *want;
	} cases[] = {
	    {"[nonsense]\nkey = 1\n", "F:5: [nonsense]: no such section"},
	    {"[target]\nkey = 1\n",
	     "F:5: [target]: want a name: [section NAME]"},
	    {"[tls now]\n", "F:5: [tls now]: this section has no name"},
	    {"[target desk]\naddress = a\n",
	     "F:5: [target desk]: a second one"},
	    {"[listen]\naddress = 0.0.0.0:1\n", "F:5: [listen]: a second one"},
	    {"[tls]\n[tls]\n", "F:6: [tls]: a second one"},
	    {"[policy a]\n[ policy  a ] ; again\n",
	     "F:6: [policy a]: a second one"},
	    {"[target desk\naddress = a\n",
	     "F:5: [?]: want [section] or [section NAME]"},
	    {"[tls] more\n", "F:5: [?]: want [section] or [section NAME]"},
	    {"nonsense\n", "F:5: [target desk]: want key = value"},
	    {" verify = ca\n",
	     "F:5: [target desk]: a line must not start with a blank"},
	    {"verify = ca\n\x01\n",
	     "F:6: [target desk]: there is a control character"},
	    {"na\x7fme = 1\n",
	     "F:5: [target desk] na%7Fme: no such key in this section"},
	    {"policy = strict\n",
	     "F:3: [target desk] policy: there is no such [policy]"},
	    {"verify = pin\n",
	     "F:3: [target desk] pin_sha256: verify = pin needs this "
	     "key"},
	    {"verify = none\nca_file = /proc/self/status\n",
	     "F:3: [target desk] ca_file: this key needs verify = ca"},
	    {"[listen b]\naddress = 0.0.0.0\n",
	     "F:5: [listen b] address: another [listen] has the same"},
	    {"[listen b]\naddress = 0.0.0.0:1\ntarget = nobody\n",
	     "F:5: [listen b] target: there is no such [target]"},
	    {"[listen b]\n", "F:5: [listen b] address: this key is missing"},
	    {"[target b]\n", "F:5: [target b] address: this key is missing"},
	    {"[tls]\nkey = /proc/self/status\n",
	     "F:6: [tls]: want certificate and key, or neither"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(text, sizeof(text), "%s%s", confbed_minimal,
		               cases[i].more);
		confbed_one_fault(text, cases[i].want);
	}
}

/* All faults of a file come at once, each with its line. */
static void
test_all_at_once(void **state)
{
	static const char *const want[] = {
	    "F:1: [?]: a key before the first section",
	    "F:3: [listen] adress: no such key in this section",
	    "F:5: [daemon] log: this is not one of the words the key knows",
	    "F:2: [listen] address: this key is missing",
	    "F:5: [target NAME]: this section is missing",
	};

	(void)state;
	assert_null(confbed_parse("a = b\n[listen]\nadress = ::\n[daemon]\n"
	                          "log = xml\n"));
	assert_int_equal(confbed_faults.count, 5);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(confbed_faults.text[i], want[i]);
	assert_null(confbed_parse(""));
	assert_int_equal(confbed_faults.count, 2);
	config_faults_clear(&confbed_faults);
}

static void
test_many_faults(void **state)
{
	char text[8 * (CONFIG_FAULTS_MAX + 10)] = "";

	(void)state;
	for (int i = 0; i < CONFIG_FAULTS_MAX + 5; i++)
		(void)strcat(text, "wrong\n");
	assert_null(confbed_parse(text));
	assert_int_equal(confbed_faults.count, CONFIG_FAULTS_MAX + 5 + 2);
	assert_non_null(confbed_faults.text[CONFIG_FAULTS_MAX - 1]);
	config_faults_clear(&confbed_faults);
	assert_null(confbed_faults.text[0]);
}

static void
test_lines(void **state)
{
	char text[1024];
	char path[300];

	(void)state;
	config_free(
	    confbed_good("[listen]\r\naddress = 0.0.0.0:3389 ; all\r\n"
	                 "; old comments\r\n\r\n"
	                 "[target desk]\r\naddress = desk.example.org"));
	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	(void)snprintf(text, sizeof(text), "%s[store]\npath = /%s\n# %s\n",
	               confbed_minimal, path, path);
	assert_null(confbed_parse(text));
	assert_string_equal(confbed_faults.text[0],
	                    "F:6: [store]: this line is too long");
	config_faults_clear(&confbed_faults);
	assert_null(confbed_parse_bytes("[tls]\0\n", 7));
	assert_true(says("F:1: [?]: there is a control character"));
	config_faults_clear(&confbed_faults);
}

/* As many of a section as there may be, and one more. */
static void
check_limit(const char *head, const char *form, unsigned max, const char *want)
{
	static char text[TEXT_MAX];
	size_t len = (size_t)snprintf(text, sizeof(text), "%s", head);

	for (unsigned i = 1; i <= max; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, form, i,
		                        i);
	config_free(confbed_good(text));
	(void)snprintf(text + len, sizeof(text) - len, form, max + 1, max + 1);
	assert_null(confbed_parse(text));
	assert_true(says(want));
	config_faults_clear(&confbed_faults);
}

static void
test_limits(void **state)
{
	(void)state;
	check_limit("[target a]\naddress = a\n",
	            "[listen l%u]\naddress = 127.0.0.1:%u\n",
	            CONFIG_LISTENERS_MAX, "above 16 listeners");
	check_limit("[listen]\naddress = 127.0.0.1\n",
	            "[target t%u]\naddress = host%u\n", CONFIG_TARGETS_MAX,
	            "above 256 targets");
	check_limit(confbed_minimal, "[policy p%u]\n# %u\n",
	            CONFIG_POLICIES_MAX, "above 256 policies");
}

static const char *
route(const struct config *c, size_t listener, const char *token,
      const char *user)
{
	const struct config_target *t = config_route(
	    c, listener, wire_view_text(token), wire_view_text(user));

	return t == NULL ? "none" : t->name;
}

static void
test_route(void **state)
{
	static const char text[] = "[listen]\naddress = 127.0.0.1\n"
				   "[listen b]\naddress = 127.0.0.2\n"
				   "target = plain\n"
				   "[target both]\naddress = a\n"
				   "match_cookie = tsv://*\nmatch_user = a*\n"
				   "[target token]\naddress = a\n"
				   "match_cookie = tsv://*\n"
				   "[target user]\naddress = a\n"
				   "match_user = *-x\n"
				   "[target plain]\naddress = a\n";
	struct config *c = confbed_good(text);
	struct wire_view zero = {(const uint8_t *)"a\0-x", 4};
	struct wire_view none = {NULL, 0};

	(void)state;
	assert_string_equal(route(c, 0, "tsv://1", "alice"), "both");
	assert_string_equal(route(c, 0, "tsv://1", "bob"), "token");
	assert_string_equal(route(c, 0, "Cookie: mstshash=B-X", "B-X"), "user");
	assert_string_equal(route(c, 0, "other", "alice"), "none");
	assert_string_equal(route(c, 1, "other", "alice"), "plain");
	assert_null(config_route(c, 0, none, zero));
	config_free(c);
	c = confbed_good(confbed_minimal);
	assert_string_equal(route(c, 0, "", ""), "desk");
	config_free(c);
}

static void
test_load(void **state)
{
	char path[] = "/tmp/test_config_XXXXXX";
	int fd = mkstemp(path);
	struct config *c;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, confbed_minimal, strlen(confbed_minimal)),
	                 (ssize_t)strlen(confbed_minimal));
	c = config_load(path, &confbed_faults);
	assert_non_null(c);
	config_free(c);
	assert_int_equal(ftruncate(fd, 2 * 1024 * 1024), 0);
	assert_null(config_load(path, &confbed_faults));
	assert_true(says("File too large"));
	config_faults_clear(&confbed_faults);
	(void)close(fd);
	(void)unlink(path);
	assert_null(config_load(path, &confbed_faults));
	assert_true(says("XXXXXX") || says("No such file or directory"));
	config_faults_clear(&confbed_faults);
	assert_null(config_load("/tmp", &confbed_faults));
	assert_int_equal(confbed_faults.count, 1);
	config_faults_clear(&confbed_faults);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sample),
	    cmocka_unit_test(test_sample_whole),
	    cmocka_unit_test(test_truncated),
	    cmocka_unit_test(test_mutated),
	    cmocka_unit_test(test_sections),
	    cmocka_unit_test(test_all_at_once),
	    cmocka_unit_test(test_many_faults),
	    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_route),
	    cmocka_unit_test(test_load),
	};

	return cmocka_run_group_tests(tests, read_sample, NULL);
}
