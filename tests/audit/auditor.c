/*
 * usage: auditor [--stopped] DATABASE RUN_DIR
 *
 * AUDITOR_CONFIG in the environment is on the daemon's command line: its
 * processes are known by that.  AUDITOR_ONCE: it looks once.
 *
 * Prints one JSON object; its exit status is 0 when every invariant holds.
 * While a daemon runs store and views change at their own pace: what does not
 * agree is looked at again, for a second, which is what the daemon is given.
 */
#include "auditor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TRIES = 11, PAUSE_US = 100 * 1000 };

void
auditor_violation(struct auditor *a, const char *invariant, const char *format,
                  ...)
{
	char what[AUDITOR_REASON - 8];
	va_list list;

	va_start(list, format);
	(void)vsnprintf(what, sizeof(what), format, list);
	va_end(list);
	if (a->violations++ == 0)
		(void)snprintf(a->first, sizeof(a->first), "%s: %s", invariant,
		               what);
}

static void
audit(struct auditor *a)
{
	if (!audit_store_open(a)) {
		/* A daemon that never had a store has nothing to answer for. */
		if (access(a->database, F_OK) == 0)
			auditor_violation(a, "I3", "the store is not readable");
		return;
	}
	audit_store(a);
	audit_views(a);
	audit_links(a);
	audit_processes(a);
	audit_store_close(a);
}

/* Names of files and users only: nothing that JSON would have to escape. */
static void
print_text(const char *text)
{
	for (; *text != '\0'; text++)
		(void)putchar(
		    *text == '"' || *text == '\\' || *text < ' ' ? '?' : *text);
}

static void
print_process(const char *name, const struct auditor_process *process)
{
	(void)printf("\"%s\":{\"descriptors\":%u,\"private_kib\":%lu},", name,
	             process->descriptors, process->private_kib);
}

static void
print(const struct auditor *a)
{
	(void)printf("{\"auditor\":\"%s\",\"stopped\":%s,\"certs\":%u,"
	             "\"entries\":%u,\"claims\":%u,\"sessions\":%u,"
	             "\"connected\":%u,\"views\":%u,\"links\":%u,"
	             "\"processes\":%u,",
	             a->violations == 0 ? "ok" : "failed",
	             a->stopped ? "true" : "false", a->certs, a->entries,
	             a->claims, a->sessions, a->connected, a->views, a->links,
	             a->processes);
	print_process("gate", &a->gate);
	print_process("keeper", &a->keeper);
	(void)printf("\"violations\":%u,\"first\":\"", a->violations);
	print_text(a->first);
	(void)printf("\"}\n");
}

int
main(int argc, char **argv)
{
	bool stopped = argc > 1 && strcmp(argv[1], "--stopped") == 0;
	unsigned tries = getenv("AUDITOR_ONCE") != NULL ? 1 : TRIES;
	struct auditor a = {0};

	if (argc != (stopped ? 4 : 3)) {
		(void)fprintf(stderr, "usage: auditor [--stopped] DATABASE "
		                      "RUN_DIR\n");
		return 2;
	}
	for (unsigned i = 0; i < tries; i++) {
		a = (struct auditor){.database = argv[argc - 2],
		                     .run_dir = argv[argc - 1],
		                     .config = getenv("AUDITOR_CONFIG"),
		                     .stopped = stopped};
		audit(&a);
		if (a.violations == 0)
			break;
		(void)usleep(PAUSE_US);
	}
	print(&a);
	return a.violations == 0 ? 0 : 1;
}
