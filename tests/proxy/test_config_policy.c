/* The sections of policies: every value, and every fault with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "confbed.h"

/* The values of a policy, and that its place in the file is kept. */
static void
test_policy(void **state)
{
	static const char text[] = "[listen]\naddress = 127.0.0.1\n"
				   "[target a]\naddress = a\npolicy = p\n"
				   "[target b]\naddress = b\n"
				   "[policy p]\nCertPropEnabled = 0\n"
				   "RootCertificateCleanupOption = 1\n"
				   "match_user = a* | b\n"
				   "match_client = 192.0.2.0/24 | ::1\n"
				   "match_time = mon-fri 08:00-18:00 | sat\n"
				   "[policy default]\nfEnableSmartCard = 0\n"
				   "SkipExpired = 1\n";
	struct config *c = confbed_good(text);
	const struct policy *p = &c->policies.items[0];

	(void)state;
	assert_string_equal(c->targets[0].policy, "p");
	assert_null(c->targets[1].policy);
	assert_int_equal(c->policies.count, 2);
	assert_string_equal(p->certprop.name, "p");
	assert_int_equal(p->line, 8);
	assert_false(p->certprop.propagate);
	assert_int_equal(p->certprop.cleanup, KEEP_CLEANUP_REMOVAL);
	assert_true(p->certprop.redirect);
	assert_int_equal(p->match.users.count, 2);
	assert_string_equal(p->match.users.text[0], "a*");
	assert_string_equal(p->match.users.text[1], "b");
	assert_int_equal(p->match.client_count, 2);
	assert_int_equal(p->match.time_count, 2);
	p = policy_find(&c->policies, "default");
	assert_true(p->certprop.propagate);
	assert_false(p->certprop.redirect);
	assert_true(p->certprop.skip_expired);
	config_free(c);
}

/* A fault in a policy is one of the file, with its line. */
static void
test_policy_faults(void **state)
{
	static const struct {
		const char *line;
		const char *want;
	} cases[] = {
	    {"match_user = a | | b",
	     "F:6: [policy x] match_user: there is nothing before or after a "
	     "'|'"},
	    {"match_user = a, b",
	     "F:6: [policy x] match_user: want '|' between the words, and no "
	     "comma"},
	    {"match_client = 192.0.2.1/24",
	     "F:6: [policy x] match_client: an address has bits behind its "
	     "prefix"},
	    {"match_client = somewhere",
	     "F:6: [policy x] match_client: want addresses such as "
	     "192.0.2.0/24 or 2001:db8::/32"},
	    {"match_time = 8-18",
	     "F:6: [policy x] match_time: want times such as mon-fri "
	     "08:00-18:00"},
	    {"match_users = a",
	     "F:6: [policy x] match_users: no such key in this section"},
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(text, sizeof(text), "%s[policy x]\n%s\n",
		               confbed_minimal, cases[i].line);
		confbed_one_fault(text, cases[i].want);
	}
	(void)snprintf(text, sizeof(text),
	               "%s[policy default]\nmatch_user = a\n", confbed_minimal);
	confbed_one_fault(text,
	                  "F:5: [policy default]: the default section takes no "
	                  "match keys");
}

static const char hash[] = "00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f:"
			   "10:11:12:13:14:15:16:17:18:19:1a:1b:1c:1d:1e:1f";

static const char flat[] =
    "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/* What Windows does not have, and what a log-on asks of a certificate. */
static void
test_policy_ours(void **state)
{
	char text[2048];
	const struct certprop_policy *p;
	struct config *c;

	(void)state;
	(void)snprintf(text, sizeof(text),
	               "%s[policy x]\nUserCertificateCleanupOption = 1\n"
	               "ArchiveStale = 1\nRefuseMachineLike = 1\n"
	               "RequireCardMatchesUser = 1\nCardUserMatch = email\n"
	               "AllowedRootHashes = %s\nAllowedRootHashes = %s | %s\n"
	               "RootScope = host\nHostRootHashes = %s\n"
	               "RootPurpose = any\nDisconnectGraceSeconds = 30\n"
	               "MaxClaimAge = 2d\nFilterDuplicateCerts = 0\n"
	               "EnumerateECCCerts = 1\nScRemoveOption = 3\n"
	               "[policy y]\nHostRootHashes = %s\n",
	               confbed_minimal, hash, flat, hash, flat, hash);
	c = confbed_good(text);
	p = &c->policies.items[0].certprop;
	assert_int_equal(p->user_cleanup, KEEP_CLEANUP_REMOVAL);
	assert_true(p->archive_stale && p->refuse_machine_like);
	assert_true(p->require_match && p->match == CERTPROP_MATCH_EMAIL);
	assert_int_equal(p->allowed->count, 3);
	assert_int_equal(p->allowed->hash[1][0], 0xff);
	assert_int_equal(p->allowed->hash[2][31], 0x1f);
	assert_int_equal(p->host->count, 1);
	assert_int_equal(p->purpose, KEEP_PURPOSE_ANY);
	assert_int_equal(p->grace_s, 30);
	assert_int_equal(p->max_age_s, 2 * 86400);
	assert_true(p->logon.ecc && !p->logon.filter_duplicates);
	/* Without RootScope = host the list counts for nothing. */
	p = &c->policies.items[1].certprop;
	assert_null(p->host);
	assert_null(p->allowed);
	config_free(c);
}

static void
test_policy_ours_faults(void **state)
{
	static const struct {
		const char *line;
		const char *want;
	} cases[] = {
	    {"RootCertificateCleanupOption = 3",
	     "F:6: [policy x] RootCertificateCleanupOption: this is not one of "
	     "the words the key knows"},
	    {"CertPropEnabled = 2",
	     "F:6: [policy x] CertPropEnabled: want 0 or 1"},
	    {"CardUserMatch = upn | uid",
	     "F:6: [policy x] CardUserMatch: want upn, email and map, '|' "
	     "between them"},
	    {"AllowedRootHashes = 00:01", "F:6: [policy x] AllowedRootHashes: "
	                                  "want SHA-256 thumbprints of 64 "
	                                  "hexadecimal digits"},
	    {"RootScope = host",
	     "F:5: [policy x]: RootScope = host needs HostRootHashes"},
	    {"RootScope = host\nmatch_user = a*",
	     "F:5: [policy x]: RootScope = host takes no match keys: it is for "
	     "the whole host"},
	    {"MaxClaimAge = 24 h",
	     "F:6: [policy x] MaxClaimAge: want a time such as 90, 15m, 24h or "
	     "7d"},
	    {"MaxClaimAge = 366d",
	     "F:6: [policy x] MaxClaimAge: this time is too long"},
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(text, sizeof(text), "%s[policy x]\n%s\n",
		               confbed_minimal, cases[i].line);
		confbed_one_fault(text, cases[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_policy),
	    cmocka_unit_test(test_policy_faults),
	    cmocka_unit_test(test_policy_ours),
	    cmocka_unit_test(test_policy_ours_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
