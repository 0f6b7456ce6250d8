/* The host's bundle of roots: whole, empty, cut short, or missing. */
#include "hostroots.h"

#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "pki.h"

static char path[] = "/tmp/test_hostroots.XXXXXX";
static struct pki_cert *one;
static struct pki_cert *two;

static int
set_up(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	(void)close(fd);
	one = pki_ca_new("One", NULL);
	two = pki_ca_new("Two", NULL);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	pki_cert_free(one);
	pki_cert_free(two);
	return unlink(path);
}

static FILE *
bundle(void)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	return f;
}

static void
put(FILE *f, const struct pki_cert *cert)
{
	assert_int_equal(PEM_write_X509(f, pki_x509(cert)), 1);
}

/* How many were read; -1 and a reason: none. */
static int
load(FILE *f, const char **why)
{
	struct anchors *anchors;
	int count;

	assert_int_equal(fclose(f), 0);
	*why = NULL;
	anchors = hostroots_load(path, why);
	assert_true((anchors == NULL) == (*why != NULL));
	if (anchors == NULL)
		return -1;
	count = (int)anchors_count(anchors);
	anchors_free(anchors);
	return count;
}

static void
test_bundle(void **state)
{
	FILE *f = bundle();
	struct anchors_id id;
	struct anchors *anchors;
	const char *why = NULL;

	(void)state;
	(void)fputs("# a comment, as some have\n", f);
	put(f, one);
	put(f, two);
	put(f, one);
	assert_int_equal(load(f, &why), 2);
	anchors = hostroots_load(path, &why);
	assert_true(anchors_identify(pki_x509(two), &id));
	assert_int_equal(anchors_find(anchors, &id), ANCHORS_SAME);
	anchors_free(anchors);
}

static void
test_empty(void **state)
{
	const char *why;

	(void)state;
	assert_int_equal(load(bundle(), &why), 0);
}

/* What is no certificate does not keep the others out. */
static void
test_other_blocks(void **state)
{
	FILE *f = bundle();
	const char *why;

	(void)state;
	assert_int_equal(PEM_write_PUBKEY(f, pki_pkey(one)), 1);
	assert_true(PEM_write(f, "CERTIFICATE", "",
	                      (const unsigned char *)"0\x03\x02\x01\x05",
	                      5) > 0);
	put(f, one);
	assert_int_equal(load(f, &why), 1);
}

/* Half a table would let the other half be imitated. */
static void
test_cut_short(void **state)
{
	const char *why;
	FILE *f = bundle();
	long whole;

	(void)state;
	put(f, one);
	whole = ftell(f);
	put(f, two);
	assert_int_equal(fflush(f), 0);
	assert_int_equal(truncate(path, 2 * whole - 60), 0);
	assert_int_equal(load(f, &why), -1);
	assert_string_equal(why, "a block of it is broken");
	f = bundle();
	(void)fputs("-----BEGIN CERTIFICATE-----\n?!\n"
	            "-----END CERTIFICATE-----\n",
	            f);
	assert_int_equal(load(f, &why), -1);
}

static void
test_no_file(void **state)
{
	struct anchors *anchors;
	const char *why = NULL;

	(void)state;
	assert_null(hostroots_load("/no/such/file", &why));
	assert_string_equal(why, "it cannot be opened");
	why = NULL;
	assert_null(hostroots_load("/tmp", &why));
	assert_non_null(why);
	/* The default, whether this machine has one or not. */
	anchors = hostroots_load(NULL, &why);
	assert_non_null(anchors);
	assert_true(access(HOSTROOTS_DEFAULT, R_OK) == 0 ||
	            anchors_count(anchors) == 0);
	anchors_free(anchors);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bundle),
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_other_blocks),
	    cmocka_unit_test(test_cut_short),
	    cmocka_unit_test(test_no_file),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
