#include "ctlpolicy.h"

#include "config.h"
#include "inforce.h"
#include "policyrow.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void
add_text(struct json_object *to, const char *key, const char *text)
{
	(void)json_object_object_add(
	    to, key, json_object_new_string(text == NULL ? "" : text));
}

static struct json_object *
add_rows(struct json_object *to, const char *key)
{
	struct json_object *rows = json_object_new_array();

	(void)json_object_object_add(to, key, rows);
	return rows;
}

static struct json_object *
add_row(struct json_object *rows)
{
	struct json_object *row = json_object_new_object();

	(void)json_object_array_add(rows, row);
	return row;
}

static void
add_line(struct json_object *row, const struct policy *policy)
{
	(void)json_object_object_add(row, "line",
	                             json_object_new_int64(policy->line));
}

/*
 * Why each section is in force, or is not.
 */

static const char *
judge(const struct policy *policy, const struct policy *chosen,
      enum policy_choice choice, const struct policy_subject *subject,
      bool matched, char *text, size_t size)
{
	const char *misfit = policy_misfit(policy, subject);

	if (policy == chosen && choice == POLICY_NAMED)
		return "in force: the target names it";
	if (policy == chosen && choice == POLICY_DEFAULT)
		return "in force: nothing else matched";
	if (policy == chosen)
		return "in force: it matched";
	if (choice == POLICY_NAMED)
		return "not tried: the target names another";
	if (strcmp(policy->certprop.name, "default") == 0)
		return "not needed: another matched";
	if (!policy_has_match(policy))
		return "not tried: it has no match keys";
	if (matched)
		return "not tried: one before it matched";
	(void)snprintf(text, size, "%s does not fit", misfit);
	return text;
}

static void
add_sections(struct json_object *document, const struct policy_list *list,
             const struct policy *chosen, enum policy_choice choice,
             const struct policy_subject *subject)
{
	struct json_object *rows = add_rows(document, "sections");
	bool matched = false;
	char text[64];

	for (size_t i = 0; i < list->count; i++) {
		const struct policy *policy = &list->items[i];
		struct json_object *row = add_row(rows);

		add_text(row, "section", policy->certprop.name);
		add_line(row, policy);
		add_text(row, "result",
		         judge(policy, chosen, choice, subject, matched, text,
		               sizeof(text)));
		matched =
		    matched || (policy == chosen && choice == POLICY_MATCHED);
	}
}

/*
 * The values.
 */

static void
add_row_of(struct json_object *rows, const struct policyrow *from)
{
	struct json_object *row = add_row(rows);

	add_text(row, "key", from->key);
	add_text(row, "value", from->value);
	add_text(row, "origin", from->origin);
	add_text(row, "note", from->note);
	(void)json_object_object_add(row, "given",
	                             json_object_new_boolean(from->given));
}

static void
add_values(struct json_object *document, const struct policy *policy)
{
	struct json_object *list = add_rows(document, "values");
	struct policyrows rows = policyrows_of(policy);

	for (size_t i = 0; i < rows.count; i++)
		add_row_of(list, &rows.items[i]);
	policyrows_clear(&rows);
}

/* The machine's group policies, in the order in which they apply. */
static void
add_objects(struct json_object *document, const struct gpo_set *set)
{
	struct json_object *objects = add_rows(document, "objects");
	struct json_object *notes = add_rows(document, "notes");

	for (size_t i = 0; set != NULL && i < set->count; i++) {
		struct json_object *row = add_row(objects);

		add_text(row, "name", set->items[i].name);
		add_text(row, "state", inforce_state(&set->items[i]));
		add_text(row, "file", set->items[i].path);
	}
	for (size_t i = 0; set != NULL && i < set->note_count; i++)
		add_text(add_row(notes), "text", set->notes[i]);
}

static struct json_object *
explain(const struct config *config, const struct config_target *target,
        const struct policy_subject *subject)
{
	struct json_object *document = json_object_new_object();
	const struct policy *chosen;
	enum policy_choice choice;
	char when[32] = "";

	if (document == NULL)
		return NULL;
	chosen = policy_select(&config->policies,
	                       target == NULL ? NULL : target->policy, subject,
	                       &choice);
	(void)strftime(when, sizeof(when), "%a %Y-%m-%d %H:%M", &subject->when);
	add_text(document, "time", when);
	add_text(document, "target", subject->target);
	add_sections(document, &config->policies, chosen, choice, subject);
	add_text(document, "policy",
	         chosen->line == 0 ? "" : chosen->certprop.name);
	add_values(document, chosen);
	add_objects(document, config->gpos);
	return document;
}

/*
 * The description.
 */

static struct json_object *
refuse(const char *why)
{
	struct json_object *document = json_object_new_object();

	if (document != NULL)
		add_text(document, "error", why);
	return document;
}

/* mktime makes a day of the week of it, and finds out about summer time. */
static bool
read_time(const char *text, struct tm *when)
{
	time_t now = time(NULL);
	const char *end;

	if (text == NULL)
		return localtime_r(&now, when) != NULL;
	*when = (struct tm){.tm_isdst = -1};
	end = strptime(text, "%Y-%m-%d %H:%M", when);
	return end != NULL && *end == '\0' && mktime(when) != (time_t)-1;
}

static struct json_object *
test(const struct config *config, const struct ctlpolicy_session *session)
{
	const struct config_target *target = NULL;
	struct policy_subject subject = {.user = session->user,
	                                 .groups = session->groups,
	                                 .group_count = session->group_count,
	                                 .client_addr = session->client_addr,
	                                 .client_name = session->client_name};
	struct subnet address;

	if (session->target != NULL)
		target = config_target(config, session->target);
	else if (config->target_count == 1)
		target = &config->targets[0];
	if (target == NULL && session->target != NULL)
		return refuse("there is no such [target]");
	if (session->client_addr != NULL &&
	    (strchr(session->client_addr, '/') != NULL ||
	     subnet_parse(session->client_addr, &address) != NULL))
		return refuse("--client is not an IP address");
	if (!read_time(session->time, &subject.when))
		return refuse("--time is not such as \"2026-11-23 09:00\"");
	if (target != NULL)
		subject.target = target->name;
	return explain(config, target, &subject);
}

struct json_object *
ctlpolicy_test(const struct ctlpolicy_session *session)
{
	struct config_faults faults = {0};
	struct config *config = config_load(session->config, &faults);
	struct json_object *document = NULL;

	for (size_t i = 0; i < faults.count && i < CONFIG_FAULTS_MAX; i++)
		(void)fprintf(stderr, "%s\n", faults.text[i]);
	config_faults_clear(&faults);
	if (config != NULL) {
		gpo_free(config_load_policies(config, NULL));
		document = test(config, session);
	}
	config_free(config);
	return document;
}

/*
 * What the daemon has written down.
 */

struct shown {
	struct json_object *document;
	struct json_object *values; /* of the section that is read */
	const char *section;        /* the only one wanted, or NULL */
	bool found;
};

static void
take_section(struct shown *shown, const char *name, const char *line)
{
	struct json_object *sections = NULL, *row;

	shown->values = NULL;
	if (shown->section != NULL && strcmp(shown->section, name) != 0)
		return;
	shown->found = true;
	(void)json_object_object_get_ex(shown->document, "sections", &sections);
	row = add_row(sections);
	add_text(row, "section", name);
	(void)json_object_object_add(
	    row, "line", json_object_new_int64(strtol(line, NULL, 10)));
	shown->values = add_rows(row, "values");
}

static void
take_line(struct shown *shown, char *line)
{
	char *fields[INFORCE_FIELDS_MAX];
	size_t count = inforce_split(line, fields);
	struct json_object *objects = NULL, *row;

	if (count == 3 && strcmp(fields[0], "generation") == 0) {
		(void)json_object_object_add(
		    shown->document, "generation",
		    json_object_new_int64(strtol(fields[1], NULL, 10)));
		(void)json_object_object_add(
		    shown->document, "since",
		    json_object_new_int64(strtol(fields[2], NULL, 10)));
	} else if (count == 4 && strcmp(fields[0], "object") == 0) {
		(void)json_object_object_get_ex(shown->document, "objects",
		                                &objects);
		row = add_row(objects);
		add_text(row, "name", fields[1]);
		add_text(row, "state", fields[3]);
		add_text(row, "file", fields[2]);
	} else if (count == 3 && strcmp(fields[0], "section") == 0) {
		take_section(shown, fields[1], fields[2]);
	} else if (count == 5 && shown->values != NULL) {
		row = add_row(shown->values);
		add_text(row, "key", fields[1]);
		add_text(row, "value", fields[2]);
		add_text(row, "origin", fields[3]);
		add_text(row, "note", fields[4]);
	}
}

struct json_object *
ctlpolicy_show(const char *path, const char *section)
{
	struct shown shown = {.section = section};
	char line[INFORCE_LINE_MAX];
	FILE *f = fopen(path, "re");

	if (f == NULL)
		return NULL;
	shown.document = json_object_new_object();
	(void)add_rows(shown.document, "objects");
	(void)add_rows(shown.document, "sections");
	while (fgets(line, sizeof(line), f) != NULL)
		take_line(&shown, line);
	(void)fclose(f);
	if (shown.found)
		return shown.document;
	(void)json_object_put(shown.document);
	return refuse("there is no such section in force any more");
}
