/* A view that somebody changed is made what it should be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "viewbed.h"

static void
test_broken_links_are_repaired(void **state)
{
	const struct bed *bed = *state;
	const struct view_item all[] = {twins[0].item, twins[1].item};
	char first[32];
	char fifth[32];
	const char *path;

	(void)snprintf(first, sizeof(first), "%s0", twins[0].link);
	(void)snprintf(fifth, sizeof(fifth), "%s5", twins[0].link);
	(void)reconcile(bed, all, 2);

	path = in_view(bed, "certs", first);
	assert_int_equal(unlink(path), 0); /* a hole */
	assert_changes(reconcile(bed, all, 2), 1, 0, 0);
	assert_true(verifies(bed));

	assert_int_equal(unlink(path), 0); /* to somewhere else */
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(symlink(twins[0].file, in_view(bed, "certs", fifth)),
	                 0);
	assert_changes(reconcile(bed, all, 2), 0, 1, 1);
	assert_true(verifies(bed));

	assert_int_equal(unlink(path), 0); /* a directory with something */
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(
	    symlink("x", strcat(strcpy((char[256]){0}, path), "/x")), 0);
	assert_changes(reconcile(bed, all, 2), 0, 1, 0);
	assert_true(verifies(bed));
	assert_changes(reconcile(bed, all, 2), 0, 0, 0);
}

static void
test_wrong_content_is_repaired(void **state)
{
	const struct bed *bed = *state;
	const char *path;

	(void)reconcile(bed, &twins[0].item, 1);
	path = in_view(bed, "certs", twins[0].file);
	spoil(path, "");
	assert_changes(reconcile(bed, &twins[0].item, 1), 0, 1, 0);
	spoil(path, "-----BEGIN CERTIFICATE-----\nMIIB\n");
	assert_changes(reconcile(bed, &twins[0].item, 1), 0, 1, 0);
	assert_int_equal(chmod(path, 0666), 0);
	assert_changes(reconcile(bed, &twins[0].item, 1), 0, 1, 0);
	assert_int_equal(mode_of(path), 0644);
	assert_true(verifies(bed));
}

/* One byte after the right ones, or one of them changed. */
static void
test_each_changed_byte_is_seen(void **state)
{
	const struct bed *bed = *state;
	const char *path;
	struct stat st;
	int fd;

	(void)reconcile(bed, &twins[0].item, 1);
	path = in_view(bed, "certs", twins[0].file);
	assert_int_equal(stat(path, &st), 0);
	for (off_t at = 0; at <= st.st_size; at++) {
		fd = open(path, O_RDWR | O_CLOEXEC);
		assert_true(fd >= 0);
		assert_int_equal(pwrite(fd, "!", 1, at), 1);
		(void)close(fd);
		assert_changes(reconcile(bed, &twins[0].item, 1), 0, 1, 0);
	}
}

static void
test_what_is_no_plain_file_is_replaced(void **state)
{
	const struct bed *bed = *state;
	char outside[128];
	char text[16] = "";
	const char *path;
	FILE *f;

	(void)snprintf(outside, sizeof(outside), "%s/outside", bed->path);
	spoil(outside, "untouched");
	(void)reconcile(bed, &twins[0].item, 1);
	path = in_view(bed, "certs", twins[0].file);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(outside, path), 0);
	assert_changes(reconcile(bed, &twins[0].item, 1), 0, 1, 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(link(outside, path), 0);
	assert_changes(reconcile(bed, &twins[0].item, 1), 0, 1, 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_changes(reconcile(bed, &twins[0].item, 1), 0, 1, 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_changes(reconcile(bed, &twins[0].item, 1), 0, 1, 0);
	assert_true(verifies(bed));

	f = fopen(outside, "r");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	(void)fclose(f);
	assert_string_equal(text, "untouched");
	assert_int_equal(unlink(outside), 0);
}

static void
test_foreign_entries_are_removed(void **state)
{
	const struct bed *bed = *state;
	char outside[128];

	(void)snprintf(outside, sizeof(outside), "%s/outside", bed->path);
	assert_int_equal(mkdir(outside, 0700), 0);
	(void)reconcile(bed, &twins[0].item, 1);
	spoil(in_view(bed, "certs", "evil.pem"), "x");
	spoil(in_view(bed, "certs", ".new"), "half"); /* of a crash */
	spoil(in_view(bed, "certs", stranger.file), "x");
	assert_int_equal(symlink(outside, in_view(bed, "anchors", "a")), 0);
	assert_int_equal(symlink("x", in_view(bed, "certs", "00000000.0")), 0);
	assert_int_equal(mkdir(in_view(bed, "more", ""), 0700), 0);
	assert_int_equal(mkdir(in_view(bed, "more", "deep"), 0700), 0);
	spoil(in_view(bed, "more", "deep/file"), "x");
	spoil(in_view(bed, "", "file"), "x");
	assert_changes(reconcile(bed, &twins[0].item, 1), 0, 0, 7);
	assert_changes(reconcile(bed, &twins[0].item, 1), 0, 0, 0);
	assert_int_equal(rmdir(outside), 0);
}

/* A folder that is a link elsewhere is not entered: it is replaced. */
static void
test_folder_that_is_a_link(void **state)
{
	const struct bed *bed = *state;
	char outside[128];
	char witness[160];

	(void)snprintf(outside, sizeof(outside), "%s/outside", bed->path);
	(void)snprintf(witness, sizeof(witness), "%s/witness", outside);
	(void)reconcile(bed, NULL, 0);
	assert_int_equal(mkdir(outside, 0700), 0);
	spoil(witness, "x");
	assert_int_equal(rmdir(in_view(bed, "certs", "")), 0);
	assert_int_equal(symlink(outside, in_view(bed, "certs", "")), 0);
	(void)reconcile(bed, &twins[0].item, 1);
	assert_true(verifies(bed));
	assert_int_equal(entries(outside), 1);
	assert_int_equal(unlink(witness), 0);
	assert_int_equal(rmdir(outside), 0);
}

/* The store was changed behind our back: such a root is not shown. */
static void
test_certificate_that_is_not_its_hash(void **state)
{
	const struct bed *bed = *state;
	struct view_item items[] = {twins[0].item, twins[1].item};
	struct view_changes changes;

	(void)reconcile(bed, items, 2);
	items[0].sha256[31] ^= 1;
	assert_int_equal(
	    view_reconcile(bed->run, ID, items, 2, &plain, &changes),
	    VIEW_EINVAL);
	assert_int_equal(number_of(bed, &twins[0]), -1);
	assert_int_not_equal(number_of(bed, &twins[1]), -1);
	assert_false(is_there(in_view(bed, "certs", twins[0].file)));
	assert_false(verifies(bed));
	assert_int_equal(entries(in_view(bed, "anchors", "")), 1);
}

/* A small file system of our own over the run directory. */
static bool
mount_small(const struct bed *bed)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", bed->path, "tmpfs", 0, "size=24k") == 0;
}

static void
test_full_file_system(void **state)
{
	const struct bed *bed = *state;
	const struct view_item all[] = {twins[0].item, twins[1].item,
	                                twins[2].item, stranger.item};
	struct view_changes changes;
	int run;
	int shown = 0;

	if (geteuid() != 0 || !mount_small(bed))
		skip();
	/* Six pages: four files of certs/, two of anchors/, and no more. */
	assert_int_equal(view_init(bed->path, &run), VIEW_OK);
	assert_int_equal(view_reconcile(run, ID, all, 4, &plain, &changes),
	                 VIEW_EFULL);
	assert_int_equal(entries(in_view(bed, "anchors", "")), 2);
	assert_int_equal(entries(in_view(bed, "trust/anchors", "")), 0);
	for (int i = 0; i < 3; i++)
		shown += number_of(bed, &twins[i]) >= 0;
	assert_int_equal(shown, 3);
	assert_true(verifies(bed));
	/* With fewer, what had no room before has it now. */
	assert_int_equal(view_reconcile(run, ID, all, 2, &plain, &changes),
	                 VIEW_OK);
	assert_int_equal(number_of(bed, &twins[2]), -1);
	assert_int_equal(entries(in_view(bed, "anchors", "")), 2);
	/* A wrong file that cannot be repaired is not left as it is. */
	spoil(in_view(bed, "anchors", twins[0].file), "x");
	assert_int_equal(view_reconcile(run, ID, all, 2, &plain, &changes),
	                 VIEW_EFULL);
	assert_false(is_there(in_view(bed, "anchors", twins[0].file)));
	assert_int_equal(view_reconcile(run, ID, all, 2, &plain, &changes),
	                 VIEW_OK);
	(void)close(run);
	assert_int_equal(umount(bed->path), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    in_bed(test_broken_links_are_repaired),
	    in_bed(test_wrong_content_is_repaired),
	    in_bed(test_each_changed_byte_is_seen),
	    in_bed(test_what_is_no_plain_file_is_replaced),
	    in_bed(test_foreign_entries_are_removed),
	    in_bed(test_folder_that_is_a_link),
	    in_bed(test_certificate_that_is_not_its_hash),
	    in_bed(test_full_file_system),
	};

	(void)umask(077); /* modes are set, not inherited */
	return cmocka_run_group_tests(tests, make_all, unmake_all);
}
