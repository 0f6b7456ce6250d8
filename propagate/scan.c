#include "scan.h"

#include "news.h"

enum {
	QUIET_MS = 250,    /* no reader came within this time */
	LIST_MS = 10000,   /* so long we wait for readers to show up */
	LONGEST_MS = 60000 /* a card that flaps holds nothing up for longer */
};

void
scan_begin(struct certprop *cp, uint64_t now_ms)
{
	cp->scan.open = true;
	cp->scan.since_ms = now_ms;
	if (cp->scan.changed_ms > now_ms)
		cp->scan.changed_ms = now_ms;
}

void
scan_stop(struct certprop *cp)
{
	cp->scan.open = false;
}

void
scan_changed(struct certprop *cp, uint64_t now_ms)
{
	cp->scan.changed_ms = now_ms;
}

bool
scan_is_open(const struct certprop *cp)
{
	return cp->scan.open;
}

/* A card is on its way to be known. */
static bool
is_busy(const struct certprop *cp)
{
	for (size_t i = 0; i < cp->reader_count; i++)
		switch (cp->readers[i]->state) {
		case KEEP_CARD_SETTLING:
		case KEEP_CARD_READING:
			return true;
		case KEEP_CARD_EMPTY:
		case KEEP_CARD_PRESENT:
		case KEEP_CARD_FAILED:
		case KEEP_CARD_MUTE:
			break;
		}
	return false;
}

/* We have seen readers, and into each of them. */
static bool
saw_all(const struct certprop *cp)
{
	for (size_t i = 0; i < cp->reader_count; i++)
		if (!cp->readers[i]->seen)
			return false;
	return cp->reader_count > 0;
}

/* When nothing more is waited for, if nothing else happens. */
static uint64_t
end_ms(const struct certprop *cp)
{
	uint64_t quiet = cp->scan.changed_ms + QUIET_MS;
	uint64_t patience = cp->scan.since_ms + LIST_MS;

	if (!cp->policy.redirect)
		return 0; /* nothing will be found */
	return saw_all(cp) || quiet > patience ? quiet : patience;
}

void
scan_pump(struct certprop *cp, uint64_t now_ms)
{
	bool busy = cp->policy.redirect && is_busy(cp);

	if (!cp->scan.open)
		return;
	if (now_ms < cp->scan.since_ms + LONGEST_MS &&
	    (busy || now_ms < end_ms(cp)))
		return;
	cp->scan.open = false;
	news_synced(cp);
}

uint64_t
scan_deadline(const struct certprop *cp)
{
	if (!cp->scan.open || (cp->policy.redirect && is_busy(cp)))
		return UINT64_MAX;
	return end_ms(cp);
}
