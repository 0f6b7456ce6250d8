#include "view.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "log.h"
#include "pem.h"
#include "tree.h"
#include "viewtext.h"

enum {
	STEM_LEN = 2 * VIEW_SHA256_LEN, /* of a file name, the thumbprint */
	RUN_MODE = 0755,
	SESSIONS_MODE = 0711, /* no list of the sessions for everybody */
	VIEW_MODE = 0750,
	FOLDER_MODE = 0755,  /* who may not enter the view does not get here */
	PERSONAL_MODE = 0700 /* and the user */
};

#define SESSIONS VIEW_SESSIONS
#define HOST     "host"
#define GONE     ".gone" /* a view on its way out */

static const struct tree_access run_access = {RUN_MODE, TREE_NO_GROUP,
                                              TREE_NO_USER};
static const struct tree_access sessions_access = {SESSIONS_MODE, TREE_NO_GROUP,
                                                   TREE_NO_USER};
static const struct tree_access folder_access = {FOLDER_MODE, TREE_NO_GROUP,
                                                 TREE_NO_USER};

/* An item that is what it says, and the name it gets in each folder. */
struct shown {
	const struct view_item *item;
	char stem[STEM_LEN + 1];
};

/* The view that is being made. */
struct work {
	int dirfd;
	const struct view_style *style;
	const char *id; /* NULL: the host's */
	struct shown *shown;
	size_t count;
	struct view_changes changes;
	enum view_error err;
};

/* Put one item into a folder, under its thumbprint. */
typedef void put_item(struct folder *f, const char *stem,
                      const struct view_item *item,
                      const struct view_style *style);

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
	if (code == 0)
		return VIEW_OK;
	if (code == ENOSPC || code == EDQUOT)
		return VIEW_EFULL;
	return code == ENOMEM ? VIEW_ENOMEM : VIEW_EIO;
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

static int
compare_shown(const void *a, const void *b)
{
	const struct view_item *left = ((const struct shown *)a)->item;
	const struct view_item *right = ((const struct shown *)b)->item;

	if (left->kind != right->kind)
		return left->kind < right->kind ? -1 : 1;
	return memcmp(left->sha256, right->sha256, VIEW_SHA256_LEN);
}

/* Each item once, by kind. */
static void
drop_twins(struct work *w)
{
	size_t kept = 0;

	if (w->count > 1)
		qsort(w->shown, w->count, sizeof(*w->shown), compare_shown);
	for (size_t i = 0; i < w->count; i++)
		if (kept == 0 ||
		    compare_shown(&w->shown[kept - 1], &w->shown[i]) != 0)
			w->shown[kept++] = w->shown[i];
	w->count = kept;
}

/* False: no memory.  An item that is not its hash is left out, and a fault. */
static bool
take_items(struct work *w, const struct view_item *items, size_t count)
{
	w->shown = calloc(count > 0 ? count : 1, sizeof(*w->shown));
	if (w->shown == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct shown *shown = &w->shown[w->count];

		if (!is_genuine(&items[i])) {
			fault(&w->err, VIEW_EINVAL);
			continue;
		}
		shown->item = &items[i];
		(void)log_hex(shown->stem, items[i].sha256, VIEW_SHA256_LEN);
		w->count++;
	}
	drop_twins(w);
	return true;
}

/*
 * What an item looks like, in each folder.
 */

static bool
put_file(struct folder *f, const char *stem, const char *suffix,
         const struct wire_out *text, char name[static FOLDER_NAME_SIZE])
{
	(void)snprintf(name, FOLDER_NAME_SIZE, "%s%s", stem, suffix);
	return wire_out_ok(text) && folder_put(f, name, wire_written(text));
}

static void
put_plain(struct folder *f, const char *stem, const struct view_item *item,
          const struct view_style *style)
{
	char name[FOLDER_NAME_SIZE];
	uint8_t text[PEM_MAX];
	struct wire_out pem = wire_out(text, sizeof(text));

	(void)style;
	pem_put_certificate(&pem, item->der);
	(void)put_file(f, stem, ".pem", &pem, name);
}

static void
put_anchor(struct folder *f, const char *stem, const struct view_item *item,
           const struct view_style *style)
{
	char name[FOLDER_NAME_SIZE];
	uint8_t text[PEM_MAX];
	struct wire_out pem = wire_out(text, sizeof(text));

	pem_put_anchor(&pem, item->der, style->purpose);
	(void)put_file(f, stem, ".pem", &pem, name);
}

/* Only what is there gets a link. */
static void
put_hashed(struct folder *f, const char *stem, const struct view_item *item,
           const struct view_style *style)
{
	char name[FOLDER_NAME_SIZE];
	uint8_t text[PEM_MAX];
	struct wire_out pem = wire_out(text, sizeof(text));

	pem_put_anchor(&pem, item->der, style->purpose);
	if (put_file(f, stem, ".pem", &pem, name))
		folder_link(f, item->subject_hash, name);
}

/* The certificate, its properties, and where its key is. */
static void
put_personal(struct folder *f, const char *stem, const struct view_item *item,
             const struct view_style *style)
{
	char name[FOLDER_NAME_SIZE];
	uint8_t text[PEM_MAX];
	struct wire_out pem = wire_out(text, sizeof(text));

	put_plain(f, stem, item, style);
	if (item->json.len > 0) {
		(void)snprintf(name, sizeof(name), "%s.json", stem);
		(void)folder_put(f, name, item->json);
	}
	if (item->pkcs11_uri.len == 0)
		return;
	pem_put_uri(&pem, item->pkcs11_uri);
	(void)put_file(f, stem, ".uri.pem", &pem, name);
}

static void
fill(struct work *w, struct folder *f, enum keep_kind kind, put_item *put)
{
	for (size_t i = 0; i < w->count; i++) {
		const struct shown *shown = &w->shown[i];

		if (shown->item->kind == kind)
			put(f, shown->stem, shown->item, w->style);
	}
}

/*
 * The folders.
 */

static void
close_folder(struct work *w, struct folder *f)
{
	folder_close(f);
	w->changes.added += f->added;
	w->changes.repaired += f->repaired;
	w->changes.removed += f->removed;
	fault(&w->err, error_of(f->code));
}

static void
show_folder(struct work *w, int dirfd, const char *name, enum keep_kind kind,
            put_item *put)
{
	struct folder f;

	folder_open(&f, dirfd, name, &folder_access);
	fill(w, &f, kind, put);
	close_folder(w, &f);
}

static void
show_personal(struct work *w)
{
	const struct tree_access access = {PERSONAL_MODE, TREE_NO_GROUP,
	                                   w->style->user};
	struct folder f;

	folder_open(&f, w->dirfd, "personal", &access);
	fill(w, &f, KEEP_USER, put_personal);
	close_folder(w, &f);
}

/* p11-kit's trust module wants the anchors one folder down. */
static void
show_trust(struct work *w)
{
	struct folder f;

	folder_open(&f, w->dirfd, "trust", &folder_access);
	if (f.dirfd >= 0)
		show_folder(w, f.dirfd, "anchors", KEEP_ANCHOR, put_anchor);
	folder_keep(&f, "anchors");
	close_folder(w, &f);
}

static bool
has_anchors(const struct work *w)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->shown[i].item->kind == KEEP_ANCHOR)
			return true;
	return false;
}

/*
 * A session's view.
 */

/* A session's id, and so a name without a slash or a dot. */
static bool
is_id(const char *text)
{
	return strspn(text, "0123456789abcdef") == VIEW_ID_TEXT_LEN &&
	       text[VIEW_ID_TEXT_LEN] == '\0';
}

static int
open_sessions(int run_dirfd)
{
	return tree_make(run_dirfd, SESSIONS, &sessions_access);
}

/* Said once: such a file system is an administrator's choice. */
static void
check_access(const struct work *w)
{
	struct view_place *place = w->style->place;

	if (place == NULL || place->no_acl ||
	    tree_lets_in(w->dirfd, w->style->user))
		return;
	place->no_acl = true;
	log_note(LOG_WARNING, "view-access",
	         "the file system of run_dir has no access lists: users "
	         "cannot read their views");
}

/* The view is a folder too: of folders, and of what names its own path. */
static void
show_session(struct work *w, struct folder *view)
{
	static const char *const parts[] = {"certs", "anchors", "intermediates",
	                                    "personal", "trust"};

	show_folder(w, view->dirfd, "certs", KEEP_ANCHOR, put_hashed);
	show_folder(w, view->dirfd, "anchors", KEEP_ANCHOR, put_plain);
	show_folder(w, view->dirfd, "intermediates", KEEP_INTERMEDIATE,
	            put_plain);
	show_personal(w);
	show_trust(w);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		folder_keep(view, parts[i]);
	viewtext_put(view, w->id, w->style, has_anchors(w));
	check_access(w);
}

enum view_error
view_reconcile(int run_dirfd, const char *session_id_hex,
               const struct view_item *items, size_t count,
               const struct view_style *style, struct view_changes *changes)
{
	const struct tree_access access = {VIEW_MODE, style->group,
	                                   style->user};
	struct work w = {.style = style, .id = session_id_hex};
	struct folder view;
	int sessions;

	if (!is_id(session_id_hex))
		return VIEW_EINVAL;
	sessions = open_sessions(run_dirfd);
	if (sessions < 0)
		return error_of(errno);
	if (!take_items(&w, items, count)) {
		(void)close(sessions);
		return VIEW_ENOMEM;
	}
	folder_open(&view, sessions, session_id_hex, &access);
	w.dirfd = view.dirfd;
	if (view.dirfd >= 0)
		show_session(&w, &view);
	close_folder(&w, &view);
	(void)close(sessions);
	free(w.shown);
	if (changes != NULL)
		*changes = w.changes;
	return w.err;
}

/*
 * The host's view.
 */

enum view_error
view_reconcile_host(int run_dirfd, const struct view_item *items, size_t count,
                    enum keep_purpose purpose, struct view_changes *changes)
{
	const struct view_style style = {
	    .group = TREE_NO_GROUP, .user = TREE_NO_USER, .purpose = purpose};
	struct work w = {.style = &style};
	struct folder host;

	if (!take_items(&w, items, count))
		return VIEW_ENOMEM;
	folder_open(&host, run_dirfd, HOST, &folder_access);
	w.dirfd = host.dirfd;
	if (host.dirfd >= 0) {
		show_folder(&w, w.dirfd, "certs", KEEP_ANCHOR, put_hashed);
		show_trust(&w);
		folder_keep(&host, "certs");
		folder_keep(&host, "trust");
	}
	close_folder(&w, &host);
	free(w.shown);
	if (changes != NULL)
		*changes = w.changes;
	return w.err;
}

/*
 * Removing.
 */

/*
 * The whole view leaves its place in one step, then its files go: nobody finds
 * half of it under the session's name.
 */
static int
remove_view(int sessions, const char *id)
{
	int moved = renameat(sessions, id, sessions, GONE);

	if (moved != 0 &&
	    (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR)) {
		(void)tree_remove(sessions, GONE); /* of a crash */
		moved = renameat(sessions, id, sessions, GONE);
	}
	if (moved != 0)
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
	else if (tree_adjust(fd, &run_access) != 0 ||
	         (sessions = open_sessions(fd)) < 0)
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
