/*
 * Who a user is by several sources: which counts first, and which do not agree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "evidence.h"

enum { ALL = ((1u << EVIDENCE_SOURCES) - 1) | EVIDENCE_ALONE };

static void
check(const struct evidence *e, enum evidence_source source, const char *user,
      const char *host_session)
{
	assert_int_equal(e->source, source);
	assert_string_equal(e->user, user);
	assert_string_equal(e->host_session, host_session);
}

/* The key that all sources agree on. */
static void
test_key(void **state)
{
	static const struct {
		const char *user, *domain, *key;
	} cases[] = {
	    {"Alice", "", "alice"},
	    {"Alice", "CONTOSO", "alice@contoso"},
	    {"CONTOSO\\Alice", "", "alice@contoso"},
	    {"CONTOSO\\Alice", "OTHER", "alice@contoso"},
	    {".\\Alice", "CONTOSO", "alice"},
	    {"\\Alice", "", "alice"},
	    {"Alice@Contoso.Example", "OTHER", "alice@contoso.example"},
	    {"", "CONTOSO", ""},
	    {"CONTOSO\\", "", ""},
	    {"J\303\266rg", "", "j\303\266rg"},
	};
	char key[EVIDENCE_KEY_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(evidence_key(cases[i].user, cases[i].domain,
		                              key, sizeof(key)),
		                 *cases[i].key != '\0');
		assert_string_equal(key, cases[i].key);
	}
}

/* Half a key would be another user's. */
static void
test_key_fits(void **state)
{
	char key[8];

	(void)state;
	assert_true(evidence_key("abc", "def", key, sizeof(key)));
	assert_false(evidence_key("abcd", "efgh", key, sizeof(key)));
	assert_string_equal(key, "");
}

static void
test_refused(void **state)
{
	struct evidence e;

	(void)state;
	evidence_init(&e, 1u << EVIDENCE_SESSION_INFO);
	assert_int_equal(evidence_say(&e, EVIDENCE_CLAIMED, "bob", ""),
	                 EVIDENCE_IGNORED);
	assert_string_equal(
	    evidence_reason(&e, EVIDENCE_CLAIMED, EVIDENCE_IGNORED),
	    "the target does not accept this source");
	check(&e, EVIDENCE_SOURCES, "", "");
	assert_int_equal(evidence_say(&e, EVIDENCE_SESSION_INFO, "", "rdp:1"),
	                 EVIDENCE_IGNORED);
	assert_string_equal(
	    evidence_reason(&e, EVIDENCE_SESSION_INFO, EVIDENCE_IGNORED),
	    "it names no user");
	check(&e, EVIDENCE_SOURCES, "", "");
}

static void
test_first(void **state)
{
	struct evidence e;

	(void)state;
	for (int i = 0; i < EVIDENCE_SOURCES; i++) {
		evidence_init(&e, ALL);
		assert_int_equal(
		    evidence_say(&e, (enum evidence_source)i, "alice", "rdp:1"),
		    EVIDENCE_NAMED);
		check(&e, (enum evidence_source)i, "alice", "rdp:1");
	}
}

/* Every pair of sources that name two users: the better one stands. */
static void
test_pairs(void **state)
{
	struct evidence e;

	(void)state;
	for (int first = 0; first < EVIDENCE_SOURCES; first++)
		for (int then = 0; then < EVIDENCE_SOURCES; then++) {
			bool better = then < first;

			evidence_init(&e, ALL);
			(void)evidence_say(&e, (enum evidence_source)first,
			                   "alice", "rdp:1");
			assert_int_equal(
			    evidence_say(&e, (enum evidence_source)then, "bob",
			                 ""),
			    better ? EVIDENCE_ANOTHER : EVIDENCE_IGNORED);
			if (better)
				check(&e, (enum evidence_source)then, "bob",
				      "");
			else
				check(&e, (enum evidence_source)first, "alice",
				      "rdp:1");
		}
}

/* The same user: the source rises, never falls. */
static void
test_agree(void **state)
{
	struct evidence e;

	(void)state;
	evidence_init(&e, ALL);
	(void)evidence_say(&e, EVIDENCE_CLAIMED, "alice", "");
	assert_int_equal(evidence_say(&e, EVIDENCE_PAM, "alice", ""),
	                 EVIDENCE_AGREES);
	check(&e, EVIDENCE_PAM, "alice", "");
	assert_int_equal(evidence_say(&e, EVIDENCE_HOST, "alice", "logind:c2"),
	                 EVIDENCE_AGREES);
	check(&e, EVIDENCE_PAM, "alice", "logind:c2");
	assert_int_equal(evidence_say(&e, EVIDENCE_HOST, "alice", "logind:c2"),
	                 EVIDENCE_IGNORED);
	assert_int_equal(
	    evidence_say(&e, EVIDENCE_SESSION_INFO, "alice", "rdp:7"),
	    EVIDENCE_AGREES);
	check(&e, EVIDENCE_SESSION_INFO, "alice", "logind:c2");
	assert_int_equal(
	    evidence_say(&e, EVIDENCE_SESSION_INFO, "alice", "rdp:7"),
	    EVIDENCE_IGNORED);
}

/* Whoever states bob's name and waits is not bob when he comes. */
static void
test_host_names_nobody(void **state)
{
	struct evidence e;

	(void)state;
	evidence_init(&e, ALL & ~EVIDENCE_ALONE);
	assert_int_equal(evidence_say(&e, EVIDENCE_HOST, "bob", "logind:c2"),
	                 EVIDENCE_IGNORED);
	assert_string_equal(
	    evidence_reason(&e, EVIDENCE_HOST, EVIDENCE_IGNORED),
	    "kept until another source names that user");
	check(&e, EVIDENCE_SOURCES, "", "");
	(void)evidence_say(&e, EVIDENCE_CLAIMED, "alice", "");
	assert_int_equal(evidence_say(&e, EVIDENCE_HOST, "bob", "logind:c2"),
	                 EVIDENCE_IGNORED);
	check(&e, EVIDENCE_CLAIMED, "alice", "");
	assert_int_equal(evidence_say(&e, EVIDENCE_HOST, "alice", "logind:c3"),
	                 EVIDENCE_AGREES);
	check(&e, EVIDENCE_CLAIMED, "alice", "logind:c3");
	(void)evidence_say(&e, EVIDENCE_PAM, "bob", "");
	check(&e, EVIDENCE_PAM, "bob", "");
}

static void
test_lacks_user(void **state)
{
	static const char *const enough[] = {"none", "host-alone", "pam | host",
	                                     "claimed | host", "pam"};
	unsigned set;

	(void)state;
	assert_null(evidence_parse("host", &set));
	assert_true(evidence_lacks_user(set));
	for (size_t i = 0; i < sizeof(enough) / sizeof(enough[0]); i++) {
		assert_null(evidence_parse(enough[i], &set));
		assert_false(evidence_lacks_user(set));
	}
}

static void
test_reasons(void **state)
{
	struct evidence e;

	(void)state;
	evidence_init(&e, ALL);
	assert_string_equal(evidence_reason(&e, EVIDENCE_PAM, EVIDENCE_NAMED),
	                    "the first to name a user");
	assert_string_equal(evidence_reason(&e, EVIDENCE_PAM, EVIDENCE_AGREES),
	                    "names the same user");
	assert_string_equal(evidence_reason(&e, EVIDENCE_PAM, EVIDENCE_ANOTHER),
	                    "a better source names another user");
	(void)evidence_say(&e, EVIDENCE_PAM, "alice", "");
	assert_string_equal(evidence_reason(&e, EVIDENCE_PAM, EVIDENCE_IGNORED),
	                    "it adds nothing to what is known");
	for (int i = 0; i <= EVIDENCE_SOURCES; i++)
		assert_true(*evidence_name((enum evidence_source)i) != '\0');
}

static void
test_parse(void **state)
{
	static const struct {
		const char *text;
		unsigned set; /* 0 beside other text than "none": a fault */
	} cases[] = {
	    {"none", 0},
	    {"claimed", 1u << EVIDENCE_CLAIMED},
	    {"pam | session-info",
	     1u << EVIDENCE_SESSION_INFO | 1u << EVIDENCE_PAM},
	    {"session-info|pam |host| claimed", ALL & ~EVIDENCE_ALONE},
	    {"session-info|pam |host-alone| claimed", ALL},
	    {"host", 1u << EVIDENCE_HOST},
	    {"host-alon", 0},
	    {"", 0},
	    {"|", 0},
	    {"pam |", 0},
	    {"| pam", 0},
	    {"pam, host", 0},
	    {"pam host", 0},
	    {"none | pam", 0},
	    {"PAM", 0},
	    {"pa", 0},
	};
	unsigned set;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *wrong = evidence_parse(cases[i].text, &set);

		if (cases[i].set != 0 || strcmp(cases[i].text, "none") == 0) {
			assert_null(wrong);
			assert_int_equal(set, cases[i].set);
		} else {
			assert_non_null(wrong);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_key),
	    cmocka_unit_test(test_key_fits),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_first),
	    cmocka_unit_test(test_pairs),
	    cmocka_unit_test(test_agree),
	    cmocka_unit_test(test_reasons),
	    cmocka_unit_test(test_parse),
	    cmocka_unit_test(test_host_names_nobody),
	    cmocka_unit_test(test_lacks_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
