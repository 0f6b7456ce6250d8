#include "ctlenv.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

/* Between single quotes nothing but a quote means anything. */
static void
show_quoted(const char *value)
{
	(void)putchar('\'');
	for (; *value != '\0'; value++) {
		if (*value == '\'')
			(void)fputs("'\\''", stdout);
		else
			(void)putchar(*value);
	}
	(void)putchar('\'');
}

bool
ctlenv_show(struct json_object *document)
{
	struct json_object *sessions = NULL;
	struct json_object *env = NULL;
	size_t count = 0;

	if (json_object_object_get_ex(document, "sessions", &sessions))
		count = json_object_array_length(sessions);
	if (count != 1) {
		(void)fprintf(stderr, "cardproxyctl: %s\n",
		              count == 0 ? "there is no such session"
		                         : "several sessions: name one by its "
		                           "id, or use --json");
		return false;
	}
	if (!json_object_object_get_ex(json_object_array_get_idx(sessions, 0),
	                               "env", &env))
		return false;
	json_object_object_foreach(env, name, value)
	{
		(void)printf("export %s=", name);
		show_quoted(json_object_get_string(value));
		(void)putchar('\n');
	}
	return true;
}
