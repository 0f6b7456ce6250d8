/*
 * The views of each consumer: purposes, PKINIT, URIs, personal files, and the
 * host's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <profile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kerberos.h"
#include "pem.h"
#include "tree.h"
#include "viewbed.h"
#include "viewtext.h"

enum { STRANGER = 54321 };

static void
show(const struct bed *bed, const struct view_item *items, size_t count,
     const struct view_style *style)
{
	assert_int_equal(
	    view_reconcile(bed->run, ID, items, count, style, NULL), VIEW_OK);
}

/* What a program finds that trusts certs/ and says what it wants. */
static bool
verifies_for(const struct bed *bed, int purpose)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	bool good;

	assert_int_equal(X509_STORE_load_path(store, in_view(bed, "certs", "")),
	                 1);
	assert_int_equal(X509_STORE_CTX_init(ctx, store, leaf.x509, NULL), 1);
	if (purpose != 0)
		assert_int_equal(X509_STORE_CTX_set_purpose(ctx, purpose), 1);
	good = X509_verify_cert(ctx) == 1;
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return good;
}

static void
test_purpose_limits_the_anchors(void **state)
{
	static const struct {
		enum keep_purpose purpose;
		bool client;
		bool server;
		bool unsaid;
	} rows[] = {
	    {KEEP_PURPOSE_CLIENT, true, false, false},
	    {KEEP_PURPOSE_SERVER, false, true, false},
	    {KEEP_PURPOSE_ANY, true, true, true},
	};
	const struct bed *bed = *state;
	struct view_style style = plain;

	for (size_t i = 0; i < 3; i++) {
		style.purpose = rows[i].purpose;
		show(bed, &twins[0].item, 1, &style);
		assert_int_equal(verifies_for(bed, X509_PURPOSE_SSL_CLIENT),
		                 rows[i].client);
		assert_int_equal(verifies_for(bed, X509_PURPOSE_SSL_SERVER),
		                 rows[i].server);
		assert_int_equal(verifies_for(bed, 0), rows[i].unsaid);
	}
}

/* OpenSSL would have written the very same bytes. */
static void
test_trusted_pem_is_openssls(void **state)
{
	static const int nids[] = {NID_client_auth, NID_server_auth};
	static const enum keep_purpose purposes[] = {KEEP_PURPOSE_CLIENT,
	                                             KEEP_PURPOSE_SERVER};
	(void)state;

	for (size_t i = 0; i < 2; i++) {
		X509 *copy = X509_dup(twins[0].x509);
		ASN1_OBJECT *what = OBJ_nid2obj(nids[i]);
		BIO *bio = BIO_new(BIO_s_mem());
		uint8_t text[PEM_MAX];
		struct wire_out out = wire_out(text, sizeof(text));
		char *theirs;
		long len;

		assert_int_equal(X509_add1_trust_object(copy, what), 1);
		assert_int_equal(PEM_write_bio_X509_AUX(bio, copy), 1);
		len = BIO_get_mem_data(bio, &theirs);
		pem_put_anchor(&out, twins[0].item.der, purposes[i]);
		assert_true(wire_out_ok(&out));
		assert_int_equal(out.len, len);
		assert_memory_equal(text, theirs, out.len);
		BIO_free(bio);
		X509_free(copy);
	}
}

/* Plain for PKINIT, whatever the purpose. */
static void
test_pkinit_anchors_have_no_purpose(void **state)
{
	const struct bed *bed = *state;
	struct view_style style = plain;
	char line[64] = "";
	FILE *f;

	style.purpose = KEEP_PURPOSE_CLIENT;
	show(bed, &twins[0].item, 1, &style);
	f = fopen(in_view(bed, "anchors", twins[0].file), "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	(void)fclose(f);
	assert_string_equal(line, "-----BEGIN CERTIFICATE-----\n");
}

/*
 * The stub: SEQUENCE { VisibleString, UTF8String }, of every length in which
 * the heads of DER change.
 */
static void
test_uri_stub(void **state)
{
	static const size_t lens[] = {1, 90, 127, 128, 255, 256, KEEP_TEXT_MAX};
	uint8_t text[PEM_MAX];
	char uri[KEEP_TEXT_MAX + 1];
	(void)state;

	memset(uri, 'u', sizeof(uri));
	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		struct wire_out out = wire_out(text, sizeof(text));
		struct wire_view view = {(const uint8_t *)uri, lens[i]};
		STACK_OF(ASN1_TYPE) * parts;
		const unsigned char *next;
		unsigned char *der;
		char *name;
		char *header;
		long len;
		BIO *bio;

		pem_put_uri(&out, view);
		assert_true(wire_out_ok(&out));
		bio = BIO_new_mem_buf(text, (int)out.len);
		assert_int_equal(PEM_read_bio(bio, &name, &header, &der, &len),
		                 1);
		assert_string_equal(name, "PKCS#11 PROVIDER URI");
		next = der;
		parts = d2i_ASN1_SEQUENCE_ANY(NULL, &next, len);
		assert_non_null(parts);
		assert_ptr_equal(next, der + len);
		assert_int_equal(sk_ASN1_TYPE_num(parts), 2);
		assert_int_equal(sk_ASN1_TYPE_value(parts, 0)->type,
		                 V_ASN1_VISIBLESTRING);
		assert_int_equal(sk_ASN1_TYPE_value(parts, 1)->type,
		                 V_ASN1_UTF8STRING);
		assert_int_equal(
		    ASN1_STRING_length(
			sk_ASN1_TYPE_value(parts, 1)->value.utf8string),
		    lens[i]);
		sk_ASN1_TYPE_pop_free(parts, ASN1_TYPE_free);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(der);
		BIO_free(bio);
	}
	struct wire_out out = wire_out(text, sizeof(text));

	pem_put_uri(
	    &out, (struct wire_view){(const uint8_t *)uri, KEEP_TEXT_MAX + 1});
	assert_false(wire_out_ok(&out));
}

static void
test_personal_has_three_files(void **state)
{
	const struct bed *bed = *state;
	struct view_item item = leaf.item;
	char name[96];

	item.json = wire_view_text("{}\n");
	item.pkcs11_uri = wire_view_text("pkcs11:id=%01;type=private");
	show(bed, &item, 1, &plain);
	assert_int_equal(entries(in_view(bed, "personal", "")), 3);
	(void)snprintf(name, sizeof(name), "%.64s.json", leaf.file);
	assert_true(is_there(in_view(bed, "personal", name)));
	(void)snprintf(name, sizeof(name), "%.64s.uri.pem", leaf.file);
	assert_true(is_there(in_view(bed, "personal", name)));
	show(bed, &leaf.item, 1, &plain);
	assert_int_equal(entries(in_view(bed, "personal", "")), 1);
}

/* May a process of that user list the directory and open the file? */
static bool
may_read(uid_t user, const char *folder, const char *file)
{
	int status = 1;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		bool in = setregid(STRANGER, STRANGER) == 0 &&
		          setreuid(user, user) == 0 &&
		          access(folder, R_OK | X_OK) == 0 &&
		          open(file, O_RDONLY | O_CLOEXEC) >= 0;

		_exit(in ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool
user_reads(const struct bed *bed, uid_t user, const char *folder,
           const struct made *made)
{
	return may_read(user, in_view(bed, folder, ""),
	                in_view(bed, folder, made->file));
}

static void
test_user_of_the_session_reads_it(void **state)
{
	const struct bed *bed = *state;
	const struct view_item items[] = {twins[0].item, leaf.item};
	struct view_place place = {.run_dir = bed->path};
	struct view_style style = plain;

	if (geteuid() != 0)
		skip();
	style.place = &place;
	show(bed, items, 2, &style);
	assert_false(user_reads(bed, STRANGER, "certs", &twins[0]));
	style.user = STRANGER;
	show(bed, items, 2, &style);
	if (place.no_acl)
		skip(); /* this file system has no access lists */
	assert_true(user_reads(bed, STRANGER, "certs", &twins[0]));
	assert_true(user_reads(bed, STRANGER, "personal", &leaf));
	assert_false(user_reads(bed, STRANGER + 1, "certs", &twins[0]));
	assert_false(user_reads(bed, STRANGER + 1, "personal", &leaf));
	assert_int_equal(mode_of(in_view(bed, "", "")), 0750);

	/* Another user of the same view, then nobody. */
	style.user = STRANGER + 1;
	show(bed, items, 2, &style);
	assert_false(user_reads(bed, STRANGER, "certs", &twins[0]));
	assert_true(user_reads(bed, STRANGER + 1, "personal", &leaf));
	style.user = TREE_NO_USER;
	show(bed, items, 2, &style);
	assert_false(user_reads(bed, STRANGER + 1, "certs", &twins[0]));
	assert_int_equal(mode_of(in_view(bed, "", "")), 0750);
	assert_int_equal(mode_of(in_view(bed, "personal", "")), 0700);
}

static void
test_host_view(void **state)
{
	const struct bed *bed = *state;
	const struct view_item items[] = {twins[0].item, leaf.item};
	struct view_changes changes;
	char path[160];

	assert_int_equal(
	    view_reconcile_host(bed->run, items, 2, KEEP_PURPOSE_ANY, &changes),
	    VIEW_OK);
	assert_changes(changes, 3, 0, 0); /* two files and a link */
	(void)snprintf(path, sizeof(path), "%s/host", bed->path);
	assert_int_equal(mode_of(path), 0755);
	assert_int_equal(entries(path), 2);
	(void)snprintf(path, sizeof(path), "%s/host/certs/%s", bed->path,
	               twins[0].file);
	assert_true(is_there(path));
	assert_int_equal(
	    view_reconcile_host(bed->run, NULL, 0, KEEP_PURPOSE_ANY, &changes),
	    VIEW_OK);
	assert_changes(changes, 0, 0, 3);
	assert_false(is_there(path));
}

/*
 * Kerberos.
 */

static void
write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* The values that libkrb5 finds there, joined by spaces. */
static void
assert_values(profile_t profile, const char *section, const char *realm,
              const char *wanted)
{
	const char *names[] = {section,
	                       realm != NULL ? realm : "pkinit_anchors",
	                       realm != NULL ? "pkinit_anchors" : NULL, NULL};
	char joined[1024] = "";
	char **values = NULL;

	if (profile_get_values(profile, names, &values) == 0) {
		for (size_t i = 0; values[i] != NULL; i++) {
			(void)strcat(joined, i > 0 ? " " : "");
			(void)strcat(joined, values[i]);
		}
		profile_free_list(values);
	}
	assert_string_equal(joined, wanted);
}

static const char host_config[] = "[libdefaults]\n"
				  "\tdefault_realm = ONE.TEST\n"
				  "\tpkinit_anchors = FILE:/all.pem\n"
				  "\tTWO.TEST = {\n"
				  "\t\tpkinit_anchors = FILE:/two.pem\n"
				  "\t}\n"
				  "[realms]\n"
				  "\tONE.TEST = {\n"
				  "\t\tkdc = kdc.one.test\n"
				  "\t\tpkinit_anchors = FILE:/one.pem\n"
				  "\t\tpkinit_anchors = DIR:/one.d\n"
				  "\t}\n"
				  "\tTHREE.TEST = {\n"
				  "\t\tkdc = kdc.three.test\n"
				  "\t}\n";

static void
test_realms_keep_their_anchors(void **state)
{
	const struct bed *bed = *state;
	char host[128];
	char part[128];
	char main[160];
	char own[256];
	char wanted[512];
	const char *files[] = {NULL, host, NULL};
	struct view_place place = {.run_dir = bed->path};
	struct view_style style = plain;
	struct kerberos *kerberos;
	profile_t profile;

	(void)snprintf(host, sizeof(host), "%s.krb5", bed->path);
	(void)snprintf(part, sizeof(part), "%s.part", bed->path);
	write_text(part, host_config);
	(void)snprintf(main, sizeof(main), "include %s\n", part);
	write_text(host, main);
	kerberos = kerberos_new(host);
	assert_non_null(kerberos);
	place.kerberos = kerberos;
	style.place = &place;
	show(bed, &twins[0].item, 1, &style);
	(void)snprintf(own, sizeof(own), "%s", in_view(bed, "krb5.conf", ""));
	files[0] = own;
	assert_int_equal(profile_init(files, &profile), 0);

	(void)snprintf(wanted, sizeof(wanted),
	               "DIR:%s/session/" ID "/anchors FILE:/all.pem",
	               bed->path);
	assert_values(profile, "libdefaults", NULL, wanted);
	(void)snprintf(wanted, sizeof(wanted),
	               "DIR:%s/session/" ID "/anchors FILE:/one.pem DIR:/one.d",
	               bed->path);
	assert_values(profile, "realms", "ONE.TEST", wanted);
	(void)snprintf(wanted, sizeof(wanted),
	               "DIR:%s/session/" ID "/anchors FILE:/two.pem",
	               bed->path);
	assert_values(profile, "libdefaults", "TWO.TEST", wanted);
	/* It has none of its own, so those of all realms count. */
	assert_values(profile, "realms", "THREE.TEST", "");
	profile_release(profile);

	/* Without a root, nothing but what the host says. */
	show(bed, NULL, 0, &style);
	assert_int_equal(profile_init(files, &profile), 0);
	assert_values(profile, "libdefaults", NULL, "FILE:/all.pem");
	assert_values(profile, "realms", "ONE.TEST",
	              "FILE:/one.pem DIR:/one.d");
	profile_release(profile);
	kerberos_free(kerberos);
	assert_int_equal(unlink(host), 0);
	assert_int_equal(unlink(part), 0);
}

static void
test_kerberos_without_configuration(void **state)
{
	uint8_t text[1024];
	struct wire_out out = wire_out(text, sizeof(text));
	struct kerberos *none = kerberos_new("/nonexistent/krb5.conf");
	(void)state;

	assert_non_null(none);
	kerberos_put(&out, none, "/dir");
	wire_put_u8(&out, 0);
	assert_true(wire_out_ok(&out));
	assert_non_null(strstr((char *)text, "pkinit_anchors = DIR:/dir\n"));
	assert_null(strstr((char *)text, "{"));
	kerberos_free(none);
}

static void
test_module_keeps_the_systems_anchors(void **state)
{
	const struct bed *bed = *state;
	struct view_place place = {.run_dir = bed->path,
	                           .system_anchors = "/sys.crt"};
	struct view_style style = plain;
	char wanted[256];
	char path[256];
	char line[256];
	bool found = false;
	FILE *f;

	style.place = &place;
	show(bed, NULL, 0, &style);
	(void)snprintf(wanted, sizeof(wanted),
	               "x-init-reserved: paths=\"/sys.crt:%s/session/" ID
	               "/trust:%s/host/trust\"\n",
	               bed->path, bed->path);
	(void)snprintf(path, sizeof(path),
	               "%s/session/" ID "/p11-kit-trust.module", bed->path);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		found |= strcmp(line, wanted) == 0;
	(void)fclose(f);
	assert_true(found);
}

/* A path that would end a word of these texts gets none of them. */
static void
test_paths_that_mean_something(void **state)
{
	static const char *const bad[] = {"relative", "/with space", "/a:b",
	                                  "/a\"b",    "/a\nb",       "/a}b"};
	char path[VIEW_PATH_MAX];
	char dir[VIEW_PATH_MAX] = "/";
	(void)state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(view_path(bad[i], ID, path));
	assert_true(view_path("/run/cardproxy", ID, path));
	assert_string_equal(path, "/run/cardproxy/session/" ID);
	memset(dir + 1, 'a', sizeof(dir) - 2);
	assert_false(view_path(dir, ID, path));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    in_bed(test_purpose_limits_the_anchors),
	    in_bed(test_trusted_pem_is_openssls),
	    in_bed(test_pkinit_anchors_have_no_purpose),
	    in_bed(test_uri_stub),
	    in_bed(test_personal_has_three_files),
	    in_bed(test_user_of_the_session_reads_it),
	    in_bed(test_host_view),
	    in_bed(test_realms_keep_their_anchors),
	    in_bed(test_kerberos_without_configuration),
	    in_bed(test_module_keeps_the_systems_anchors),
	    in_bed(test_paths_that_mean_something),
	};

	return cmocka_run_group_tests(tests, make_all, unmake_all);
}
