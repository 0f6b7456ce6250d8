#include "view.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "tree.h"

enum {
	NAME_SIZE = 2 * VIEW_SHA256_LEN + sizeof(".pem"),
	PEM_LINE_DER = 48, /* bytes in one line of 64 characters, RFC 7468 */
	PEM_LINE_LEN = 64 + 1,
	PEM_MAX = (KEEP_DER_MAX / PEM_LINE_DER + 1) * PEM_LINE_LEN + 64,
	RUN_MODE = 0755,
	SESSIONS_MODE = 0711, /* no list of the sessions for everybody */
	VIEW_MODE = 0750,
	FOLDER_MODE = 0755 /* who may not enter the view does not get here */
};

#define SESSIONS "session"
#define GONE     ".gone" /* a view on its way out */

static const struct folder {
	const char *name;
	enum keep_kind kind;
	bool hashed;
} folders[] = {
    {"certs", KEEP_ANCHOR, true},
    {"anchors", KEEP_ANCHOR, false},
    {"intermediates", KEEP_INTERMEDIATE, false},
    {"personal", KEEP_USER, false},
};
enum { FOLDERS = sizeof(folders) / sizeof(folders[0]) };

struct name {
	char text[NAME_SIZE];
};

/* A file that wants a link, and the highest number that leads to it. */
struct link {
	uint32_t hash;
	struct name file;
	size_t number;
};
#define UNNUMBERED SIZE_MAX

/* The work on one folder. */
struct work {
	int dirfd;
	struct name *names; /* what is there and stays */
	size_t name_count;
	size_t name_room;
	struct link *links;
	size_t link_count;
	struct view_changes changes;
	enum view_error err;
};

/* The first fault stays; the work goes on. */
static void
fault(enum view_error *err, enum view_error now)
{
	if (*err == VIEW_OK)
		*err = now;
}

static enum view_error
error_of(int code)
{
	if (code == ENOSPC || code == EDQUOT)
		return VIEW_EFULL;
	return code == ENOMEM ? VIEW_ENOMEM : VIEW_EIO;
}

/* The name stays; what is not noted is swept. */
static void
note_name(struct work *w, const char *name)
{
	if (w->name_count == w->name_room) {
		size_t room = 2 * w->name_room + 64;
		struct name *more = realloc(w->names, room * sizeof(*more));

		if (more == NULL) {
			fault(&w->err, VIEW_ENOMEM);
			return;
		}
		w->names = more;
		w->name_room = room;
	}
	(void)snprintf(w->names[w->name_count++].text, NAME_SIZE, "%s", name);
}

static void
note_change(struct work *w, bool existed)
{
	if (existed)
		w->changes.repaired++;
	else
		w->changes.added++;
}

/* The certificate as PEM, RFC 7468; returns its length. */
static size_t
pem_encode(char out[static PEM_MAX], struct wire_view der)
{
	struct wire_out pem = wire_out(out, PEM_MAX);
	struct wire_in in = wire_in_view(der);

	wire_put_view(&pem, wire_view_text("-----BEGIN CERTIFICATE-----\n"));
	while (in.left > 0) {
		size_t len = in.left < PEM_LINE_DER ? in.left : PEM_LINE_DER;
		struct wire_view part = wire_bytes(&in, len);
		uint8_t line[PEM_LINE_LEN];
		int chars = EVP_EncodeBlock(line, part.data, (int)part.len);

		wire_put_bytes(&pem, line, (size_t)chars);
		wire_put_u8(&pem, '\n');
	}
	wire_put_view(&pem, wire_view_text("-----END CERTIFICATE-----\n"));
	return pem.len; /* PEM_MAX holds the longest that is_genuine lets by */
}

/* The store was not changed behind our back: the name is the content's. */
static bool
is_genuine(const struct view_item *item)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	return item->der.len > 0 && item->der.len <= KEEP_DER_MAX &&
	       EVP_Digest(item->der.data, item->der.len, digest, &len,
	                  EVP_sha256(), NULL) == 1 &&
	       len == VIEW_SHA256_LEN && memcmp(digest, item->sha256, len) == 0;
}

static void
add_link(struct work *w, uint32_t hash, const char *file)
{
	struct link *link = &w->links[w->link_count++];

	link->hash = hash;
	link->number = UNNUMBERED;
	(void)snprintf(link->file.text, NAME_SIZE, "%s", file);
}

/* Show one item as a file; only what is shown keeps its name and its link. */
static void
show_item(struct work *w, const struct view_item *item, bool hashed)
{
	char name[NAME_SIZE];
	char pem[PEM_MAX];
	size_t len;
	bool existed;
	bool changed;

	if (!is_genuine(item)) {
		fault(&w->err, VIEW_EINVAL);
		return;
	}
	(void)log_hex(name, item->sha256, VIEW_SHA256_LEN);
	(void)strcat(name, ".pem");
	len = pem_encode(pem, item->der);
	existed = tree_exists(w->dirfd, name);
	changed = !existed || !tree_file_is(w->dirfd, name, pem, len);
	if (changed && tree_write(w->dirfd, name, pem, len) != 0) {
		fault(&w->err, error_of(errno));
		return;
	}
	note_name(w, name);
	if (changed)
		note_change(w, existed);
	if (hashed)
		add_link(w, item->subject_hash, name);
}

/* Links: OpenSSL asks for <hash>.0, <hash>.1, ... until one is missing. */

static int
compare_links(const void *a, const void *b)
{
	const struct link *left = a;
	const struct link *right = b;

	if (left->hash != right->hash)
		return left->hash < right->hash ? -1 : 1;
	return strcmp(left->file.text, right->file.text);
}

static void
link_name(char out[static NAME_SIZE], uint32_t hash, size_t number)
{
	(void)snprintf(out, NAME_SIZE, "%08" PRIx32 ".%zu", hash, number);
}

/* Which file of the group does this number lead to?  NULL: none of them. */
static struct link *
read_number(const struct work *w, struct link *group, size_t count,
            size_t number, bool *there)
{
	char name[NAME_SIZE];
	char target[NAME_SIZE];
	ssize_t len;

	link_name(name, group->hash, number);
	len = readlinkat(w->dirfd, name, target, sizeof(target));
	*there = len >= 0;
	if (len < 0 || (size_t)len >= sizeof(target))
		return NULL;
	target[len] = '\0';
	for (size_t i = 0; i < count; i++) {
		if (strcmp(group[i].file.text, target) == 0)
			return &group[i];
	}
	return NULL;
}

/*
 * Give each file its highest number among those that OpenSSL would see; returns
 * how many numbers are needed for them.
 */
static size_t
find_numbers(const struct work *w, struct link *group, size_t count)
{
	size_t top = 0;
	bool there = true;

	for (size_t n = 0; there || n < count; n++) {
		struct link *file = read_number(w, group, count, n, &there);

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
set_number(struct work *w, struct link *group, size_t count, size_t number)
{
	struct link *file = file_for(group, count, number);
	char name[NAME_SIZE];
	bool there;
	struct link *now = read_number(w, group, count, number, &there);
	bool right = now != NULL && (file == NULL || now == file);

	if (file != NULL)
		file->number = number;
	else
		file = group; /* nobody's number: a second one closes the gap */
	link_name(name, group->hash, number);
	there = tree_exists(w->dirfd, name);
	if (!right && tree_link(w->dirfd, name, file->file.text) != 0) {
		fault(&w->err, error_of(errno));
		return;
	}
	note_name(w, name);
	if (!right)
		note_change(w, there);
}

/*
 * The numbers of one hash have no hole, and a file that stays keeps its own: a
 * program may be walking along them right now.  Where a file went, a new one
 * comes, or a second link to one that is there.
 */
static void
number_group(struct work *w, struct link *group, size_t count)
{
	size_t top = find_numbers(w, group, count);

	for (size_t n = 0; n < top || file_for(group, count, n) != NULL; n++)
		set_number(w, group, count, n);
}

static void
drop_twins(struct work *w)
{
	size_t kept = 0;

	for (size_t i = 0; i < w->link_count; i++) {
		if (kept == 0 ||
		    compare_links(&w->links[kept - 1], &w->links[i]) != 0)
			w->links[kept++] = w->links[i];
	}
	w->link_count = kept;
}

static void
show_links(struct work *w)
{
	size_t end;

	if (w->link_count > 0)
		qsort(w->links, w->link_count, sizeof(*w->links),
		      compare_links);
	drop_twins(w);
	for (size_t i = 0; i < w->link_count; i = end) {
		end = i + 1;
		while (end < w->link_count &&
		       w->links[end].hash == w->links[i].hash)
			end++;
		number_group(w, &w->links[i], end - i);
	}
}

/* What stays, by name. */

static int
compare_names(const void *a, const void *b)
{
	const struct name *left = a;
	const struct name *right = b;

	return strcmp(left->text, right->text);
}

static int
compare_text(const void *key, const void *element)
{
	const struct name *name = element;

	return strcmp(key, name->text);
}

static bool
is_named(const char *name, void *arg)
{
	const struct work *w = arg;

	return w->name_count > 0 &&
	       bsearch(name, w->names, w->name_count, sizeof(*w->names),
	               compare_text) != NULL;
}

static bool
is_folder(const char *name, void *arg)
{
	(void)arg;
	for (size_t i = 0; i < FOLDERS; i++) {
		if (strcmp(name, folders[i].name) == 0)
			return true;
	}
	return false;
}

static void
sweep_folder(struct work *w)
{
	int code;

	if (w->name_count > 0)
		qsort(w->names, w->name_count, sizeof(*w->names),
		      compare_names);
	w->changes.removed += tree_clear(w->dirfd, is_named, w, &code);
	if (code != 0)
		fault(&w->err, error_of(code));
}

/* One folder: first what is new, then what has to go. */
static void
fill_folder(struct work *w, const struct folder *folder,
            const struct view_item *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (items[i].kind == folder->kind)
			show_item(w, &items[i], folder->hashed);
	}
	if (folder->hashed)
		show_links(w);
	sweep_folder(w);
}

static void
add_changes(struct view_changes *sum, const struct view_changes *more)
{
	sum->added += more->added;
	sum->repaired += more->repaired;
	sum->removed += more->removed;
}

static enum view_error
reconcile_folder(int view_fd, const struct folder *folder,
                 const struct view_item *items, size_t count,
                 struct view_changes *changes)
{
	struct work w = {.dirfd = -1, .err = VIEW_ENOMEM};

	w.links = calloc(count + 1, sizeof(*w.links)); /* 0 may give NULL */
	if (w.links == NULL)
		goto out;
	w.err = VIEW_OK;
	w.dirfd = tree_make(view_fd, folder->name, FOLDER_MODE, TREE_NO_GROUP);
	if (w.dirfd < 0) {
		w.err = error_of(errno);
		goto out;
	}
	fill_folder(&w, folder, items, count);
	(void)close(w.dirfd);
	add_changes(changes, &w.changes);
out:
	free(w.links);
	free(w.names);
	return w.err;
}

/* A session's id, and so a name without a slash or a dot. */
static bool
is_id(const char *text)
{
	return strspn(text, "0123456789abcdef") == VIEW_ID_TEXT_LEN &&
	       text[VIEW_ID_TEXT_LEN] == '\0';
}

static int
open_view(int run_dirfd, const char *id, gid_t group)
{
	int sessions =
	    tree_make(run_dirfd, SESSIONS, SESSIONS_MODE, TREE_NO_GROUP);
	int fd;
	int code;

	if (sessions < 0)
		return -1;
	fd = tree_make(sessions, id, VIEW_MODE, group);
	code = errno;
	(void)close(sessions);
	errno = code;
	return fd;
}

enum view_error
view_reconcile(int run_dirfd, const char *session_id_hex,
               const struct view_item *items, size_t count, gid_t group,
               struct view_changes *changes)
{
	struct view_changes sum = {0};
	enum view_error err = VIEW_OK;
	int view_fd;
	int code;

	if (!is_id(session_id_hex))
		return VIEW_EINVAL;
	view_fd = open_view(run_dirfd, session_id_hex, group);
	if (view_fd < 0)
		return error_of(errno);
	for (size_t i = 0; i < FOLDERS; i++)
		fault(&err, reconcile_folder(view_fd, &folders[i], items, count,
		                             &sum));
	sum.removed += tree_clear(view_fd, is_folder, NULL, &code);
	if (code != 0)
		fault(&err, error_of(code));
	(void)close(view_fd);
	if (changes != NULL)
		*changes = sum;
	return err;
}

/*
 * The whole view leaves its place in one step, then its files go: nobody finds
 * half of it under the session's name.
 */
static int
remove_view(int sessions, const char *id)
{
	(void)tree_remove(sessions, GONE); /* of a crash */
	if (renameat(sessions, id, sessions, GONE) != 0)
		return errno == ENOENT ? 0 : -1;
	return tree_remove(sessions, GONE);
}

enum view_error
view_remove(int run_dirfd, const char *session_id_hex)
{
	enum view_error err = VIEW_OK;
	int sessions;

	if (!is_id(session_id_hex))
		return VIEW_EINVAL;
	sessions = tree_open(run_dirfd, SESSIONS);
	if (sessions < 0)
		return errno == ENOENT ? VIEW_OK : error_of(errno);
	if (remove_view(sessions, session_id_hex) != 0)
		err = error_of(errno);
	(void)close(sessions);
	return err;
}

struct prune {
	view_alive *alive;
	void *arg;
};

static bool
is_alive(const char *name, void *arg)
{
	const struct prune *prune = arg;

	return is_id(name) && prune->alive(name, prune->arg);
}

enum view_error
view_prune(int run_dirfd, view_alive *alive, void *arg, uint32_t *count)
{
	struct prune prune = {alive, arg};
	int sessions = tree_open(run_dirfd, SESSIONS);
	uint32_t removed;
	int code;

	if (sessions < 0)
		return error_of(errno);
	removed = tree_clear(sessions, is_alive, &prune, &code);
	(void)close(sessions);
	if (count != NULL)
		*count = removed;
	return code == 0 ? VIEW_OK : error_of(code);
}

/* Somebody else's directory is not ours to fill, nor to correct. */
static bool
is_ours(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_uid == geteuid();
}

enum view_error
view_init(const char *path, int *run_dirfd)
{
	enum view_error err = VIEW_OK;
	int sessions = -1;
	int fd;

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return error_of(errno);
	fd = tree_open(AT_FDCWD, path);
	if (fd < 0)
		return error_of(errno);
	if (!is_ours(fd))
		err = VIEW_EFOREIGN;
	else if (tree_adjust(fd, RUN_MODE, TREE_NO_GROUP) != 0 ||
	         (sessions = tree_make(fd, SESSIONS, SESSIONS_MODE,
	                               TREE_NO_GROUP)) < 0)
		err = error_of(errno);
	if (sessions >= 0)
		(void)close(sessions);
	if (err == VIEW_OK)
		*run_dirfd = fd;
	else
		(void)close(fd);
	return err;
}

const char *
view_error_name(enum view_error err)
{
	switch (err) {
	case VIEW_OK:
		return "ok";
	case VIEW_EINVAL:
		return "not valid";
	case VIEW_EFOREIGN:
		return "not our directory";
	case VIEW_EFULL:
		return "no space left";
	case VIEW_ENOMEM:
		return "no memory";
	case VIEW_EIO:
		return "input or output error";
	}
	return "unknown";
}
