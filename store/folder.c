#include "folder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tree.h"

/* A file that wants a link, and the highest number that leads to it. */
struct link {
	uint32_t hash;
	char file[FOLDER_NAME_SIZE];
	size_t number;
};
#define UNNUMBERED SIZE_MAX

/* The first fault stays; the work goes on. */
static void
fault(struct folder *f, int code)
{
	if (f->code == 0)
		f->code = code;
}

void
folder_open(struct folder *f, int dirfd, const char *name,
            const struct tree_access *access)
{
	*f = (struct folder){.dirfd = tree_make(dirfd, name, access)};
	if (f->dirfd >= 0 && tree_list(f->dirfd, &f->before) == 0)
		return;
	fault(f, errno);
	if (f->dirfd >= 0)
		(void)close(f->dirfd);
	f->dirfd = -1;
}

/* What was there under this name is wanted, and is not swept. */
static void
note_name(struct folder *f, const char *name)
{
	struct tree_entry *entry = tree_find(&f->before, name);

	if (entry != NULL)
		entry->stays = true;
}

static void
note_change(struct folder *f, bool existed)
{
	if (existed)
		f->repaired++;
	else
		f->added++;
}

bool
folder_put(struct folder *f, const char *name, struct wire_view text)
{
	const char *bytes = (const char *)text.data;
	bool existed = tree_find(&f->before, name) != NULL;

	if (f->dirfd < 0)
		return false;
	if (!existed || !tree_file_is(f->dirfd, name, bytes, text.len)) {
		if (tree_write(f->dirfd, name, bytes, text.len) != 0) {
			fault(f, errno);
			return false;
		}
		note_change(f, existed);
	}
	note_name(f, name);
	return true;
}

void
folder_keep(struct folder *f, const char *name)
{
	note_name(f, name);
}

/* Room for one more link; false: no memory. */
static bool
grow(struct folder *f)
{
	size_t room = 2 * f->link_room + 8;
	struct link *more;

	if (f->link_count < f->link_room)
		return true;
	more = reallocarray(f->links, room, sizeof(*f->links));
	if (more == NULL)
		return false;
	f->links = more;
	f->link_room = room;
	return true;
}

void
folder_link(struct folder *f, uint32_t hash, const char *file)
{
	struct link *link;

	if (!grow(f)) {
		fault(f, ENOMEM);
		return;
	}
	link = &f->links[f->link_count++];
	link->hash = hash;
	link->number = UNNUMBERED;
	(void)snprintf(link->file, FOLDER_NAME_SIZE, "%s", file);
}

/* Links: OpenSSL asks for <hash>.0, <hash>.1, ... until one is missing. */

static int
compare_links(const void *a, const void *b)
{
	const struct link *left = a;
	const struct link *right = b;

	if (left->hash != right->hash)
		return left->hash < right->hash ? -1 : 1;
	return strcmp(left->file, right->file);
}

static void
link_name(char out[static FOLDER_NAME_SIZE], uint32_t hash, size_t number)
{
	(void)snprintf(out, FOLDER_NAME_SIZE, "%08" PRIx32 ".%zu", hash,
	               number);
}

/* Which file of the group does this number lead to?  NULL: none of them. */
static struct link *
read_number(const struct folder *f, struct link *group, size_t count,
            size_t number, bool *there)
{
	char name[FOLDER_NAME_SIZE];
	char target[FOLDER_NAME_SIZE];
	ssize_t len = -1;

	link_name(name, group->hash, number);
	if (tree_find(&f->before, name) != NULL)
		len = readlinkat(f->dirfd, name, target, sizeof(target));
	*there = len >= 0;
	if (len < 0 || (size_t)len >= sizeof(target))
		return NULL;
	target[len] = '\0';
	for (size_t i = 0; i < count; i++) {
		if (strcmp(group[i].file, target) == 0)
			return &group[i];
	}
	return NULL;
}

/*
 * Give each file its highest number among those that OpenSSL would see; returns
 * how many numbers are needed for them.
 */
static size_t
find_numbers(const struct folder *f, struct link *group, size_t count)
{
	size_t top = 0;
	bool there = true;

	for (size_t n = 0; there || n < count; n++) {
		struct link *file = read_number(f, group, count, n, &there);

		if (file != NULL) {
			file->number = n;
			top = n + 1;
		}
	}
	return top;
}

/* The file that holds this number, or else one that has none, or NULL. */
static struct link *
file_for(struct link *group, size_t count, size_t number)
{
	struct link *free_one = NULL;

	for (size_t i = 0; i < count; i++) {
		if (group[i].number == number)
			return &group[i];
		if (free_one == NULL && group[i].number == UNNUMBERED)
			free_one = &group[i];
	}
	return free_one;
}

/* Make a number lead to a file of the group. */
static void
set_number(struct folder *f, struct link *group, size_t count, size_t number)
{
	struct link *file = file_for(group, count, number);
	char name[FOLDER_NAME_SIZE];
	bool there;
	struct link *now = read_number(f, group, count, number, &there);
	bool right = now != NULL && (file == NULL || now == file);

	if (file != NULL)
		file->number = number;
	else
		file = group; /* nobody's number: a second one closes the gap */
	link_name(name, group->hash, number);
	if (!right && tree_link(f->dirfd, name, file->file) != 0) {
		fault(f, errno);
		return;
	}
	note_name(f, name);
	if (!right)
		note_change(f, tree_find(&f->before, name) != NULL);
}

/*
 * The numbers of one hash have no hole, and a file that stays keeps its own: a
 * program may be walking along them right now.  Where a file went, a new one
 * comes, or a second link to one that is there.
 */
static void
number_group(struct folder *f, struct link *group, size_t count)
{
	size_t top = find_numbers(f, group, count);

	for (size_t n = 0; n < top || file_for(group, count, n) != NULL; n++)
		set_number(f, group, count, n);
}

static void
drop_twins(struct folder *f)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->link_count; i++) {
		if (kept == 0 ||
		    compare_links(&f->links[kept - 1], &f->links[i]) != 0)
			f->links[kept++] = f->links[i];
	}
	f->link_count = kept;
}

static void
show_links(struct folder *f)
{
	size_t end;

	if (f->link_count > 0)
		qsort(f->links, f->link_count, sizeof(*f->links),
		      compare_links);
	drop_twins(f);
	for (size_t i = 0; i < f->link_count; i = end) {
		end = i + 1;
		while (end < f->link_count &&
		       f->links[end].hash == f->links[i].hash)
			end++;
		number_group(f, &f->links[i], end - i);
	}
}

static void
sweep(struct folder *f)
{
	int code;

	f->removed += tree_sweep(f->dirfd, &f->before, &code);
	if (code != 0)
		fault(f, code);
}

void
folder_close(struct folder *f)
{
	if (f->dirfd >= 0) {
		show_links(f);
		sweep(f);
		(void)close(f->dirfd);
	}
	f->dirfd = -1;
	free(f->links);
	f->links = NULL;
	tree_list_clear(&f->before);
}
