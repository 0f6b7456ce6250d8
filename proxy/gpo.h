/*
 * The machine's group policies: a directory of Registry.pol files, as they were
 * found.  Both of these are taken:
 *
 *     .../{GUID}/MACHINE/REGISTRY.POL    as Samba's gpupdate caches them, the
 *                                        directory being gpo_cache or one of
 *                                        the two below it; in any case
 *     NAME.pol                           in the directory itself
 *
 * Nothing on disk says in which order objects apply.  A file "gpo.order" in the
 * directory may: a line for each object, its {GUID} or NAME.pol, with the word
 * "enforced" behind it where that is so; first those that give way (local,
 * site, domain, OU).  Enforced ones apply after all others.  What is not in it
 * does not apply.  A line that begins with # is a comment.  Without the file
 * all apply, by name.
 *
 * A file that cannot be read, or not understood, leaves what was last good of
 * it in force; a directory that cannot be looked into does so for all below it.
 * What has gone is no longer in force.
 */
#ifndef PROXY_GPO_H
#define PROXY_GPO_H

#include "resolver.h"

enum { GPO_MAX = 1024, GPO_DIRS_MAX = 4096 };

struct gpo {
	char *name; /* "{GUID}" or "NAME.pol", as on disk */
	char *path;
	bool enforced;
	bool good;  /* changes count */
	bool stale; /* but they are of an earlier version of the file */
	struct setting_changes changes;
};

struct gpo_set {
	struct gpo *items; /* in the order in which they apply */
	size_t count;
	struct resolver_gpo *inputs; /* the good ones, for the resolver */
	size_t input_count;
	char **notes; /* what is wrong, for the log */
	size_t note_count;
	char **dirs; /* where a change would be seen */
	size_t dir_count;
	char *order; /* the last good text of gpo.order, or NULL */
};

/*
 * What is there now; before, which may be NULL, is what was there when it was
 * last looked at.  NULL: no memory.
 */
struct gpo_set *gpo_load(const char *directory, const struct gpo_set *before);
void gpo_free(struct gpo_set *set);

/*
 * Do several objects of a domain apply by name alone?  A cache of Samba's may
 * hold some that are linked nowhere any more.  NULL has none.
 */
bool gpo_unordered(const struct gpo_set *set);

/* Do both say the same, and of the same files?  NULL has none. */
bool gpo_same(const struct gpo_set *a, const struct gpo_set *b);

#endif
