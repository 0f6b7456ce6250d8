#include "viewbed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "tree.h"

struct made twins[3];
struct made stranger;
struct made leaf;
const struct view_style plain = {
    .group = (gid_t)-1, .user = (uid_t)-1, .purpose = KEEP_PURPOSE_ANY};

static void
add_extension(X509 *x509, X509V3_CTX *ctx, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, ctx, nid, value);

	assert_non_null(ext);
	(void)X509_add_ext(x509, ext, -1);
	X509_EXTENSION_free(ext);
}

static void
make(struct made *made, const char *name, const struct made *issuer,
     long serial, enum keep_kind kind)
{
	const struct made *by = issuer == NULL ? made : issuer;
	unsigned char field[32];
	unsigned char *next;
	X509_NAME *subject;
	X509V3_CTX ctx;
	unsigned len = 0;
	int der_len;

	(void)snprintf((char *)field, sizeof(field), "%s", name);
	made->key = EVP_EC_gen("P-256");
	made->x509 = X509_new();
	assert_non_null(made->key);
	assert_non_null(made->x509);
	assert_int_equal(X509_set_version(made->x509, 2), 1);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(made->x509), serial);
	(void)X509_gmtime_adj(X509_getm_notBefore(made->x509), -3600);
	(void)X509_gmtime_adj(X509_getm_notAfter(made->x509), 36000);
	subject = X509_get_subject_name(made->x509);
	(void)X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, field, -1,
	                                 -1, 0);
	(void)X509_set_issuer_name(made->x509, X509_get_subject_name(by->x509));
	(void)X509_set_pubkey(made->x509, made->key);
	X509V3_set_ctx(&ctx, by->x509, made->x509, NULL, NULL, 0);
	add_extension(made->x509, &ctx, NID_basic_constraints,
	              issuer == NULL ? "critical,CA:TRUE"
	                             : "critical,CA:FALSE");
	/* OpenSSL tells issuers of one name apart by these. */
	add_extension(made->x509, &ctx, NID_subject_key_identifier, "hash");
	add_extension(made->x509, &ctx, NID_authority_key_identifier, "keyid");
	assert_true(X509_sign(made->x509, by->key, EVP_sha256()) > 0);

	der_len = i2d_X509(made->x509, NULL);
	assert_true(der_len > 0);
	made->der = malloc((size_t)der_len);
	assert_non_null(made->der);
	next = made->der;
	(void)i2d_X509(made->x509, &next);
	made->item.kind = kind;
	made->item.der.data = made->der;
	made->item.der.len = (size_t)der_len;
	made->item.subject_hash =
	    (uint32_t)X509_NAME_hash_ex(subject, NULL, NULL, NULL);
	assert_int_equal(EVP_Digest(made->der, (size_t)der_len,
	                            made->item.sha256, &len, EVP_sha256(),
	                            NULL),
	                 1);
	(void)log_hex(made->file, made->item.sha256, VIEW_SHA256_LEN);
	(void)strcat(made->file, ".pem");
	(void)snprintf(made->link, sizeof(made->link), "%08x.",
	               made->item.subject_hash);
}

static void
unmake(struct made *made)
{
	X509_free(made->x509);
	EVP_PKEY_free(made->key);
	free(made->der);
}

int
make_all(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		make(&twins[i], "Card Root", NULL, i + 1, KEEP_ANCHOR);
	make(&stranger, "Another Root", NULL, 9, KEEP_ANCHOR);
	make(&leaf, "Server", &twins[0], 10, KEEP_USER);
	return 0;
}

int
unmake_all(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		unmake(&twins[i]);
	unmake(&stranger);
	unmake(&leaf);
	return 0;
}

int
bed_make(void **state)
{
	static struct bed bed;

	(void)snprintf(bed.path, sizeof(bed.path), "/tmp/test_view.XXXXXX");
	if (mkdtemp(bed.path) == NULL)
		return -1;
	*state = &bed;
	return view_init(bed.path, &bed.run) == VIEW_OK ? 0 : -1;
}

static bool
nobody(const char *id, void *arg)
{
	(void)id;
	(void)arg;
	return false;
}

int
bed_remove(void **state)
{
	struct bed *bed = *state;

	(void)view_prune(bed->run, nobody, NULL, NULL);
	(void)unlinkat(bed->run, "session", AT_REMOVEDIR);
	(void)tree_remove(bed->run, "host");
	(void)close(bed->run);
	return rmdir(bed->path);
}

const char *
in_view(const struct bed *bed, const char *folder, const char *name)
{
	static char paths[8][256];
	static unsigned turn;
	char *path = paths[turn++ % 8];

	(void)snprintf(path, sizeof(paths[0]), "%s/session/" ID "/%s%s%s",
	               bed->path, folder, name[0] == '\0' ? "" : "/", name);
	return path;
}

struct view_changes
reconcile(const struct bed *bed, const struct view_item *items, size_t count)
{
	struct view_changes changes;

	assert_int_equal(
	    view_reconcile(bed->run, ID, items, count, &plain, &changes),
	    VIEW_OK);
	return changes;
}

void
assert_changes(struct view_changes got, unsigned added, unsigned repaired,
               unsigned removed)
{
	assert_int_equal(got.added, added);
	assert_int_equal(got.repaired, repaired);
	assert_int_equal(got.removed, removed);
}

bool
is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

mode_t
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

size_t
entries(const char *path)
{
	DIR *dir = opendir(path);
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		count++;
	(void)closedir(dir);
	return count - 2; /* . and .. */
}

int
number_of(const struct bed *bed, const struct made *made)
{
	for (int i = 0; i < 8; i++) {
		char name[32];
		char target[128] = "";

		(void)snprintf(name, sizeof(name), "%s%d", made->link, i);
		if (readlink(in_view(bed, "certs", name), target,
		             sizeof(target) - 1) > 0 &&
		    strcmp(target, made->file) == 0)
			return i;
	}
	return -1;
}

void
spoil(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	(void)fputs(text, f);
	(void)fclose(f);
}

bool
verifies(const struct bed *bed)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	bool good;

	assert_int_equal(X509_STORE_load_path(store, in_view(bed, "certs", "")),
	                 1);
	assert_int_equal(X509_STORE_CTX_init(ctx, store, leaf.x509, NULL), 1);
	good = X509_verify_cert(ctx) == 1;
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return good;
}
