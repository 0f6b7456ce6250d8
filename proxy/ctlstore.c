#include "ctlstore.h"

#include "check.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool
fail(const char *what, const char *why)
{
	(void)fprintf(stderr, "cardproxyctl: %s: %s\n", what, why);
	return false;
}

static int64_t
announced(struct json_object *document)
{
	struct json_object *backup = NULL;
	struct json_object *bytes = NULL;

	if (!json_object_object_get_ex(document, "backup", &backup) ||
	    !json_object_object_get_ex(backup, "bytes", &bytes))
		return 0;
	return json_object_get_int64(bytes);
}

/* NULL, or what went wrong. */
static const char *
copy_bytes(FILE *from, int to, int64_t len)
{
	char buffer[64 * 1024];

	while (len > 0) {
		size_t want = len < (int64_t)sizeof(buffer) ? (size_t)len
		                                            : sizeof(buffer);
		size_t got = fread(buffer, 1, want, from);

		if (got == 0)
			return "the daemon broke off";
		for (size_t put = 0; put < got;) {
			ssize_t n = write(to, buffer + put, got - put);

			if (n <= 0)
				return strerror(errno);
			put += (size_t)n;
		}
		len -= (int64_t)got;
	}
	return fsync(to) == 0 ? NULL : strerror(errno);
}

static bool
receive(struct json_object *document, FILE *daemon, int fd, const char *path)
{
	int64_t len = announced(document);
	const char *fault =
	    len > 0 ? copy_bytes(daemon, fd, len) : "the daemon sent nothing";

	return fault == NULL || fail(path, fault);
}

bool
ctlstore_receive(struct json_object *document, FILE *daemon, const char *path)
{
	char part[PATH_MAX];
	int fd = -1;
	bool ok;

	if (snprintf(part, sizeof(part), "%s.XXXXXX", path) < (int)sizeof(part))
		fd = mkostemp(part, O_CLOEXEC);
	if (fd < 0)
		return fail(path, strerror(errno));
	ok = receive(document, daemon, fd, path);
	/* A link, not a rename: what has the name already stays. */
	if (ok && link(part, path) != 0)
		ok = fail(path, strerror(errno));
	(void)unlink(part);
	(void)close(fd);
	if (ok)
		(void)printf("%s: %lld bytes\n", path,
		             (long long)announced(document));
	return ok;
}

bool
ctlstore_check_running(struct json_object *document, FILE *daemon, bool as_json)
{
	const char *dir = getenv("TMPDIR");
	char path[PATH_MAX];
	int fd = -1;
	bool ok;

	if (snprintf(path, sizeof(path), "%s/cardproxyctl.XXXXXX",
	             dir != NULL ? dir : "/var/tmp") < (int)sizeof(path))
		fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return fail("a copy of the store", strerror(errno));
	ok = receive(document, daemon, fd, path) &&
	     ctlstore_check(path, as_json);
	(void)unlink(path);
	(void)close(fd);
	return ok;
}

static void
on_fault(void *arg, const char *what, const char *detail)
{
	struct json_object *faults = arg;
	char text[512];

	(void)log_printable(text, sizeof(text), wire_view_text(detail));
	if (faults == NULL) {
		(void)printf("fault: %s: %s\n", what, text);
		return;
	}
	struct json_object *row = json_object_new_object();

	(void)json_object_object_add(row, "what", json_object_new_string(what));
	(void)json_object_object_add(row, "detail",
	                             json_object_new_string(text));
	(void)json_object_array_add(faults, row);
}

static void
print_json(const struct check_summary *sum, struct json_object *faults)
{
	struct json_object *document = json_object_new_object();
	const struct {
		const char *key;
		int64_t value;
	} figures[] = {
	    {"certs", sum->certs},     {"entries", sum->entries},
	    {"claims", sum->claims},   {"pins", sum->pins},
	    {"orphans", sum->orphans}, {"faults", (int64_t)sum->faults},
	};

	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
		(void)json_object_object_add(
		    document, figures[i].key,
		    json_object_new_int64(figures[i].value));
	(void)json_object_object_add(document, "found", faults);
	(void)printf("%s\n", json_object_to_json_string_ext(
				 document, JSON_C_TO_STRING_PLAIN));
	(void)json_object_put(document);
}

bool
ctlstore_check(const char *path, bool as_json)
{
	struct json_object *faults = as_json ? json_object_new_array() : NULL;
	char reason[CHECK_REASON_SIZE];
	struct check_summary sum;

	if (!check_file(path, &sum, on_fault, faults, reason)) {
		(void)json_object_put(faults);
		return fail(path, reason);
	}
	if (as_json)
		print_json(&sum, faults);
	else
		(void)printf("%lld certificates, %lld entries, %lld claims, "
		             "%lld pins, %lld without any: %zu faults\n",
		             (long long)sum.certs, (long long)sum.entries,
		             (long long)sum.claims, (long long)sum.pins,
		             (long long)sum.orphans, sum.faults);
	return sum.faults == 0;
}

bool
ctlstore_stats(struct json_object *document)
{
	struct json_object *stats = NULL;

	if (!json_object_object_get_ex(document, "stats", &stats))
		return false;
	json_object_object_foreach(stats, key, value)(void) printf(
	    "%-10s %lld\n", key, (long long)json_object_get_int64(value));
	return true;
}
