#include "regpol.h"

#include <string.h>

enum {
	SIGNATURE = 0x67655250, /* "PReg" */
	VERSION = 1,
	UNIT = 2 /* bytes of a character */
};

/*
 * Reading.
 */

static size_t
position(const struct regpol *pol)
{
	return pol->len - pol->in.left;
}

/* The first fault stays; at is where the thing began that does not fit. */
static void
fail(struct regpol *pol, size_t at, const char *what)
{
	if (pol->fault != NULL)
		return;
	pol->fault = what;
	pol->offset = at;
	wire_fail(&pol->in, WIRE_VALUE);
}

static void
expect(struct regpol *pol, uint16_t delimiter, const char *what)
{
	size_t at = position(pol);

	if (wire_u16(&pol->in) != delimiter)
		fail(pol, at, what);
}

/* Up to its NUL, which is not part of it. */
static struct wire_view
take_text(struct regpol *pol, size_t max, const char *what)
{
	size_t at = position(pol);
	struct wire_in ahead = pol->in;
	size_t units = 0;
	struct wire_view text;

	while (units <= max && wire_u16(&ahead) != 0)
		units++;
	if (units > max || !wire_ok(&ahead))
		fail(pol, at, what);
	text = wire_bytes(&pol->in, units * UNIT);
	wire_skip(&pol->in, UNIT);
	return text;
}

static struct wire_view
take_data(struct regpol *pol, size_t size)
{
	size_t at = position(pol);
	struct wire_view data = wire_bytes(&pol->in, size);

	if (!wire_ok(&pol->in))
		fail(pol, at, "the data ends early");
	return data;
}

static uint32_t
take_size(struct regpol *pol)
{
	size_t at = position(pol);
	uint32_t size = wire_count(&pol->in, REGPOL_DATA_MAX);

	if (!wire_ok(&pol->in))
		fail(pol, at, "want a size of at most 65535 bytes");
	return size;
}

struct regpol
regpol_begin(struct wire_view file)
{
	struct regpol pol = {.in = wire_in_view(file), .len = file.len};

	if (file.len > REGPOL_FILE_MAX)
		fail(&pol, REGPOL_FILE_MAX, "the file is above 16 MiB");
	if (wire_u32(&pol.in) != SIGNATURE)
		fail(&pol, 0, "want the signature PReg");
	if (wire_u32(&pol.in) != VERSION)
		fail(&pol, 4, "want version 1");
	return pol;
}

/*
 * Texts.
 */

static unsigned
lower(unsigned c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

/* text begins with ascii; what is behind it goes to *rest. */
static bool
begins(struct wire_view text, const char *ascii, struct wire_view *rest)
{
	struct wire_in in = wire_in_view(text);

	for (; *ascii != '\0'; ascii++)
		if (lower(wire_u16(&in)) != lower((unsigned char)*ascii))
			return false;
	if (!wire_ok(&in))
		return false;
	*rest = wire_rest(&in);
	return true;
}

bool
regpol_text_is(struct wire_view text, const char *ascii)
{
	struct wire_view rest;

	return begins(text, ascii, &rest) && rest.len == 0;
}

bool
regpol_number(const struct regpol_entry *entry, uint32_t *number)
{
	struct wire_in in = wire_in_view(entry->data);
	uint32_t found = wire_u32(&in);

	if (entry->type != REGPOL_DWORD || !wire_done(&in))
		return false;
	*number = found;
	return true;
}

/*
 * Instructions, which stand where a name does.
 */

static enum regpol_action
read_action(struct wire_view *name)
{
	struct wire_view rest;

	if (!begins(*name, "**", &rest))
		return name->len == 0 ? REGPOL_NOTHING : REGPOL_SET;
	if (regpol_text_is(rest, "DelVals") || regpol_text_is(rest, "DelVals."))
		return REGPOL_DELETE_ALL;
	if (regpol_text_is(rest, "DeleteValues"))
		return REGPOL_DELETE_SOME;
	if (regpol_text_is(rest, "DeleteKeys"))
		return REGPOL_DELETE_KEYS;
	if (begins(rest, "SecureKey", &rest))
		return REGPOL_NOTHING; /* who may change the key */
	if (!begins(rest, "Del.", &rest))
		return REGPOL_UNKNOWN;
	*name = rest;
	return REGPOL_DELETE;
}

/*
 * A name may be empty: an entry without value and data makes a key, as those
 * do that distribute certificates.
 */
bool
regpol_next(struct regpol *pol, struct regpol_entry *entry)
{
	if (pol->fault != NULL || pol->in.left == 0)
		return false;
	entry->offset = position(pol);
	expect(pol, '[', "want '['");
	entry->key = take_text(pol, REGPOL_KEY_MAX, "the key does not end");
	expect(pol, ';', "want ';' after the key");
	entry->name = take_text(pol, REGPOL_NAME_MAX, "the name does not end");
	expect(pol, ';', "want ';' after the name");
	entry->type = wire_u32(&pol->in);
	expect(pol, ';', "want ';' after the type");
	uint32_t size = take_size(pol);

	expect(pol, ';', "want ';' after the size");
	entry->data = take_data(pol, size);
	expect(pol, ']', "want ']'");
	if (pol->fault != NULL)
		return false;
	entry->action = read_action(&entry->name);
	return true;
}

/* The next word of a list with ';' in between, which may end in a NUL. */
static bool
next_word(struct wire_in *list, struct wire_view *word)
{
	struct wire_in ahead = *list;
	size_t units = 0;
	uint16_t unit;

	if (list->left < UNIT)
		return false;
	while ((unit = wire_u16(&ahead)) != 0 && unit != ';')
		units++;
	*word = wire_bytes(list, units * UNIT);
	wire_skip(list, unit == ';' ? UNIT : list->left);
	return true;
}

static bool
lists_name(struct wire_view data, const char *name)
{
	struct wire_in list = wire_in_view(data);
	struct wire_view word;

	while (next_word(&list, &word))
		if (regpol_text_is(word, name))
			return true;
	return false;
}

/*
 * How much of the key's path this text is: its bytes, up to the end of the path
 * or a '\'; 0: something else.
 */
static size_t
path_part(struct wire_view text, const char *path)
{
	struct wire_in in = wire_in_view(text);
	size_t len = 0;

	for (; in.left >= UNIT; len++)
		if (path[len] == '\0' ||
		    lower(wire_u16(&in)) != lower((unsigned char)path[len]))
			return 0;
	return path[len] == '\0' || path[len] == '\\' ? len : 0;
}

/* A key that is listed may be a whole path, or one below the entry's own. */
static bool
lists_key(const struct regpol_entry *entry, const char *key)
{
	struct wire_in list = wire_in_view(entry->data);
	size_t base = path_part(entry->key, key);
	struct wire_view word;

	while (next_word(&list, &word)) {
		if (path_part(word, key) > 0)
			return true;
		if (base > 0 && key[base] == '\\' &&
		    path_part(word, key + base + 1) > 0)
			return true;
	}
	return false;
}

bool
regpol_deletes(const struct regpol_entry *entry, const char *key,
               const char *name)
{
	switch (entry->action) {
	case REGPOL_DELETE:
		return regpol_text_is(entry->key, key) &&
		       regpol_text_is(entry->name, name);
	case REGPOL_DELETE_ALL:
		return regpol_text_is(entry->key, key);
	case REGPOL_DELETE_SOME:
		return regpol_text_is(entry->key, key) &&
		       lists_name(entry->data, name);
	case REGPOL_DELETE_KEYS:
		return lists_key(entry, key);
	case REGPOL_SET:
	case REGPOL_NOTHING:
	case REGPOL_UNKNOWN:
		return false;
	}
	return false;
}
