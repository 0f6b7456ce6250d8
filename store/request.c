#include "request.h"

#include <string.h>

enum argument {
	ARGUMENT_NONE,
	ARGUMENT_OWNER,
	ARGUMENT_HASH,
	ARGUMENT_REASON,
	ARGUMENT_SINCE,
	ARGUMENT_BODY
};

enum { ARGUMENTS_MAX = 4 };

/* The longest form first: "certs export" is no user called "export". */
static const struct row {
	enum request_verb verb;
	const char *words[2];
	enum argument arguments[ARGUMENTS_MAX];
	size_t required; /* arguments that must be there */
	bool privileged;
} rows[] = {
    /* clang-format off */
	{ REQUEST_CERTS_EXPORT,  { "certs", "export" },  { ARGUMENT_OWNER, ARGUMENT_HASH },    0, false },
	{ REQUEST_CERTS_SET,     { "certs", "set" },     { ARGUMENT_OWNER, ARGUMENT_BODY },    2, true },
	{ REQUEST_ROOTS_EXPORT,  { "roots", "export" },  { ARGUMENT_OWNER },                   0, false },
	{ REQUEST_ROOTS_EXPLAIN, { "roots", "explain" }, { ARGUMENT_HASH },                    1, false },
	{ REQUEST_ROOTS_PIN,     { "roots", "pin" },     { ARGUMENT_OWNER, ARGUMENT_HASH,
							   ARGUMENT_REASON, ARGUMENT_BODY },   2, true },
	{ REQUEST_ROOTS_UNPIN,   { "roots", "unpin" },   { ARGUMENT_OWNER, ARGUMENT_HASH },    2, true },
	{ REQUEST_ROOTS_PURGE,   { "roots", "purge" },   { ARGUMENT_HASH },                    0, true },
	{ REQUEST_USERS_FORGET,  { "users", "forget" },  { ARGUMENT_OWNER },                   1, true },
	{ REQUEST_SESSIONS_SHOW, { "sessions", "show" }, { ARGUMENT_HASH },                    1, false },
	{ REQUEST_STATS,         { "store", "stats" },   { ARGUMENT_NONE },                    0, false },
	{ REQUEST_STORE_BACKUP,  { "store", "backup" },  { ARGUMENT_NONE },                    0, true },
	{ REQUEST_SESSIONS,      { "sessions" },         { ARGUMENT_NONE },                    0, false },
	{ REQUEST_READERS,       { "readers" },          { ARGUMENT_NONE },                    0, false },
	{ REQUEST_CERTS,         { "certs" },            { ARGUMENT_OWNER },                   0, false },
	{ REQUEST_ROOTS,         { "roots" },            { ARGUMENT_OWNER },                   0, false },
	{ REQUEST_AUDIT,         { "audit" },            { ARGUMENT_OWNER, ARGUMENT_SINCE },   0, false },
	{ REQUEST_ENV,           { "env" },              { ARGUMENT_OWNER, ARGUMENT_HASH },    0, false },
	{ REQUEST_WATCH,         { "watch" },            { ARGUMENT_NONE },                    0, false },
	{ REQUEST_STATS,         { "stats" },            { ARGUMENT_NONE },                    0, false },
    /* clang-format on */
};

struct words {
	struct wire_view word[REQUEST_WORDS_MAX];
	size_t count;
};

/* Up to the next space, which is taken too. */
static struct wire_view
take_word(struct wire_in *in)
{
	struct wire_in ahead = *in;
	size_t len = 0;

	while (ahead.left > 0 && wire_u8(&ahead) != ' ')
		len++;
	struct wire_view word = wire_bytes(in, len);

	if (in->left > 0)
		wire_skip(in, 1);
	return word;
}

static const char *
split(struct wire_view line, struct words *words)
{
	struct wire_in in = wire_in_view(line);

	if (line.len > REQUEST_LINE_MAX)
		return "the request is too long";
	words->count = 0;
	while (in.left > 0) {
		if (words->count == REQUEST_WORDS_MAX)
			return "the request has too many words";
		words->word[words->count++] = take_word(&in);
	}
	return words->count > 0 ? NULL : "the request is empty";
}

static int
hex_value(uint8_t digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

/* One byte of a word, %XX decoded; -1: not a byte of a text. */
static int
take_byte(struct wire_in *in)
{
	uint8_t byte = wire_u8(in);

	if (byte != '%')
		return byte > ' ' ? byte : -1;
	int high = hex_value(wire_u8(in));
	int low = hex_value(wire_u8(in));

	if (high < 0 || low < 0)
		return -1;
	return high * 16 + low > 0 ? high * 16 + low : -1;
}

/* A word with its codes undone; "-" leaves the text as it is. */
static const char *
parse_text(struct wire_view word, char *text, size_t max)
{
	struct wire_in in = wire_in_view(word);
	size_t len = 0;

	if (wire_view_equal(word, wire_view_text("-")))
		return NULL;
	while (in.left > 0) {
		int byte = take_byte(&in);

		if (byte < 0)
			return "not a name";
		if (len == max)
			return "the name is too long";
		text[len++] = (char)byte;
	}
	return len > 0 ? NULL : "the name is empty";
}

/* Decimal, at most max. */
static const char *
parse_number(struct wire_view word, int64_t max, int64_t *number)
{
	struct wire_in in = wire_in_view(word);
	int64_t value = 0;

	if (word.len == 0)
		return "a number is missing";
	while (in.left > 0) {
		uint8_t digit = wire_u8(&in);

		if (digit < '0' || digit > '9')
			return "not a number";
		value = value * 10 + (digit - '0');
		if (value > max)
			return "the number is too large";
	}
	*number = value;
	return NULL;
}

static const char *
parse_body(struct wire_view word, struct request *request)
{
	int64_t len = 0;
	const char *fault = parse_number(word, REQUEST_BODY_MAX, &len);

	request->body = (size_t)len;
	return fault;
}

static const char *
parse_hash(struct wire_view word, struct request *request)
{
	static const char digits[] = "0123456789abcdef";
	struct wire_in in = wire_in_view(word);
	size_t len = 0;

	if (word.len < REQUEST_HASH_MIN || word.len > REQUEST_HASH_MAX)
		return "a thumbprint or an id has 4 to 64 digits";
	while (in.left > 0) {
		int value = hex_value(wire_u8(&in));

		if (value < 0)
			return "not a thumbprint or an id";
		request->prefix[len++] = digits[value];
	}
	return NULL;
}

static size_t
count_words(const struct row *row)
{
	return row->words[1] != NULL ? 2 : 1;
}

static bool
matches(const struct row *row, const struct words *words)
{
	size_t count = count_words(row);

	if (words->count < count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!wire_view_equal(words->word[i],
		                     wire_view_text(row->words[i])))
			return false;
	return true;
}

static const char *
parse_argument(enum argument argument, struct wire_view word,
               struct request *request)
{
	switch (argument) {
	case ARGUMENT_OWNER:
		return parse_text(word, request->owner, KEEP_TEXT_MAX);
	case ARGUMENT_HASH:
		return parse_hash(word, request);
	case ARGUMENT_REASON:
		return parse_text(word, request->reason, REQUEST_REASON_MAX);
	case ARGUMENT_SINCE:
		return parse_number(word, UINT32_MAX, &request->since);
	case ARGUMENT_BODY:
		return parse_body(word, request);
	case ARGUMENT_NONE:
		break;
	}
	return "the request has too many words";
}

static const char *
parse_arguments(const struct row *row, const struct words *words,
                struct request *request)
{
	size_t first = count_words(row);
	const char *fault = NULL;

	if (words->count < first + row->required)
		return "the request lacks a word";
	for (size_t i = first; fault == NULL && i < words->count; i++)
		fault = i - first < ARGUMENTS_MAX
		            ? parse_argument(row->arguments[i - first],
		                             words->word[i], request)
		            : "the request has too many words";
	return fault;
}

const char *
request_parse(struct wire_view line, struct request *request)
{
	struct words words;
	const char *fault = split(line, &words);

	memset(request, 0, sizeof(*request));
	if (fault != NULL)
		return fault;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!matches(&rows[i], &words))
			continue;
		request->verb = rows[i].verb;
		return parse_arguments(&rows[i], &words, request);
	}
	return "not a request";
}

bool
request_is_privileged(enum request_verb verb)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].verb == verb)
			return rows[i].privileged;
	return true;
}
