/*
 * The trust view of a session: what real software reads.  Below the run
 * directory, on tmpfs, one directory for each session:
 *
 *	<run>/session/<id>/certs/          anchors, OpenSSL's hashed form
 *	<run>/session/<id>/anchors/        anchors, plain PEM, for PKINIT
 *	<run>/session/<id>/intermediates/  for path building, no trust
 *	<run>/session/<id>/trust/anchors/  anchors, for p11-kit's trust module
 *	<run>/session/<id>/personal/       the user's own certificates, what
 *	                                   is known of them, and where their
 *	                                   keys are
 *	<run>/session/<id>/krb5.conf       KRB5_CONFIG, before the host's own
 *	<run>/session/<id>/p11-kit-trust.module   for this log-on
 *	<run>/session/<id>/p11-kit-user.module    by the user's own path, which
 *	                                          leads to the newest log-on
 *	<run>/host/certs/, trust/anchors/  what an administrator allowed for all
 *
 * In certs/ and trust/ an anchor is trusted for the purpose of the policy and
 * for nothing else; PKINIT knows no such purposes and asks for none.
 *
 * A view has no state beside its files: it is made equal to what is wanted by
 * comparing, each time, and can be thrown away and made again.  What is wanted
 * and present is never missing for a moment, what is not wanted goes.  Names
 * come from thumbprints and numbers only.  No DER is parsed here.
 */
#ifndef STORE_VIEW_H
#define STORE_VIEW_H

#include <sys/types.h>

#include "keep.h"

struct kerberos;

/* Where all of them are, below the run directory. */
#define VIEW_SESSIONS "session"

enum {
	VIEW_SHA256_LEN = 32,
	VIEW_ID_TEXT_LEN = 2 * KEEP_ID_LEN /* a session's id, lower-case hex */
};

enum view_error {
	VIEW_OK,
	VIEW_EINVAL,   /* not a session's id; a certificate that is not its hash
	                */
	VIEW_EFOREIGN, /* the run directory belongs to somebody else */
	VIEW_EFULL,    /* no space left; nothing was written by half */
	VIEW_ENOMEM,
	VIEW_EIO /* the file system refused; errno says how */
};

/* One certificate that is wanted.  KEEP_REQUEST is shown nowhere. */
struct view_item {
	enum keep_kind kind;
	uint8_t sha256[VIEW_SHA256_LEN]; /* of der */
	uint32_t subject_hash;           /* X509_NAME_hash_ex; of an anchor */
	struct wire_view der;
	struct wire_view json;       /* of a KEEP_USER: its properties */
	struct wire_view pkcs11_uri; /* and its key, or empty */
};

/* Where all views are, and what their texts say of it. */
struct view_place {
	const char *run_dir;
	const char *system_anchors; /* PEM; NULL: none */
	const struct kerberos *kerberos;
	bool no_acl; /* the file system has no access lists; said once */
};

/* How a view is shown, and to whom. */
struct view_style {
	gid_t group; /* may enter all views; (gid_t)-1: none */
	uid_t user;  /* may enter this one and its personal/; (uid_t)-1: none */
	enum keep_purpose purpose; /* what its roots are trusted for */
	bool linked; /* the user's link leads here: texts may name it */
	struct view_place *place; /* NULL: no texts that name paths */
};

/* Files and links; all zero says that the view was right already. */
struct view_changes {
	uint32_t added;
	uint32_t repaired; /* was there, with another content */
	uint32_t removed;
};

/*
 * Make the run directory (0755) and its session/ (0711) unless they are there,
 * and open it.  The directory above must exist.  On VIEW_OK the caller owns
 * *run_dirfd, which the other functions take.
 */
enum view_error view_init(const char *path, int *run_dirfd);

/*
 * Make the view of a session equal to the wanted items, creating it when it is
 * not there.  An item may occur twice.
 *
 * Goes on after a fault and returns the first: an item that could not be shown
 * is not there at all, and what had to go is gone.  changes may be NULL.
 */
enum view_error view_reconcile(int run_dirfd, const char *session_id_hex,
                               const struct view_item *items, size_t count,
                               const struct view_style *style,
                               struct view_changes *changes);

/* The same for the host's: its anchors alone, for everybody. */
enum view_error view_reconcile_host(int run_dirfd,
                                    const struct view_item *items, size_t count,
                                    enum keep_purpose purpose,
                                    struct view_changes *changes);

/* Remove a session's view; VIEW_OK also when there is none. */
enum view_error view_remove(int run_dirfd, const char *session_id_hex);

/*
 * Remove every view for which alive() says no, and all that is no view.  For
 * the start, when sessions may have ended unseen; count (may be NULL) is how
 * many entries went.
 */
typedef bool view_alive(const char *session_id_hex, void *arg);
enum view_error view_prune(int run_dirfd, view_alive *alive, void *arg,
                           uint32_t *count);

/* "no space left", ... */
const char *view_error_name(enum view_error err);

#endif
