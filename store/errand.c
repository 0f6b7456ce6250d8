#include "errand.h"

#include "document.h"
#include "engine_admin.h"
#include "listing.h"
#include "purge.h"
#include "waste.h"

#include <event2/buffer.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <time.h>

static void on_slice(evutil_socket_t fd, short what, void *arg);

struct errand {
	struct errand_order order;
	enum request_verb verb;
	errand_on_done *on_done;
	void *arg;
	struct event *next;
	struct listing *listing;     /* NULL: it is no list */
	struct engine_census census; /* REQUEST_STATS */
	struct purge purge;          /* REQUEST_ROOTS_PURGE */
	struct engine_copy *copy;    /* REQUEST_STORE_BACKUP, once begun */
	char reason[ENGINE_REASON_SIZE];
};

/* At once, but behind what is ready. */
static const struct timeval at_once = {0, 0};

bool
errand_serves(enum request_verb verb)
{
	return verb == REQUEST_STATS || verb == REQUEST_STORE_BACKUP ||
	       verb == REQUEST_ROOTS_PURGE || listing_serves(verb);
}

static bool
start(struct errand *errand)
{
	const struct errand_order *order = &errand->order;

	if (listing_serves(errand->verb)) {
		errand->listing =
		    listing_new(order->source, order->request, order->to);
		if (errand->listing == NULL)
			return false;
	}
	errand->next = event_new(order->base, -1, 0, on_slice, errand);
	return errand->next != NULL && event_add(errand->next, &at_once) == 0;
}

struct errand *
errand_new(const struct errand_order *order, errand_on_done *on_done, void *arg)
{
	struct errand *errand = calloc(1, sizeof(*errand));

	if (errand == NULL)
		return NULL;
	errand->order = *order;
	errand->verb = order->request->verb;
	errand->on_done = on_done;
	errand->arg = arg;
	engine_census_init(&errand->census);
	purge_init(&errand->purge, order->source, order->request, order->uid);
	if (start(errand))
		return errand;
	errand_free(errand);
	return NULL;
}

/* What is left of a copy is large. */
static void
drop_copy(struct errand *errand)
{
	int fd = errand->copy != NULL ? engine_copy_dup(errand->copy) : -1;

	engine_copy_free(errand->copy);
	waste_take(errand->order.waste, fd);
}

void
errand_free(struct errand *errand)
{
	if (errand == NULL)
		return;
	if (errand->next != NULL)
		event_free(errand->next);
	listing_free(errand->listing);
	drop_copy(errand);
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
	struct engine *engine = errand->order.source->engine;

	if (errand->listing != NULL)
		return listing_step(errand->listing);
	if (errand->verb == REQUEST_STATS)
		return engine_census_step(engine, &errand->census);
	if (errand->verb == REQUEST_ROOTS_PURGE)
		return purge_step(&errand->purge);
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
	const struct report_source *source = errand->order.source;
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
		return report_error(
		    engine_reason(errand->order.source->engine));
	if (errand->verb == REQUEST_ROOTS_PURGE)
		return report_error(errand->purge.fault);
	return report_error(errand->copy != NULL
	                        ? engine_copy_reason(errand->copy)
	                        : errand->reason);
}

static void
add_copy(struct json_object *to, struct errand *errand,
         struct errand_result *result)
{
	struct json_object *row = document_add_object(to, "backup");

	result->fd = engine_copy_take(errand->copy, &result->len);
	document_add_number(row, "bytes", result->fd >= 0 ? result->len : 0);
}

static struct json_object *
make_answer(struct errand *errand, struct errand_result *result)
{
	struct json_object *answer = errand->verb == REQUEST_ROOTS_PURGE
	                                 ? purge_answer(&errand->purge)
	                                 : json_object_new_object();

	if (answer != NULL && errand->verb == REQUEST_STATS)
		add_stats(answer, errand);
	if (answer != NULL && errand->verb == REQUEST_STORE_BACKUP)
		add_copy(answer, errand, result);
	return answer;
}

static void
finish(struct errand *errand, enum engine_slice slice)
{
	struct errand_result result = {.fd = -1};

	if (errand->listing != NULL)
		result.in_buffer = slice == ENGINE_DONE;
	else if (slice == ENGINE_BAD)
		result.answer = answer_fault(errand);
	else
		result.answer = make_answer(errand, &result);
	errand->on_done(errand->arg, &result);
}

static bool
is_full(const struct errand *errand)
{
	return evbuffer_get_length(errand->order.to) >= ERRAND_WAITING_MAX;
}

static void
on_slice(evutil_socket_t fd, short what, void *arg)
{
	struct errand *errand = arg;
	int64_t until = now_us() + ERRAND_SLICE_US;
	enum engine_slice slice = ENGINE_MORE;

	(void)fd;
	(void)what;
	do
		slice = step(errand);
	while (slice == ENGINE_MORE && !is_full(errand) && now_us() < until);
	if (slice != ENGINE_MORE)
		finish(errand, slice);
	else if (!is_full(errand))
		(void)event_add(errand->next, &at_once);
}

void
errand_go_on(struct errand *errand)
{
	(void)event_add(errand->next, &at_once);
}
