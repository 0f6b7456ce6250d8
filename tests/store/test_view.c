/*
 * A view on disk: its layout, its modes, its end, and that OpenSSL verifies by
 * it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "viewbed.h"

static void
test_layout_and_modes(void **state)
{
	const struct bed *bed = *state;
	struct view_item items[] = {twins[0].item, stranger.item, leaf.item,
	                            twins[1].item};
	char sessions[128];

	items[1].kind = KEEP_INTERMEDIATE;
	items[3].kind = KEEP_REQUEST;
	/* certs: file and link; the other folders: a file */
	assert_changes(reconcile(bed, items, 4), 6, 0, 0);
	assert_true(is_there(in_view(bed, "certs", twins[0].file)));
	assert_int_equal(number_of(bed, &twins[0]), 0);
	assert_true(is_there(in_view(bed, "anchors", twins[0].file)));
	assert_true(is_there(in_view(bed, "intermediates", stranger.file)));
	assert_true(is_there(in_view(bed, "personal", leaf.file)));
	assert_true(is_there(in_view(bed, "trust/anchors", twins[0].file)));
	assert_int_equal(entries(in_view(bed, "", "")), 5);
	assert_int_equal(entries(in_view(bed, "certs", "")), 2);
	assert_int_equal(entries(in_view(bed, "anchors", "")), 1);
	assert_int_equal(entries(in_view(bed, "intermediates", "")), 1);
	assert_int_equal(entries(in_view(bed, "personal", "")), 1);

	(void)snprintf(sessions, sizeof(sessions), "%s/session", bed->path);
	assert_int_equal(mode_of(bed->path), 0755);
	assert_int_equal(mode_of(sessions), 0711);
	assert_int_equal(mode_of(in_view(bed, "", "")), 0750);
	assert_int_equal(mode_of(in_view(bed, "certs", "")), 0755);
	assert_int_equal(mode_of(in_view(bed, "certs", twins[0].file)), 0644);
	assert_int_equal(mode_of(in_view(bed, "personal", "")), 0700);
}

static void
test_second_time_changes_nothing(void **state)
{
	const struct bed *bed = *state;
	const struct view_item items[] = {twins[0].item, twins[1].item,
	                                  leaf.item, twins[0].item};

	(void)reconcile(bed, items, 4);
	assert_changes(reconcile(bed, items, 4), 0, 0, 0);
	assert_changes(reconcile(bed, items, 3), 0, 0, 0); /* a twin claim */
}

/* More of them than one look into a directory tells. */
static void
test_many_items(void **state)
{
	enum { MANY = 300 };
	static uint8_t der[MANY][4];
	static struct view_item items[2 * MANY];
	const struct bed *bed = *state;
	unsigned len;

	for (unsigned i = 0; i < MANY; i++) {
		(void)snprintf((char *)der[i], sizeof(der[i]), "%03u", i);
		items[i] = (struct view_item){
		    .kind = KEEP_ANCHOR,
		    .subject_hash = i / 3,
		    .der = {der[i], sizeof(der[i])},
		};
		(void)EVP_Digest(der[i], sizeof(der[i]), items[i].sha256, &len,
		                 EVP_sha256(), NULL);
		items[2 * MANY - 1 - i] = items[i];
	}
	assert_changes(reconcile(bed, items, 2 * MANY), 4 * MANY, 0, 0);
	assert_changes(reconcile(bed, items, MANY), 0, 0, 0);
	assert_int_equal(entries(in_view(bed, "certs", "")), 2 * MANY);
	assert_int_equal(entries(in_view(bed, "anchors", "")), MANY);
	assert_changes(reconcile(bed, items, 3), 0, 0, 4 * (MANY - 3));
	assert_int_equal(entries(in_view(bed, "certs", "")), 6);
	assert_int_equal(entries(in_view(bed, "anchors", "")), 3);
	assert_changes(reconcile(bed, NULL, 0), 0, 0, 12);
}

static void
test_pem_is_the_certificate(void **state)
{
	const struct bed *bed = *state;
	FILE *f;
	X509 *read_back;

	(void)reconcile(bed, &twins[0].item, 1);
	f = fopen(in_view(bed, "anchors", twins[0].file), "r");
	assert_non_null(f);
	read_back = PEM_read_X509(f, NULL, NULL, NULL);
	(void)fclose(f);
	assert_non_null(read_back);
	assert_int_equal(X509_cmp(read_back, twins[0].x509), 0);
	X509_free(read_back);
}

/* Every length of the last line, and the longest certificate there may be. */
static void
test_pem_of_every_length(void **state)
{
	const struct bed *bed = *state;
	uint8_t *der = calloc(1, KEEP_DER_MAX + 1);
	struct view_item item = {.kind = KEEP_USER};
	struct view_changes changes;
	unsigned len;

	assert_non_null(der);
	item.der.data = der;
	for (size_t size = KEEP_DER_MAX - 50; size <= KEEP_DER_MAX; size++) {
		item.der.len = size;
		(void)EVP_Digest(der, size, item.sha256, &len, EVP_sha256(),
		                 NULL);
		(void)reconcile(bed, &item, 1);
		assert_int_equal(entries(in_view(bed, "personal", "")), 1);
	}
	item.der.len = KEEP_DER_MAX + 1;
	(void)EVP_Digest(der, item.der.len, item.sha256, &len, EVP_sha256(),
	                 NULL);
	assert_int_equal(
	    view_reconcile(bed->run, ID, &item, 1, &plain, &changes),
	    VIEW_EINVAL);
	assert_int_equal(entries(in_view(bed, "personal", "")), 0);
	free(der);
}

static void
test_openssl_verifies_until_removed(void **state)
{
	const struct bed *bed = *state;

	(void)reconcile(bed, NULL, 0);
	assert_false(verifies(bed));
	(void)reconcile(bed, &stranger.item, 1);
	assert_false(verifies(bed));
	for (int i = 0; i < 3; i++) {
		const struct view_item items[] = {twins[2].item, twins[i].item};

		(void)reconcile(bed, items, 2);
		assert_int_equal(verifies(bed), i == 0);
	}
	(void)reconcile(bed, NULL, 0);
	assert_false(verifies(bed));
	assert_int_equal(entries(in_view(bed, "certs", "")), 0);
	assert_int_equal(entries(in_view(bed, "anchors", "")), 0);
}

/*
 * Equal subjects: numbers without a hole, and who stays keeps its own, because
 * a program may be walking along them.
 */
static void
test_numbers_are_stable_and_dense(void **state)
{
	const struct bed *bed = *state;
	const struct view_item all[] = {twins[0].item, twins[1].item,
	                                twins[2].item};
	char name[32];

	for (int gone = 0; gone < 3; gone++) {
		int one = (gone + 1) % 3;
		int two = (gone + 2) % 3;
		const struct view_item rest[] = {twins[one].item,
		                                 twins[two].item};
		int top = 0;
		int before[3];

		(void)reconcile(bed, all, 3);
		for (int i = 0; i < 3; i++)
			before[i] = number_of(bed, &twins[i]);
		assert_int_equal(before[0] + before[1] + before[2], 3);
		(void)reconcile(bed, rest, 2);
		assert_changes(reconcile(bed, rest, 2), 0, 0, 0);
		assert_int_equal(number_of(bed, &twins[gone]), -1);
		top = before[one] > before[two] ? before[one] : before[two];
		for (int n = 0; n <= 3; n++) {
			(void)snprintf(name, sizeof(name), "%s%d",
			               twins[0].link, n);
			assert_int_equal(is_there(in_view(bed, "certs", name)),
			                 n <= top);
		}
		assert_int_equal(verifies(bed), gone != 0);
		/* It comes back: into the gap, if there is one. */
		(void)reconcile(bed, all, 3);
		assert_int_not_equal(number_of(bed, &twins[gone]), -1);
		assert_int_equal(entries(in_view(bed, "certs", "")), 6);
	}
}

/* While others come and go, a root that stays is found by everybody. */
static void
test_root_that_stays_is_never_missing(void **state)
{
	const struct bed *bed = *state;
	const struct view_item sets[][3] = {
	    {twins[0].item, twins[1].item, twins[2].item},
	    {twins[0].item, twins[2].item, stranger.item},
	    {twins[0].item, twins[1].item, stranger.item},
	    {twins[0].item, stranger.item, stranger.item},
	};
	unsigned seen = 0;
	int status = -1;
	pid_t child;

	(void)reconcile(bed, sets[0], 3);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		while (seen < 2000 && verifies(bed))
			seen++;
		_exit(seen == 2000 ? 0 : 1);
	}
	for (unsigned i = 0; waitpid(child, &status, WNOHANG) == 0; i++)
		(void)reconcile(bed, sets[i * 7 % 4], i % 3 + 1);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
test_names_come_from_an_id_only(void **state)
{
	static const char *const bad[] = {
	    "",
	    ".",
	    "..",
	    "../" ID,
	    ID "/",
	    ID "0",
	    "0123",
	    "0123456789ABCDEF0123456789ABCDEF",
	    "0123456789abcdef0123456789abcde/",
	};
	const struct bed *bed = *state;
	char sessions[128];

	(void)snprintf(sessions, sizeof(sessions), "%s/session", bed->path);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(view_reconcile(bed->run, bad[i],
		                                &twins[0].item, 1, &plain,
		                                NULL),
		                 VIEW_EINVAL);
		assert_int_equal(view_remove(bed->run, bad[i]), VIEW_EINVAL);
	}
	assert_int_equal(entries(sessions), 0);
	assert_int_equal(entries(bed->path), 1);
}

static void
test_remove(void **state)
{
	const struct bed *bed = *state;
	char sessions[128];

	(void)snprintf(sessions, sizeof(sessions), "%s/session", bed->path);
	(void)reconcile(bed, &twins[0].item, 1);
	assert_int_equal(
	    view_reconcile(bed->run, OTHER, &twins[1].item, 1, &plain, NULL),
	    VIEW_OK);
	assert_int_equal(view_remove(bed->run, ID), VIEW_OK);
	assert_false(is_there(in_view(bed, "", "")));
	assert_int_equal(entries(sessions), 1); /* the other one stays */
	assert_int_equal(view_remove(bed->run, ID), VIEW_OK);
	assert_int_equal(view_remove(bed->run, OTHER), VIEW_OK);
	assert_int_equal(entries(sessions), 0);
}

/* Whatever a crash, or somebody, left in the place of what is on its way out.
 */
static void
test_remove_after_a_crash(void **state)
{
	const struct bed *bed = *state;
	char sessions[128];
	char gone[160];
	char inside[192];

	(void)snprintf(sessions, sizeof(sessions), "%s/session", bed->path);
	(void)snprintf(gone, sizeof(gone), "%s/.gone", sessions);
	(void)snprintf(inside, sizeof(inside), "%s/half", gone);
	for (int what = 0; what < 3; what++) {
		(void)reconcile(bed, &twins[0].item, 1);
		if (what == 2)
			spoil(gone, "x");
		else
			assert_int_equal(mkdir(gone, 0700), 0);
		if (what == 1)
			spoil(inside, "x");
		assert_int_equal(view_remove(bed->run, ID), VIEW_OK);
		assert_int_equal(entries(sessions), 0);
	}
}

static bool
only_other(const char *id, void *arg)
{
	unsigned *asked = arg;

	(*asked)++;
	return strcmp(id, OTHER) == 0;
}

static void
test_prune(void **state)
{
	const struct bed *bed = *state;
	unsigned asked = 0;
	uint32_t removed = 0;
	char path[160];

	(void)reconcile(bed, &twins[0].item, 1);
	(void)view_reconcile(bed->run, OTHER, &twins[1].item, 1, &plain, NULL);
	(void)snprintf(path, sizeof(path), "%s/session/.gone", bed->path);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/session/zz", bed->path);
	spoil(path, "x");
	assert_int_equal(view_prune(bed->run, only_other, &asked, &removed),
	                 VIEW_OK);
	assert_int_equal(removed, 3);
	assert_true(asked >= 2);
	(void)snprintf(path, sizeof(path), "%s/session", bed->path);
	assert_int_equal(entries(path), 1);
	assert_false(is_there(in_view(bed, "", "")));
}

static void
test_init_again_and_elsewhere(void **state)
{
	const struct bed *bed = *state;
	char path[128];
	int fd = -1;

	assert_int_equal(view_init(bed->path, &fd), VIEW_OK);
	(void)close(fd);
	(void)snprintf(path, sizeof(path), "%s/no/where", bed->path);
	assert_int_equal(view_init(path, &fd), VIEW_EIO);
	(void)snprintf(path, sizeof(path), "%s/link", bed->path);
	assert_int_equal(symlink("/tmp", path), 0);
	assert_int_equal(view_init(path, &fd), VIEW_EIO);
	assert_int_equal(unlink(path), 0);
	if (geteuid() != 0)
		return;
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(chown(path, 65534, 65534), 0);
	assert_int_equal(view_init(path, &fd), VIEW_EFOREIGN);
	assert_int_equal(rmdir(path), 0);
}

static void
test_group_of_the_view(void **state)
{
	const struct bed *bed = *state;
	const gid_t group = 12345;
	struct view_style style = plain;
	struct stat st;

	if (geteuid() != 0)
		skip();
	style.group = group;
	assert_int_equal(view_reconcile(bed->run, ID, NULL, 0, &style, NULL),
	                 VIEW_OK);
	assert_int_equal(stat(in_view(bed, "", ""), &st), 0);
	assert_int_equal(st.st_gid, group);
	assert_int_equal(st.st_mode & 07777, 0750);
}

static void
test_names_of_errors(void **state)
{
	(void)state;
	for (int err = VIEW_OK; err <= VIEW_EIO; err++)
		assert_string_not_equal(view_error_name((enum view_error)err),
		                        "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    in_bed(test_layout_and_modes),
	    in_bed(test_second_time_changes_nothing),
	    in_bed(test_many_items),
	    in_bed(test_pem_is_the_certificate),
	    in_bed(test_pem_of_every_length),
	    in_bed(test_openssl_verifies_until_removed),
	    in_bed(test_numbers_are_stable_and_dense),
	    in_bed(test_root_that_stays_is_never_missing),
	    in_bed(test_names_come_from_an_id_only),
	    in_bed(test_remove),
	    in_bed(test_remove_after_a_crash),
	    in_bed(test_prune),
	    in_bed(test_init_again_and_elsewhere),
	    in_bed(test_group_of_the_view),
	    cmocka_unit_test(test_names_of_errors),
	};

	(void)umask(077); /* modes are set, not inherited */
	return cmocka_run_group_tests(tests, make_all, unmake_all);
}
