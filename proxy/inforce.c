#include "inforce.h"

#include "policyrow.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FIELD_MAX = 800 };

const char *
inforce_state(const struct gpo *gpo)
{
	if (!gpo->good)
		return "left out";
	if (gpo->stale)
		return gpo->enforced ? "enforced, as it was before"
		                     : "as it was before";
	return gpo->enforced ? "enforced" : "";
}

static void
put(FILE *f, const char *text, char end)
{
	char field[FIELD_MAX];

	(void)fprintf(f, "%s%c",
	              log_printable(field, sizeof(field), wire_view_text(text)),
	              end);
}

static void
put_section(FILE *f, const struct policy *policy)
{
	struct policyrows rows = policyrows_of(policy);

	(void)fprintf(f, "section\t%s\t%u\n", policy->certprop.name,
	              policy->line);
	for (size_t i = 0; i < rows.count; i++) {
		(void)fputs("value\t", f);
		put(f, rows.items[i].key, '\t');
		put(f, rows.items[i].value, '\t');
		put(f, rows.items[i].origin, '\t');
		put(f, rows.items[i].note, '\n');
	}
	policyrows_clear(&rows);
}

static void
put_all(FILE *f, const struct config *config)
{
	const struct policy_list *list = &config->policies;
	const struct gpo_set *set = config->gpos;

	(void)fprintf(f, "generation\t%u\t%lld\n", (unsigned)list->generation,
	              (long long)time(NULL));
	for (size_t i = 0; set != NULL && i < set->count; i++) {
		(void)fputs("object\t", f);
		put(f, set->items[i].name, '\t');
		put(f, set->items[i].path, '\t');
		put(f, inforce_state(&set->items[i]), '\n');
	}
	for (size_t i = 0; i < list->count; i++)
		put_section(f, &list->items[i]);
	if (policy_find(list, list->builtin.certprop.name) == NULL)
		put_section(f, &list->builtin);
}

/* The service user may be a member of the group, or not. */
static FILE *
create(const char *path, gid_t group)
{
	int fd = open(
	    path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (f == NULL && fd >= 0)
		(void)close(fd);
	if (f != NULL && group != (gid_t)-1 &&
	    fchown(fd, (uid_t)-1, group) == 0)
		(void)fchmod(fd, 0640);
	return f;
}

bool
inforce_write(const struct config *config)
{
	char path[4096], fresh[4096];
	FILE *f;
	bool ok;

	(void)snprintf(path, sizeof(path), "%s/policy", config->run_dir);
	(void)snprintf(fresh, sizeof(fresh), "%s/policy.new", config->run_dir);
	f = create(fresh, config->control_group);
	if (f == NULL)
		return false;
	put_all(f, config);
	ok = ferror(f) == 0;
	ok = fclose(f) == 0 && ok;
	return ok && rename(fresh, path) == 0;
}

size_t
inforce_split(char *line, char *fields[INFORCE_FIELDS_MAX])
{
	size_t count = 0;

	line[strcspn(line, "\n")] = '\0';
	while (line != NULL && count < INFORCE_FIELDS_MAX)
		fields[count++] = strsep(&line, "\t");
	return count;
}
