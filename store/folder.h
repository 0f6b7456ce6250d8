/*
 * One directory that is made equal to what is wanted: files by name and
 * content, OpenSSL's links to them, and nothing else.  Open it, put what is
 * wanted, close it: new things come first, then goes what was not put.  What is
 * right already is not touched, and what stays is never missing for a moment.
 */
#ifndef STORE_FOLDER_H
#define STORE_FOLDER_H

#include "tree.h"
#include "wire.h"

enum { FOLDER_NAME_SIZE = 80 /* of a file, with its NUL */ };

struct folder {
	int dirfd; /* -1: it could not be made */
	int code;  /* the first errno, 0: none */
	uint32_t added;
	uint32_t repaired; /* was there, with another content */
	uint32_t removed;
	/* Its own: */
	struct tree_list before; /* what was there; noted is what stays */
	struct link *links;
	size_t link_count;
	size_t link_room;
};

/*
 * Open name in dirfd, made when it is not there, and see what is in it: until
 * folder_close nobody else changes it, or it is seen the next time.  A fault is
 * in code, and the other functions then do nothing.
 */
void folder_open(struct folder *f, int dirfd, const char *name,
                 const struct tree_access *access);

/*
 * This file with this content, once for each name; false when it could not be
 * written (an old one of that name goes with folder_close).
 */
bool folder_put(struct folder *f, const char *name, struct wire_view text);

/* What is there under this name is somebody else's work, and stays. */
void folder_keep(struct folder *f, const char *name);

/*
 * A link <hash>.N to a file that was put; the same twice is one.  The numbers
 * of one hash begin with 0 and have no hole, as OpenSSL walks along them.
 */
void folder_link(struct folder *f, uint32_t hash, const char *file);

/* The links, then the rest goes.  Counts and code stay to be read. */
void folder_close(struct folder *f);

#endif
