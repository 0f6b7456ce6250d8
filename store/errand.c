#include "errand.h"

#include "document.h"
#include "engine_admin.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <time.h>

static void on_slice(evutil_socket_t fd, short what, void *arg);

struct errand {
	const struct report_source *source;
	enum request_verb verb;
	errand_on_done *on_done;
	void *arg;
	struct event *next;
	struct engine_census census; /* REQUEST_STATS */
	struct engine_copy *copy;    /* REQUEST_STORE_BACKUP, once begun */
	char reason[ENGINE_REASON_SIZE];
};

/* At once, but behind what is ready. */
static const struct timeval at_once = {0, 0};

bool
errand_serves(enum request_verb verb)
{
	return verb == REQUEST_STATS || verb == REQUEST_STORE_BACKUP;
}

struct errand *
errand_new(struct event_base *base, const struct report_source *source,
           enum request_verb verb, errand_on_done *on_done, void *arg)
{
	struct errand *errand = calloc(1, sizeof(*errand));

	if (errand == NULL)
		return NULL;
	errand->source = source;
	errand->verb = verb;
	errand->on_done = on_done;
	errand->arg = arg;
	engine_census_init(&errand->census);
	errand->next = event_new(base, -1, 0, on_slice, errand);
	if (errand->next != NULL && event_add(errand->next, &at_once) == 0)
		return errand;
	errand_free(errand);
	return NULL;
}

void
errand_free(struct errand *errand)
{
	if (errand == NULL)
		return;
	if (errand->next != NULL)
		event_free(errand->next);
	engine_copy_free(errand->copy);
	free(errand);
}

static int64_t
now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static enum engine_slice
step(struct errand *errand)
{
	struct engine *engine = errand->source->engine;

	if (errand->verb == REQUEST_STATS)
		return engine_census_step(engine, &errand->census);
	if (errand->copy == NULL)
		errand->copy = engine_copy_new(engine, errand->reason);
	return errand->copy != NULL
	           ? engine_copy_step(errand->copy, ERRAND_PAGES)
	           : ENGINE_BAD;
}

static void
add_stats(struct json_object *to, const struct errand *errand)
{
	const struct engine_census *census = &errand->census;
	const struct report_source *source = errand->source;
	struct json_object *row = document_add_object(to, "stats");

	document_add_number(row, "certs", census->stats.certs);
	document_add_number(row, "entries", census->stats.entries);
	document_add_number(row, "claims", census->stats.claims);
	document_add_number(row, "pins", census->stats.pins);
	document_add_number(row, "sessions", census->stats.live_sessions);
	document_add_number(row, "audit", census->stats.audit);
	document_add_number(row, "bytes", census->file_bytes);
	document_add_number(row, "free_bytes", census->free_bytes);
	document_add_number(row, "wal_bytes", census->wal_bytes);
	document_add_number(row, "epoch", engine_epoch(source->engine));
	document_add_number(row, "written", engine_written(source->engine));
	if (source->add_figures != NULL)
		source->add_figures(source->arg, row);
}

static struct json_object *
answer_fault(const struct errand *errand)
{
	if (errand->verb == REQUEST_STATS)
		return report_error(engine_reason(errand->source->engine));
	return report_error(errand->copy != NULL
	                        ? engine_copy_reason(errand->copy)
	                        : errand->reason);
}

static void
finish(struct errand *errand, enum engine_slice slice)
{
	struct json_object *answer = NULL;
	int64_t len = 0;
	int fd = -1;

	if (slice == ENGINE_BAD) {
		errand->on_done(errand->arg, answer_fault(errand), -1, 0);
		return;
	}
	answer = json_object_new_object();
	if (answer != NULL && errand->verb == REQUEST_STATS)
		add_stats(answer, errand);
	if (answer != NULL && errand->verb == REQUEST_STORE_BACKUP) {
		struct json_object *row = document_add_object(answer, "backup");

		fd = engine_copy_take(errand->copy, &len);
		document_add_number(row, "bytes", fd >= 0 ? len : 0);
	}
	errand->on_done(errand->arg, answer, fd, len);
}

static void
on_slice(evutil_socket_t fd, short what, void *arg)
{
	struct errand *errand = arg;
	int64_t until = now_us() + ERRAND_SLICE_US;
	enum engine_slice slice = ENGINE_MORE;

	(void)fd;
	(void)what;
	while (slice == ENGINE_MORE && now_us() < until)
		slice = step(errand);
	if (slice == ENGINE_MORE)
		(void)event_add(errand->next, &at_once);
	else
		finish(errand, slice);
}
