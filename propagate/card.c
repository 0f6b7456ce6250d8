#include "card.h"
#include "content.h"
#include "exchange.h"
#include "gids.h"
#include "piv.h"

#include <stdlib.h>
#include <string.h>

enum card_phase { CARD_SELECTING, CARD_READING, CARD_ENDED };

struct card_read {
	enum card_phase phase;
	enum card_family order[2]; /* families to try */
	size_t tried;
	uint8_t atr[CARD_ATR_MAX];
	size_t atr_len;
	bool probe_retired;
	const char *fault;
	struct exchange exchange;
	union {
		struct piv piv; /* content.family says which */
		struct gids gids;
	};
	struct card_content content;
};

static struct wire_view
atr_of(const struct card_read *job)
{
	struct wire_view atr = {job->atr, job->atr_len};

	return atr;
}

struct card_read *
card_read_new(const struct card_hints *hints)
{
	struct card_read *job = calloc(1, sizeof(*job));
	bool gids_first = hints->family == CARD_GIDS;
	struct wire_out atr;

	if (job == NULL)
		return NULL;
	job->order[0] = gids_first ? CARD_GIDS : CARD_PIV;
	job->order[1] = gids_first ? CARD_PIV : CARD_GIDS;
	job->probe_retired = hints->probe_retired;
	atr = wire_out(job->atr, sizeof(job->atr));
	wire_put_view(&atr, hints->atr);
	job->atr_len = atr.len;
	exchange_init(&job->exchange, hints);
	return job;
}

/* What only a read in progress needs. */
static void
drop_family(struct card_read *job)
{
	switch (job->content.family) {
	case CARD_PIV:
		piv_clear(&job->piv);
		break;
	case CARD_GIDS:
		gids_clear(&job->gids);
		break;
	case CARD_UNKNOWN:
		break;
	}
	exchange_clear(&job->exchange);
}

void
card_read_free(struct card_read *job)
{
	if (job == NULL)
		return;
	drop_family(job);
	content_clear(&job->content);
	free(job);
}

/* Nothing of a read that failed is kept. */
static enum card_step
fail(struct card_read *job, const char *fault)
{
	job->phase = CARD_ENDED;
	job->fault = fault;
	drop_family(job);
	content_clear(&job->content);
	return CARD_FAILED;
}

static enum card_step
finish(struct card_read *job)
{
	job->phase = CARD_ENDED;
	job->content.length = job->exchange.length;
	content_ensure_id(&job->content, atr_of(job));
	drop_family(job);
	return CARD_DONE;
}

static enum card_step
send(struct card_read *job, struct wire_view *apdu)
{
	struct wire_view command = {job->exchange.sent.bytes,
	                            job->exchange.sent.len};

	if (job->content.apdu_count == CARD_APDUS_MAX)
		return fail(job, "answers without end");
	if (!apdu_allowed(command))
		return fail(job, "a command that may not be sent");
	job->content.apdu_count++;
	*apdu = command;
	return CARD_SEND;
}

static enum card_step
try_family(struct card_read *job, struct wire_view *apdu)
{
	struct exchange_want want;

	if (job->tried == sizeof(job->order) / sizeof(job->order[0]))
		return fail(job, "no application this proxy knows");
	if (job->order[job->tried] == CARD_PIV)
		piv_select(&want);
	else
		gids_select(&want);
	exchange_begin(&job->exchange, &want);
	return send(job, apdu);
}

static enum card_step
next_object(struct card_read *job, struct wire_view *apdu)
{
	struct exchange_want want;
	bool more = job->content.family == CARD_PIV
	                ? piv_next(&job->piv, &want)
	                : gids_next(&job->gids, &want);

	if (!more)
		return finish(job);
	exchange_begin(&job->exchange, &want);
	return send(job, apdu);
}

static enum card_step
on_selected(struct card_read *job, struct wire_view *apdu)
{
	const struct exchange_result *result = &job->exchange.result;
	bool vendor;

	if (result->outcome != EXCHANGE_OK) {
		job->tried++;
		return try_family(job, apdu);
	}
	job->phase = CARD_READING;
	job->content.family = job->order[job->tried];
	if (job->content.family == CARD_PIV) {
		vendor = piv_is_vendor(atr_of(job), result->data);
		piv_init(&job->piv, vendor, job->probe_retired);
	} else {
		gids_init(&job->gids);
	}
	return next_object(job, apdu);
}

static enum card_step
on_object(struct card_read *job, struct wire_view *apdu)
{
	const struct exchange_result *result = &job->exchange.result;
	const char *fault = job->content.family == CARD_PIV
	                        ? piv_take(&job->piv, result, &job->content)
	                        : gids_take(&job->gids, result, &job->content);

	if (fault != NULL)
		return fail(job, fault);
	return next_object(job, apdu);
}

enum card_step
card_read_start(struct card_read *job, struct wire_view *apdu)
{
	return try_family(job, apdu);
}

enum card_step
card_read_answer(struct card_read *job, struct wire_view answer,
                 struct wire_view *apdu)
{
	if (job->phase == CARD_ENDED)
		return job->fault == NULL ? CARD_DONE : CARD_FAILED;
	if (exchange_answer(&job->exchange, answer) == EXCHANGE_SEND)
		return send(job, apdu);
	if (job->phase == CARD_SELECTING)
		return on_selected(job, apdu);
	return on_object(job, apdu);
}

const struct card_content *
card_read_content(const struct card_read *job)
{
	return &job->content;
}

const char *
card_read_fault(const struct card_read *job)
{
	return job->fault;
}

const char *
card_family_name(enum card_family family)
{
	switch (family) {
	case CARD_UNKNOWN:
		return "";
	case CARD_PIV:
		return "PIV";
	case CARD_GIDS:
		return "GIDS";
	}
	return "";
}
