#include "absent.h"

#include "news.h"

#include <stdlib.h>
#include <string.h>

static void
clear(struct absent *gone)
{
	insertion_free(gone->kept);
	free(gone->reader_name);
	memset(gone, 0, sizeof(*gone));
}

static void
take_out(struct certprop *cp, size_t at)
{
	clear(&cp->absent[at]);
	cp->absent_count--;
	for (size_t i = at; i < cp->absent_count; i++)
		cp->absent[i] = cp->absent[i + 1];
	memset(&cp->absent[cp->absent_count], 0, sizeof(cp->absent[0]));
}

/* What nothing ends before an administrator does needs no claim. */
static unsigned
unclaimed(const struct certprop *cp)
{
	return cp->policy.user_cleanup == KEEP_CLEANUP_NONE ? INSERTION_USER
	                                                    : 0;
}

void
absent_keep(struct certprop *cp, const struct reader *r, struct insertion *in,
            unsigned ended)
{
	struct absent gone = {r->id, strdup(r->name), in};

	insertion_drop(in, ended | unclaimed(cp));
	if (insertion_count(in) == 0 || gone.reader_name == NULL) {
		clear(&gone);
		return;
	}
	if (cp->absent_count == MACHINE_ABSENT_MAX)
		take_out(cp, 0);
	cp->absent[cp->absent_count++] = gone;
}

void
absent_forget(struct certprop *cp, const struct reader *r,
              const struct insertion *in)
{
	for (size_t i = cp->absent_count; i > 0; i--)
		if (cp->absent[i - 1].reader == r->id &&
		    insertion_same_card(cp->absent[i - 1].kept, in))
			take_out(cp, i - 1);
}

void
absent_forget_all(struct certprop *cp)
{
	for (size_t i = 0; i < cp->absent_count; i++)
		clear(&cp->absent[i]);
	cp->absent_count = 0;
}

static bool
holds_keys(const struct insertion *in)
{
	return insertion_count(in) > insertion_root_count(in);
}

static void
say_again(struct certprop *cp, const struct absent *gone)
{
	news_absent(cp, gone->reader, gone->reader_name, gone->kept);
	if (holds_keys(gone->kept))
		news_release(cp, gone->reader, gone->kept, 0);
}

void
absent_assert(struct certprop *cp)
{
	for (size_t i = 0; i < cp->absent_count; i++)
		say_again(cp, &cp->absent[i]);
}

void
absent_release(struct certprop *cp, unsigned parts)
{
	for (size_t i = cp->absent_count; i > 0; i--) {
		struct absent *gone = &cp->absent[i - 1];
		size_t before = insertion_count(gone->kept);

		insertion_drop(gone->kept, parts);
		if (insertion_count(gone->kept) < before)
			news_release(cp, gone->reader, gone->kept, parts);
		if (insertion_count(gone->kept) == 0)
			take_out(cp, i - 1);
	}
}

static void
ignore(void *arg, const struct insertion_refusal *refusal)
{
	(void)arg;
	(void)refusal;
}

/* Returns whether anything is left of it. */
static bool
judge_one(struct certprop *cp, struct absent *gone)
{
	struct insertion_terms terms = machine_terms(cp);
	struct insertion *now =
	    insertion_again(gone->kept, &terms, ignore, NULL);

	if (now == NULL || insertion_same(now, gone->kept)) {
		insertion_free(now);
		return true;
	}
	if (insertion_withheld(now) != NULL)
		news_release(cp, gone->reader, now, machine_withheld_parts(cp));
	else if (insertion_lost_roots(gone->kept, now))
		news_release(cp, gone->reader, now, INSERTION_ROOTS);
	insertion_free(gone->kept);
	gone->kept = now;
	if (insertion_count(now) > 0)
		say_again(cp, gone);
	return insertion_count(now) > 0;
}

void
absent_judge(struct certprop *cp)
{
	for (size_t i = cp->absent_count; i > 0; i--)
		if (!judge_one(cp, &cp->absent[i - 1]))
			take_out(cp, i - 1);
}
