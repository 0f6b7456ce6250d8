#include "gpo.h"

#include "value.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum {
	DEPTH_MAX = 2, /* gpo_cache/REALM/POLICIES */
	ORDER_MAX = 128 * 1024,
	ORDER_LINE_MAX = 300
};

static const char order_name[] = "gpo.order";

/*
 * Lists that grow.  What finds no memory is left out, with a note if there is
 * any left for that.
 */

/* Takes text. */
static bool
add_text(char ***list, size_t *count, char *text)
{
	char **grown = text == NULL
	                   ? NULL
	                   : reallocarray(*list, *count + 1, sizeof(**list));

	if (grown == NULL) {
		free(text);
		return false;
	}
	*list = grown;
	grown[(*count)++] = text;
	return true;
}

static void note(struct gpo_set *set, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
note(struct gpo_set *set, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	(void)add_text(&set->notes, &set->note_count, text);
}

/* Takes path. */
static void
add_gpo(struct gpo_set *set, const char *name, char *path)
{
	struct gpo *grown = NULL;
	char *copy = strdup(name);

	if (set->count == GPO_MAX)
		note(set, "%s: above 1024 policies, it is left out", path);
	else if (copy != NULL && path != NULL)
		grown =
		    reallocarray(set->items, set->count + 1, sizeof(*grown));
	if (grown == NULL) {
		free(copy);
		free(path);
		return;
	}
	set->items = grown;
	grown[set->count++] = (struct gpo){.name = copy, .path = path};
}

static void
forget_items(struct gpo_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		free(set->items[i].name);
		free(set->items[i].path);
	}
	set->count = 0;
}

void
gpo_free(struct gpo_set *set)
{
	if (set == NULL)
		return;
	forget_items(set);
	for (size_t i = 0; i < set->note_count; i++)
		free(set->notes[i]);
	for (size_t i = 0; i < set->dir_count; i++)
		free(set->dirs[i]);
	free(set->items);
	free(set->inputs);
	free(set->notes);
	free(set->dirs);
	free(set->order);
	free(set);
}

/*
 * Finding the files.
 */

/* What is known when a directory is looked at. */
struct look {
	struct gpo_set *set;
	const struct gpo_set *before; /* or NULL */
};

static char *
join(const char *directory, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

/* What is gone is gone; all else may be there and hidden from us. */
static bool
is_absence(int code)
{
	return code == ENOENT || code == ENOTDIR;
}

/*
 * What cannot be looked at says nothing: the objects that were at or below this
 * path are taken as they were.
 */
static void
carry_over(const struct look *look, const char *path)
{
	const struct gpo_set *before = look->before;
	size_t len = strlen(path);

	for (size_t i = 0; before != NULL && i < before->count; i++) {
		const struct gpo *last = &before->items[i];

		if (strncmp(last->path, path, len) == 0 &&
		    (last->path[len] == '/' || last->path[len] == '\0'))
			add_gpo(look->set, last->name, strdup(last->path));
	}
}

/* Opened, and to be watched. */
static DIR *
open_directory(const struct look *look, const char *path)
{
	struct gpo_set *set = look->set;
	DIR *dir = opendir(path);
	int code = errno;

	if (dir != NULL && set->dir_count < GPO_DIRS_MAX)
		(void)add_text(&set->dirs, &set->dir_count, strdup(path));
	else if (dir == NULL)
		note(set, "%s: %s", path, strerror(code));
	if (dir == NULL && !is_absence(code))
		carry_over(look, path);
	return dir;
}

/* The entry of this name, in upper or lower case; NULL: none. */
static char *
find_entry(const struct look *look, const char *directory, const char *name)
{
	DIR *dir = open_directory(look, directory);
	struct dirent *entry;
	char *path = NULL;

	if (dir == NULL)
		return NULL;
	while (path == NULL && (entry = readdir(dir)) != NULL)
		if (strcasecmp(entry->d_name, name) == 0)
			path = join(directory, entry->d_name);
	(void)closedir(dir);
	return path;
}

static void
take_object(const struct look *look, const char *name, const char *directory)
{
	char *machine = find_entry(look, directory, "machine");
	char *file =
	    machine == NULL ? NULL : find_entry(look, machine, "registry.pol");

	if (file != NULL)
		add_gpo(look->set, name, file);
	free(machine);
}

static bool
ends_in_pol(const char *name)
{
	size_t len = strlen(name);

	return len > 4 && strcasecmp(name + len - 4, ".pol") == 0;
}

static bool
is_directory(const struct look *look, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0)
		return S_ISDIR(st.st_mode);
	if (!is_absence(errno)) {
		note(look->set, "%s: %s", path, strerror(errno));
		carry_over(look, path);
	}
	return false;
}

static bool scan(const struct look *look, const char *directory,
                 unsigned depth);

/* Takes path, of an entry with this name. */
static void
take_entry(const struct look *look, const char *name, char *path,
           unsigned depth)
{
	if (depth == 0 && ends_in_pol(name)) {
		add_gpo(look->set, name, path);
		return;
	}
	if (is_directory(look, path)) {
		if (name[0] == '{')
			take_object(look, name, path);
		else if (depth < DEPTH_MAX)
			(void)scan(look, path, depth + 1);
	}
	free(path);
}

/* False: the directory itself is not to be had. */
static bool
scan(const struct look *look, const char *directory, unsigned depth)
{
	DIR *dir = open_directory(look, directory);
	struct dirent *entry;

	if (dir == NULL)
		return false;
	while ((entry = readdir(dir)) != NULL) {
		char *path = entry->d_name[0] == '.'
		                 ? NULL
		                 : join(directory, entry->d_name);

		if (path != NULL)
			take_entry(look, entry->d_name, path, depth);
	}
	(void)closedir(dir);
	return true;
}

/*
 * Reading them.
 */

static const struct gpo *
find_by_path(const struct gpo_set *set, const char *path)
{
	for (size_t i = 0; set != NULL && i < set->count; i++)
		if (strcmp(set->items[i].path, path) == 0)
			return &set->items[i];
	return NULL;
}

static void
keep_last(struct gpo *gpo, const struct gpo_set *before)
{
	const struct gpo *last = find_by_path(before, gpo->path);

	if (last == NULL || !last->good)
		return;
	gpo->changes = last->changes;
	gpo->good = true;
	gpo->stale = true;
}

static void
note_malformed(struct gpo_set *set, const struct gpo *gpo)
{
	if (gpo->changes.passed_over > 0)
		note(set,
		     "%s: byte %zu: an instruction that is not known is "
		     "passed over",
		     gpo->path, gpo->changes.passed_over);
	for (unsigned i = 0; i < SETTINGS; i++)
		if (gpo->changes.of[i].state == SETTING_MALFORMED)
			note(set,
			     "%s: byte %zu: %s has another type, size or "
			     "range: it counts as not configured",
			     gpo->path, gpo->changes.of[i].offset,
			     setting_name((enum setting)i));
}

/* False: it went away meanwhile. */
static bool
read_gpo(struct gpo_set *set, struct gpo *gpo, const struct gpo_set *before)
{
	size_t len, offset = 0;
	char *data = value_read_file(gpo->path, REGPOL_FILE_MAX, &len);
	const char *fault;

	if (data == NULL && errno == ENOENT)
		return false;
	if (data == NULL) {
		note(set, "%s: %s", gpo->path, strerror(errno));
		keep_last(gpo, before);
		return true;
	}
	fault = setting_read((struct wire_view){(uint8_t *)data, len},
	                     &gpo->changes, &offset);
	free(data);
	gpo->good = fault == NULL;
	if (fault != NULL) {
		keep_last(gpo, before);
		note(set, "%s: byte %zu: %s: %s", gpo->path, offset, fault,
		     gpo->good ? "the last good version stays"
		               : "it is left out");
	} else {
		note_malformed(set, gpo);
	}
	return true;
}

static void
read_all(struct gpo_set *set, const struct gpo_set *before)
{
	size_t kept = 0;

	for (size_t i = 0; i < set->count; i++) {
		struct gpo *gpo = &set->items[i];

		if (read_gpo(set, gpo, before)) {
			set->items[kept++] = *gpo;
			continue;
		}
		free(gpo->name);
		free(gpo->path);
	}
	set->count = kept;
}

/* The directory is not to be had: all that was there stays. */
static void
copy_all(struct gpo_set *set, const struct gpo_set *before)
{
	for (size_t i = 0; before != NULL && i < before->count; i++) {
		const struct gpo *last = &before->items[i];
		size_t count = set->count;

		add_gpo(set, last->name, strdup(last->path));
		if (set->count > count)
			keep_last(&set->items[count], before);
	}
}

/*
 * Their order.
 */

static int
by_name(const void *a, const void *b)
{
	const struct gpo *x = a, *y = b;
	int order = strcasecmp(x->name, y->name);

	return order != 0 ? order : strcmp(x->path, y->path);
}

/* A line, without comment and blanks: its name and whether it is enforced. */
static bool
read_order_line(const char **text, char name[ORDER_LINE_MAX], bool *enforced,
                bool *bad)
{
	size_t len = strcspn(*text, "\r\n");
	char word[16] = "", more = '\0';
	char line[ORDER_LINE_MAX];

	*bad = len >= sizeof(line);
	(void)snprintf(line, sizeof(line), "%.*s", (int)len, *text);
	*text += len;
	*text += strspn(*text, "\r");
	*text += **text == '\n';
	name[0] = '\0';
	if (line[0] == '#')
		return false;
	if (sscanf(line, "%299s %15s %c", name, word, &more) > 2)
		*bad = true;
	*enforced = strcmp(word, "enforced") == 0;
	if (word[0] != '\0' && !*enforced)
		*bad = true;
	return name[0] != '\0' || *bad;
}

/* Where the first bad line is; 0: none is. */
static unsigned
check_order(const char *text)
{
	char name[ORDER_LINE_MAX];
	bool enforced, bad;

	for (unsigned line = 1; *text != '\0'; line++)
		if (read_order_line(&text, name, &enforced, &bad) && bad)
			return line;
	return 0;
}

static void
keep_last_order(struct gpo_set *set, const struct gpo_set *before,
                const char *path, const char *why)
{
	note(set, "%s: %s: the last good order stays", path, why);
	if (before != NULL && before->order != NULL)
		set->order = strdup(before->order);
}

static void
read_order(struct gpo_set *set, const char *directory,
           const struct gpo_set *before)
{
	char *path = join(directory, order_name);
	char *text = NULL;
	char why[64];
	size_t len;
	unsigned line;

	if (path != NULL)
		text = value_read_file(path, ORDER_MAX, &len);
	if (text == NULL && path != NULL && errno != ENOENT)
		keep_last_order(set, before, path, strerror(errno));
	line = text == NULL ? 0 : check_order(text);
	if (line > 0) {
		(void)snprintf(why, sizeof(why),
		               "line %u: want a name, and \"enforced\" or "
		               "nothing",
		               line);
		keep_last_order(set, before, path, why);
		free(text);
	} else if (text != NULL) {
		set->order = text;
	}
	free(path);
}

/* Moves the object of this name to the end of what is ordered already. */
static bool
pull(struct gpo_set *set, size_t *ordered, const char *name, bool enforced)
{
	for (size_t i = *ordered; i < set->count; i++) {
		struct gpo found = set->items[i];

		if (strcasecmp(found.name, name) != 0)
			continue;
		memmove(&set->items[*ordered + 1], &set->items[*ordered],
		        (i - *ordered) * sizeof(found));
		found.enforced = enforced;
		set->items[(*ordered)++] = found;
		return true;
	}
	return false;
}

/* Those that are enforced, or those that are not, in the order of the file. */
static void
pull_all(struct gpo_set *set, size_t *ordered, bool wanted)
{
	const char *text = set->order;
	char name[ORDER_LINE_MAX];
	bool enforced, bad;

	while (*text != '\0')
		if (read_order_line(&text, name, &enforced, &bad) &&
		    enforced == wanted && !pull(set, ordered, name, enforced))
			note(set, "%s: the order names it and it is not there",
			     name);
}

static void
apply_order(struct gpo_set *set)
{
	size_t ordered = 0;

	if (set->count > 0)
		qsort(set->items, set->count, sizeof(*set->items), by_name);
	if (set->order == NULL)
		return;
	pull_all(set, &ordered, false);
	pull_all(set, &ordered, true);
	for (size_t i = ordered; i < set->count; i++) {
		note(set, "%s: the order does not name it: it is left out",
		     set->items[i].path);
		set->items[i].good = false;
	}
}

static bool
make_inputs(struct gpo_set *set)
{
	set->inputs = calloc(set->count + 1, sizeof(*set->inputs));
	for (size_t i = 0; set->inputs != NULL && i < set->count; i++) {
		const struct gpo *gpo = &set->items[i];

		if (gpo->good)
			set->inputs[set->input_count++] = (struct resolver_gpo){
			    gpo->name, gpo->enforced, &gpo->changes};
	}
	return set->inputs != NULL;
}

struct gpo_set *
gpo_load(const char *directory, const struct gpo_set *before)
{
	struct gpo_set *set = calloc(1, sizeof(*set));
	const struct look look = {set, before};

	if (set == NULL)
		return NULL;
	if (scan(&look, directory, 0)) {
		read_all(set, before);
		read_order(set, directory, before);
	} else {
		forget_items(set);
		copy_all(set, before);
		if (before != NULL && before->order != NULL)
			set->order = strdup(before->order);
	}
	apply_order(set);
	if (make_inputs(set))
		return set;
	gpo_free(set);
	return NULL;
}

bool
gpo_unordered(const struct gpo_set *set)
{
	size_t objects = 0;

	for (size_t i = 0; set != NULL && i < set->count; i++)
		objects += set->items[i].name[0] == '{';
	return objects > 1 && set->order == NULL;
}

static bool
same_changes(const struct setting_changes *a, const struct setting_changes *b)
{
	for (size_t i = 0; i < SETTINGS; i++)
		if (a->of[i].state != b->of[i].state ||
		    a->of[i].number != b->of[i].number)
			return false;
	return true;
}

bool
gpo_same(const struct gpo_set *a, const struct gpo_set *b)
{
	size_t count = a == NULL ? 0 : a->count;

	if (count != (b == NULL ? 0 : b->count))
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct gpo *x = &a->items[i], *y = &b->items[i];

		if (strcmp(x->path, y->path) != 0 ||
		    x->enforced != y->enforced || x->good != y->good ||
		    x->stale != y->stale ||
		    !same_changes(&x->changes, &y->changes))
			return false;
	}
	return true;
}
