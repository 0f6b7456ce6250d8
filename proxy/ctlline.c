#include "ctlline.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Seconds since 1970, or a local time. */
static bool
parse_since(const char *text, int64_t *seconds)
{
	struct tm parts = {.tm_isdst = -1};
	char *end = NULL;
	const char *rest;

	*seconds = strtoll(text, &end, 10);
	if (*end == '\0' && end != text)
		return *seconds >= 0;
	rest = strptime(text, "%Y-%m-%d", &parts);
	if (rest != NULL && *rest != '\0')
		rest = strptime(rest, " %H:%M", &parts);
	*seconds = (int64_t)mktime(&parts);
	return rest != NULL && *rest == '\0' && *seconds >= 0;
}

static void
put_text(struct wire_out *line, const char *text)
{
	wire_put_view(line, wire_view_text(text));
}

/* A word that may hold anything: what would end it or break it is %XX. */
void
ctlline_put_word(struct wire_out *line, const char *word)
{
	struct wire_in in = wire_in_view(wire_view_text(word));
	/* A user may be called as a verb is, or "-". */
	bool alone = strcmp(word, "-") == 0 || ctlverb_is_second(word);

	put_text(line, " ");
	for (bool first = true; in.left > 0; first = false) {
		uint8_t byte = wire_u8(&in);
		char code[4];

		if (byte > ' ' && byte != '%' && byte < 0x7f &&
		    !(first && alone)) {
			wire_put_u8(line, byte);
			continue;
		}
		(void)snprintf(code, sizeof(code), "%%%02x", byte);
		put_text(line, code);
	}
}

/* A word that may be missing: "-" then. */
static void
put_optional(struct wire_out *line, const char *word)
{
	if (word != NULL && word[0] != '\0')
		ctlline_put_word(line, word);
	else
		put_text(line, " -");
}

static void
put_number(struct wire_out *line, uint64_t number)
{
	char text[24];

	(void)snprintf(text, sizeof(text), " %" PRIu64, number);
	put_text(line, text);
}

static void
put_plain(struct wire_out *line, const struct ctlverb *verb,
          const struct ctloption_values *options, const char *argument)
{
	put_text(line, verb->words[0]);
	if (verb->words[1] != NULL) {
		put_text(line, " ");
		put_text(line, verb->words[1]);
	}
	if (options->text[CTLOPTION_USER] != NULL)
		ctlline_put_word(line, options->text[CTLOPTION_USER]);
	else if (options->text[CTLOPTION_SCOPE] != NULL)
		ctlline_put_word(line, options->text[CTLOPTION_SCOPE]);
	else if ((verb->options & CTLOPTION_BIT(CTLOPTION_USER)) != 0 &&
	         argument != NULL)
		put_text(line, " -");
	if (argument != NULL)
		ctlline_put_word(line, argument);
}

static void
put_pin(struct wire_out *line, const struct ctloption_values *options,
        const char *argument, const struct ctlimport *import)
{
	put_text(line, "roots pin");
	ctlline_put_word(line, options->text[CTLOPTION_SCOPE] != NULL
	                           ? options->text[CTLOPTION_SCOPE]
	                           : "host");
	ctlline_put_word(line, import->len > 0 ? import->sha256 : argument);
	put_optional(line, options->text[CTLOPTION_REASON]);
	put_number(line, import->len);
}

bool
ctlline_put(struct wire_out *line, const struct ctlverb *verb,
            const struct ctloption_values *options, const char *argument,
            const struct ctlimport *import)
{
	int64_t since = 0;

	switch (verb->shape) {
	case CTLVERB_PLAIN:
	case CTLVERB_EXPORT:
	case CTLVERB_WATCH:
	case CTLVERB_POLICY:
	case CTLVERB_IN_FORCE:
		put_plain(line, verb, options, argument);
		break;
	case CTLVERB_SET:
	case CTLVERB_IMPORT:
		put_text(line, "certs set");
		put_optional(line, options->text[CTLOPTION_USER]);
		put_number(line, import->len);
		break;
	case CTLVERB_PIN:
		put_pin(line, options, argument, import);
		break;
	case CTLVERB_UNPIN:
		put_text(line, "roots unpin");
		put_optional(line, options->text[CTLOPTION_SCOPE]);
		ctlline_put_word(line, argument);
		break;
	case CTLVERB_AUDIT:
		if (options->text[CTLOPTION_SINCE] != NULL &&
		    !parse_since(options->text[CTLOPTION_SINCE], &since))
			return false;
		put_text(line, "audit");
		put_optional(line, options->text[CTLOPTION_USER]);
		put_number(line, (uint64_t)since);
		break;
	case CTLVERB_BACKUP:
	case CTLVERB_CHECK:
		put_text(line, "store backup");
		break;
	case CTLVERB_COMPLETION:
		return false;
	}
	put_text(line, "\n");
	return wire_out_ok(line);
}
