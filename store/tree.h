/*
 * Directories, files and links below a directory that is ours, by descriptor.
 * Every name is one component and no link is ever followed, so what somebody
 * put there is replaced or removed, never entered or written through.
 *
 * Nothing is synced: for what may be thrown away and made again.  Functions
 * that return int give 0 (or a descriptor) or -1 with errno.
 */
#ifndef STORE_TREE_H
#define STORE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TREE_NO_GROUP ((gid_t)-1)
#define TREE_NO_USER  ((uid_t)-1)

/* Who may do what with a directory. */
struct tree_access {
	mode_t mode;
	gid_t group; /* TREE_NO_GROUP leaves the group as it is */
	uid_t user;  /* may enter and list it besides, TREE_NO_USER: nobody */
};

/* Open a directory that is there; AT_FDCWD and a path are allowed here. */
int tree_open(int dirfd, const char *name);

/*
 * Open a directory with this access, made when it is not there or is something
 * else.
 */
int tree_make(int dirfd, const char *name, const struct tree_access *access);

/*
 * Give an open directory its access.  A user besides is an entry of the access
 * list (acl(5)); where the file system has none it is left out, and
 * tree_lets_in says so.
 */
int tree_adjust(int fd, const struct tree_access *access);
bool tree_lets_in(int fd, uid_t user);

/* What is in a directory, by name. */
enum { TREE_NAME_SIZE = 256 /* of one component, with its NUL */ };
struct tree_entry {
	char name[TREE_NAME_SIZE];
	bool is_link;
	bool stays; /* the caller's, false at first */
};
struct tree_list {
	struct tree_entry *entries;
	size_t count;
	size_t room;
};

/* Read an open directory; on 0 the caller clears the list. */
int tree_list(int fd, struct tree_list *list);
void tree_list_clear(struct tree_list *list);

/* NULL: it was not there. */
struct tree_entry *tree_find(const struct tree_list *list, const char *name);

/* Is it our own plain file, with no other name, and exactly this content? */
bool tree_file_is(int dirfd, const char *name, const char *text, size_t len);

/*
 * Write a file or a link under a temporary name, then give it its own: who
 * looks sees the old one, or the new one whole.  After a failure the old one
 * is still there.
 */
int tree_write(int dirfd, const char *name, const char *text, size_t len);
int tree_link(int dirfd, const char *name, const char *target);

/* Remove an entry, a directory with all that is in it. */
int tree_remove(int dirfd, const char *name);

/*
 * Remove what was listed and does not stay, links before all else.  Returns how
 * many entries went; *code is 0, or the errno of an entry that could not be
 * removed.  tree_clear lists, and asks what stays.
 */
uint32_t tree_sweep(int fd, const struct tree_list *list, int *code);
typedef bool tree_stays(const char *name, void *arg);
uint32_t tree_clear(int fd, tree_stays *stays, void *arg, int *code);

#endif
