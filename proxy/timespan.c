#include "timespan.h"

#include <string.h>
#include <strings.h>

enum { DAYS = 7, HOUR = 60, DAY = 24 * HOUR, ALL_DAYS = 0x7f };

static const char want[] = "want times such as mon-fri 08:00-18:00";

static const char day_names[DAYS][4] = {"sun", "mon", "tue", "wed",
                                        "thu", "fri", "sat"};

/* The day at *text, which moves behind it; DAYS: none. */
static unsigned
take_day(const char **text)
{
	unsigned day = 0;

	while (day < DAYS && strncasecmp(*text, day_names[day], 3) != 0)
		day++;
	if (day < DAYS)
		*text += 3;
	return day;
}

/* "mon" or "fri-mon"; true, and all days, when there are none. */
static bool
take_days(const char **text, uint8_t *days)
{
	unsigned first = take_day(text);
	unsigned last = first;

	*days = ALL_DAYS;
	if (first == DAYS)
		return true;
	if (**text == '-') {
		(*text)++;
		last = take_day(text);
	}
	*days = 0;
	for (unsigned day = first; last != DAYS; day = (day + 1) % DAYS) {
		*days |= (uint8_t)(1U << day);
		if (day == last)
			break;
	}
	return last != DAYS && (**text == '\0' || **text == ' ');
}

static bool
take_digits(const char **text, unsigned *value)
{
	const char *c = *text;

	if (c[0] < '0' || c[0] > '9' || c[1] < '0' || c[1] > '9')
		return false;
	*value = (unsigned)(c[0] - '0') * 10 + (unsigned)(c[1] - '0');
	*text += 2;
	return true;
}

/* "HH:MM", up to 24:00. */
static bool
take_clock(const char **text, uint16_t *minutes)
{
	unsigned hour;
	unsigned minute;

	if (!take_digits(text, &hour) || *(*text)++ != ':' ||
	    !take_digits(text, &minute))
		return false;
	*minutes = (uint16_t)(hour * HOUR + minute);
	return minute < HOUR && *minutes <= DAY;
}

const char *
timespan_parse(const char *text, struct timespan *span)
{
	struct timespan s = {.from = 0, .to = DAY};

	if (*text == '\0' || !take_days(&text, &s.days))
		return want;
	text += strspn(text, " ");
	if (*text == '\0') {
		*span = s;
		return NULL;
	}
	if (!take_clock(&text, &s.from) || *text++ != '-' ||
	    !take_clock(&text, &s.to) || *text != '\0' || s.from == DAY ||
	    s.from == s.to)
		return want;
	*span = s;
	return NULL;
}

bool
timespan_contains(const struct timespan *span, const struct tm *when)
{
	int minute = when->tm_hour * HOUR + when->tm_min;
	unsigned today = (unsigned)when->tm_wday % DAYS;
	unsigned yesterday = (today + DAYS - 1) % DAYS;
	bool begun_today = (span->days >> today & 1) != 0;
	bool begun_yesterday = (span->days >> yesterday & 1) != 0;

	if (span->from < span->to)
		return begun_today && minute >= span->from && minute < span->to;
	return (begun_today && minute >= span->from) ||
	       (begun_yesterday && minute < span->to);
}
