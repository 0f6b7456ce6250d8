/*
 * Registry.pol, the file of a group policy object: PReg, [MS-GPREG] 2.2.1.  It
 * is a list of entries, each a registry key, a value's name, its type and its
 * data; some names are instructions to delete instead.
 *
 * Sizes are believed, delimiters are only checked: data may hold any byte.  A
 * file that differs anywhere from its format is worth nothing as a whole.  This
 * module decodes; it does no I/O and knows no particular value.
 */
#ifndef PROPAGATE_REGPOL_H
#define PROPAGATE_REGPOL_H

#include "wire.h"

enum {
	REGPOL_FILE_MAX = 16 * 1024 * 1024, /* bytes */
	REGPOL_DATA_MAX = 65535,            /* bytes of one value */
	REGPOL_NAME_MAX = 259,              /* characters of its name */
	REGPOL_KEY_MAX = 4096               /* characters of a key's path */
};

/* Types of the registry; others are possible and are carried along. */
enum regpol_type {
	REGPOL_SZ = 1,
	REGPOL_EXPAND_SZ = 2,
	REGPOL_BINARY = 3,
	REGPOL_DWORD = 4
};

/* What an entry asks for. */
enum regpol_action {
	REGPOL_SET,         /* name, type and data are the value */
	REGPOL_DELETE,      /* the value of this name */
	REGPOL_DELETE_ALL,  /* all values of the key */
	REGPOL_DELETE_SOME, /* the values that data lists */
	REGPOL_DELETE_KEYS, /* the keys that data lists, with all below them */
	REGPOL_NOTHING,     /* what changes no value */
	REGPOL_UNKNOWN      /* an instruction in a name that is not known */
};

/* All views are borrowed from the file; texts are UTF-16LE without their NUL.
 */
struct regpol_entry {
	enum regpol_action action;
	struct wire_view key;
	struct wire_view name; /* for _SET and _DELETE */
	uint32_t type;
	struct wire_view data;
	size_t offset; /* of the entry in the file */
};

/* A file being read. */
struct regpol {
	struct wire_in in;
	size_t len;
	const char *fault; /* NULL, or what does not fit */
	size_t offset;     /* of the fault */
};

struct regpol regpol_begin(struct wire_view file);

/*
 * The next entry; false at the end of the file, and after a fault.  Only when
 * pol->fault is NULL then do the entries count.
 */
bool regpol_next(struct regpol *pol, struct regpol_entry *entry);

/* Is this text the same as an ASCII one?  The registry knows no case. */
bool regpol_text_is(struct wire_view text, const char *ascii);

/* The number of an entry; false when it is not exactly a DWORD. */
bool regpol_number(const struct regpol_entry *entry, uint32_t *number);

/*
 * Does this entry delete the value name of key, or a key that holds it?  False
 * for what sets a value.
 */
bool regpol_deletes(const struct regpol_entry *entry, const char *key,
                    const char *name);

#endif
